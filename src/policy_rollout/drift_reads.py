"""Look at all that a program has outside, and compare: its drift. Reads only."""

from contextlib import closing
from datetime import datetime

from policy_rollout.connections import answer_statuses, open_jira, open_workbook
from policy_rollout.decide import as_known
from policy_rollout.drift import Compared, Difference, Rows
from policy_rollout.outline import outline_at
from policy_rollout.plan import Asking
from policy_rollout.program import ProgramState
from policy_rollout.settings import Settings
from policy_rollout.spec.reader import read_valid
from policy_rollout.surveyed import NOTHING, Survey


def drift_of(settings: Settings, state: ProgramState, now: datetime) -> tuple[Difference, ...]:
    """All that differs; nothing for a program that has nothing outside yet.

    Raises:
        ServiceError: Jira or the workbook cannot be read.
        SpecRefused: the journaled spec has errors by the rules of this version.
    """
    spec = read_valid(state.spec_text, state.spec_path)
    outline = outline_at(spec, state, now)
    survey: Survey = NOTHING
    if not state.wrote_nothing:
        with open_jira(settings, spec) as jira:
            survey = jira.survey(state.program, tuple(state.issues.values()))
    rows = Rows({}, ())
    if state.rows:
        with closing(open_workbook(settings, spec)) as workbook:
            found = workbook.read(state.program)
        rows = Rows(found.rows, found.oddities)
    asking = Asking(as_known(outline, state).judged, answer_statuses(settings))
    return Compared(outline, state, asking, survey, rows).differences()
