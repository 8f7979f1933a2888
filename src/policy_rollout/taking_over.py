"""A program whose Prefect run is lost is carried on by a new one. Talks to Prefect."""

from policy_rollout import prefect_api
from policy_rollout.errors import RolloutError
from policy_rollout.launching import Launch
from policy_rollout.program import ProgramState

_NEXT_STEPS = {
    "paused": "it waits, and nothing is lost. See: rollout status {program}",
    "cancelled": "a cancelled run goes on with: rollout go-on {program}",
    "crashed": "a crashed run is started again by `watch` within a minute",
    "failed": "a failed run is started again by `watch` within a quarter of an hour",
}


class NotTakenUp(RolloutError):
    """A program that no new run may carry; `why` names who does, `next_step` what to do."""

    def __init__(self, program: str, why: str, next_step: str) -> None:
        super().__init__(f"program {program!r} was not taken up: {why}; {next_step}")


def wait_key(state: ProgramState) -> str:
    """The key of the program's next wait: fixed, so that a repeated wait is the same one."""
    return f"answer-{state.waits}"


def check_lost(state: ProgramState, lost: str) -> None:
    """A run may take the program over from run `lost` if that one carries it and is gone.

    Raises:
        NotTakenUp: the program is over, another run carries it, or Prefect still knows that run.
        PrefectUnavailable: nobody can say whether the run is gone.
    """
    see = f"see where it stands: rollout status {state.program}"
    if state.is_settled:
        raise NotTakenUp(state.program, "it is over, and nothing is left to do", see)
    if state.run != lost:
        raise NotTakenUp(state.program, f"run {_named(state.run)} carries it by now", see)
    seen = prefect_api.look_up((lost,)).get(lost)
    if seen is not None:
        next_step = _NEXT_STEPS.get(seen.state, see).format(program=state.program)
        why = f"run {_named(lost)} carries it, which Prefect knows as {seen.state}"
        raise NotTakenUp(state.program, why, next_step)


def _named(run: str) -> str:
    return prefect_api.run_url(run) or run


def continue_program(state: ProgramState) -> Launch:
    """Start a run that takes the program up from the journal; it journals that by itself.

    Of two runs that are started for it, the first one takes it up, and the other says so.

    Raises:
        NotTakenUp, PrefectUnavailable: as `check_lost`; nothing was started.
    """
    check_lost(state, state.run)
    run = prefect_api.launch(
        state.spec_text, spec_path=state.spec_path, program=state.program, continues=state.run
    )
    return Launch(state.program, run, prefect_api.run_url(run))
