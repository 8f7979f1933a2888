"""The Resume form: look again, or answer a waiting gate with a one-time code."""

from typing import Any, Literal

from prefect.input import RunInput
from pydantic import Field, create_model

from policy_rollout.program import ProgramState
from policy_rollout.sign_offs import Action
from policy_rollout.spec.model import Spec

CHECK = "check now"
RECREATE = "create again what was deleted"
ACTIONS = (CHECK, *(each.value for each in Action), RECREATE)
NO_GATE = "-"


def resume_form(spec: Spec, state: ProgramState, text: str) -> type[RunInput]:
    """A form whose drop-downs hold the waiting gates and their roles; its default signs nothing."""
    waiting = state.waiting_stages
    roles = dict.fromkeys(role for stage in waiting for role in spec.stages[stage].gate.sign_off)
    shown = " ".join(
        f"{stage}:{digest[:16]}"
        for stage in waiting
        if (digest := state.gates[stage].digest) is not None
    )
    form = create_model(
        "Answer",
        __base__=RunInput,
        action=_choice(ACTIONS, "What to do. Every answer except approve needs a reason."),
        gate=_choice((NO_GATE, *waiting), "The stage whose gate you answer."),
        role=_choice((NO_GATE, *roles), "The role you answer for."),
        person=_text("Your mail address, as the program's spec has it."),
        code=_text("The code that your authenticator app shows now; it works once."),
        note=_text(
            "Your reason. Lines such as `Reopen: guideline` or `Condition for launch: ...` "
            "do something; see above."
        ),
        shown=(str, Field(default=shown, description="What this form shows; leave it as it is.")),
    )
    return form.with_initial_data(description=text)


def _choice(options: tuple[str, ...], description: str) -> Any:
    return (Literal[options], Field(default=options[0], description=description))


def _text(description: str) -> Any:
    return (str, Field(default="", description=description))


def shown_digest(shown: str, stage: str) -> str:
    """The digest that a form showed of a gate; empty where it showed none."""
    pairs = (pair.partition(":") for pair in shown.split())
    return next((digest for name, _, digest in pairs if name == stage), "")
