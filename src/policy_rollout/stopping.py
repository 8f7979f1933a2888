"""What a stop closes, marks and leaves, and the words that say so. Pure."""

from dataclasses import dataclass

from policy_rollout import events as ev
from policy_rollout.gates import FINISHED
from policy_rollout.outline import Outline
from policy_rollout.program import ProgramState
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, epic_key


def closes_issues(spec: Spec, stopped: ev.ProgramStopped) -> bool:
    """Whether open issues are closed: as the command said, else as the spec has it."""
    return (stopped.issues or spec.if_rejected) == "close"


def closed_by(outline: Outline, stopped: ev.ProgramStopped) -> tuple[str, ...]:
    """Stable keys of what a stop closes wherever it is open: the epic, and tasks if they are."""
    tasks = (item.key for item in outline.items if item.kind is Kind.TASK)
    return (
        epic_key(outline.spec.program),
        *(tasks if closes_issues(outline.spec, stopped) else ()),
    )


@dataclass(frozen=True, slots=True)
class StopAhead:
    """What a stop would meet, as the journal knows it; issues by Jira key."""

    epic: str
    open_issues: tuple[tuple[str, str], ...]
    closes: bool
    rows: int
    sign_offs: int

    def lines(self) -> tuple[str, ...]:
        """For whoever is asked whether it shall be done."""
        stays = "stays as it is" if len(self.open_issues) == 1 else "stay as they are"
        becomes = "will be closed" if self.closes else stays
        found = [f"The epic {self.epic} is closed."] if self.epic else []
        if self.open_issues:
            found.append(f"{_counted(len(self.open_issues), 'open issue')} {becomes}:")
        found += [f"  {key}  {title}" for key, title in self.open_issues]
        if self.rows:
            found.append(f"{_counted(self.rows, 'row')} of the workbook will say so.")
        if self.sign_offs:
            found.append(f"{_counted(self.sign_offs, 'sign-off issue')} will ask no more.")
        return (*found, "No further stage opens. A stop cannot be taken back.")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def stop_ahead(outline: Outline, state: ProgramState, stopped: ev.ProgramStopped) -> StopAhead:
    """What `stopped` would do to a program, from the journal alone."""
    work = [item for stage in state.waiting_stages for item in outline.of(stage)]
    still_open = tuple(
        (state.issues[item.key], item.title)
        for item in work
        if item.key in state.issues and state.of(item.key).state not in _GONE_OR_DONE
    )
    desks = [key for key in state.issues if "/sign-off:" in key]
    return StopAhead(
        epic=state.issues.get(epic_key(outline.spec.program), ""),
        open_issues=still_open,
        closes=closes_issues(outline.spec, stopped),
        rows=sum(item.key in state.rows for item in work),
        sign_offs=sum(key.split("/")[1] in state.waiting_stages for key in desks),
    )


_GONE_OR_DONE = FINISHED | {State.MISSING}


def stop_words(spec: Spec, stopped: ev.ProgramStopped) -> str:
    """One sentence for the epic, the sign-off issues and the board; ends without the reason."""
    left = "Open issues are closed" if closes_issues(spec, stopped) else "Open issues are left open"
    return f"The program was {how_stopped(stopped)}. {left}; nothing more is asked."


def how_stopped(stopped: ev.ProgramStopped) -> str:
    how = "rejected for good" if stopped.issues is None else "stopped"
    return f"{how} by {stopped.by}"
