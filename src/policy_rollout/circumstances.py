"""What a decision needs besides spec, state and world, as it is now. Reads the journal."""

from datetime import datetime
from functools import partial

from policy_rollout.absences import absent
from policy_rollout.connections import answer_statuses
from policy_rollout.decide import Circumstances
from policy_rollout.journal.store import Journal
from policy_rollout.people_history import absences_of
from policy_rollout.settings import Settings


def circumstances_of(journal: Journal, settings: Settings, now: datetime) -> Circumstances:
    """The absences that stand, the site's word for no, and the time."""
    announced = absences_of(journal)
    return Circumstances(now, answer_statuses(settings), partial(absent, announced))
