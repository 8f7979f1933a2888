"""Look at the world: what Jira and the workbook hold of one program."""

from policy_rollout.decide import ToLookAt
from policy_rollout.observed import World
from policy_rollout.observing import read_world
from policy_rollout.settings import Settings
from policy_rollout.spec.model import Spec
from tasks.batch import batch


@batch("look at Jira and the workbook")
def look_at_world(spec: Spec, wanted: ToLookAt) -> World:
    """Read the program's open work by key: never through a search, never from a cache."""
    return read_world(Settings.load(), spec, wanted)
