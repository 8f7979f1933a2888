"""The Resume form: look again, or answer a waiting gate with a one-time code."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from prefect.input import RunInput
from pydantic import Field, create_model

from policy_rollout.program import ProgramState
from policy_rollout.sign_offs import Action
from policy_rollout.spec.model import Spec

CHECK = "check now"
RECREATE = "create again what was deleted"
GO_ON = "go on"
"""Offered while the program is held."""
ACTIONS = (CHECK, *(each.value for each in Action), RECREATE)
UNSIGNED = (CHECK, RECREATE)
"""Offered where no gate waits."""
NO_GATE = "-"
_DESK = re.compile(r"(?P<stage>\S+) for (?P<role>\S+)(?:, text (?P<digest>\S+))?")
_DIGEST_SHOWN = 16


def resume_form(spec: Spec, state: ProgramState, text: str) -> type[RunInput]:
    """A form whose gates are those that wait, each with what it shows; its default signs nothing.

    Where none waits, there is nothing to sign and no field for it. Few fields without words of
    their own: Prefect gives the evidence what room they leave.
    """
    desks = [
        _desk(stage, role, state.gates[stage].digest)
        for stage in state.waiting_stages
        for role in spec.stages[stage].gate.sign_off or (NO_GATE,)
    ]
    actions = ACTIONS if desks else UNSIGNED
    fields: dict[str, Any] = {
        "action": _choice("What to do", (*actions, GO_ON) if state.held else actions)
    }
    if desks:
        fields |= {
            "gate": _choice("Gate, role and the text that you read", (NO_GATE, *desks)),
            "person": _text("Your mail address, as in the spec"),
            "code": _text("The code that your authenticator shows"),
        }
    fields["note"] = _text("Reason, or note")
    form: type[RunInput] = create_model("Answer", __base__=RunInput, **fields)
    return form.with_initial_data(description=text)


def trouble_form(text: str) -> type[RunInput]:
    """Where the program itself cannot be read: nothing to answer but to look again."""
    form = create_model(
        "Answer",
        __base__=RunInput,
        action=_choice("What to do", (CHECK,)),
        note=_text("Note"),
    )
    return form.with_initial_data(description=text)


def _desk(stage: str, role: str, digest: str | None) -> str:
    return f"{stage} for {role}" + (f", text {digest[:_DIGEST_SHOWN]}" if digest else "")


def _choice(title: str, options: tuple[str, ...]) -> Any:
    return (Literal[options], Field(default=options[0], title=title))


def _text(title: str) -> Any:
    return (str, Field(default="", title=title))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The gate that somebody answers, and the beginning of the digest that the form showed."""

    stage: str
    role: str
    digest: str


def chosen(gate: str) -> Chosen:
    """What stands behind a choice of the form; the text itself where it is none of them."""
    found = _DESK.fullmatch(gate)
    if found is None:
        return Chosen(gate, NO_GATE, "")
    return Chosen(found["stage"], found["role"], found["digest"] or "")
