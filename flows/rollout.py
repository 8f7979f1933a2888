"""The flow of a program: from launch to its last gate, suspended while people work.

Each time it starts, from the first line, it makes the world what the spec and the journal say.
Nothing is remembered in the flow itself.
"""

from typing import Annotated
from uuid import uuid4

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.flow_runs import suspend_flow_run
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.forms import resume_form, trouble_form
from flows.halts import note_started_again
from flows.passes import pass_or_trouble
from flows.programs import PASTED, SHIPPED, run_name, text_of
from flows.taking_up import note_answer, note_resumed, take_over, take_up
from policy_rollout.errors import (
    JournalError,
    ProgramAlreadyLaunched,
    SettingsWrong,
    SpecRefused,
)
from policy_rollout.history import state_of
from policy_rollout.journal.store import Journal
from policy_rollout.outline import spec_of
from policy_rollout.settings import Settings
from policy_rollout.taking_over import NotTakenUp, wait_key


@flow(name="rollout", flow_run_name=run_name)
def rollout(
    program: Annotated[
        str,
        Field(
            json_schema_extra={
                "title": "Program",
                "description": "One that is shipped, or the first entry to launch a spec of yours.",
                "enum": [PASTED, *SHIPPED],
            }
        ),
    ] = PASTED,
    pasted_spec: Annotated[
        str,
        Field(
            json_schema_extra={
                "title": "Pasted spec",
                "description": "The whole YAML text of a program spec; stays empty with a "
                "shipped program. `rollout check FILE` shows beforehand what is wrong with it.",
            }
        ),
    ] = "",
    source: Annotated[
        str,
        Field(
            json_schema_extra={
                "title": "Name of the pasted text",
                "description": "Stands before line and column in messages on the pasted spec.",
            }
        ),
    ] = "pasted",
    continues: Annotated[
        str,
        Field(
            json_schema_extra={
                "title": "Id of a lost run",
                "description": "Stays empty. `rollout launch --continue PROGRAM` fills it in: the "
                "new run takes the program up from the journal, in the place of that one.",
            }
        ),
    ] = "",
) -> State[str]:
    """Launch a program and carry it, gate by gate, to its end."""
    try:
        return _carry(*text_of(program, pasted_spec, source), continues)
    except (SpecRefused, ProgramAlreadyLaunched, NotTakenUp) as error:
        get_run_logger().error("Nothing was launched.\n%s", error)
        return Failed(message=str(error))
    except (JournalError, SettingsWrong) as error:
        get_run_logger().error("%s", error)
        suspend_flow_run(
            wait_for_input=trouble_form(str(error)),
            key=f"journal-{uuid4()}",
            timeout=None,
        )
        raise


def _carry(text: str, source: str, continues: str) -> State[str]:
    settings, run = Settings.load(), str(flow_run.id)
    with Journal(settings.journal_address) as journal:
        if continues:
            program = take_over(journal, text, source, run, lost=continues)
        else:
            program = take_up(journal, text, source, run)
        note_answer(journal, settings, program, run)
        note_started_again(journal, program)
        while True:
            stands = pass_or_trouble(journal, settings, program, run=run)
            if stands.is_over:
                return Completed(message=stands.text)
            state = state_of(journal, program)
            suspend_flow_run(
                wait_for_input=resume_form(spec_of(state), state, stands.text),
                key=wait_key(state),
                timeout=None,
            )
            note_resumed(journal, settings, program, run, wait=state.waits)
