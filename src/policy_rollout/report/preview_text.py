"""The preview of a plan on a program under way, as lines or JSON. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from policy_rollout.consequences import Chain, Consequences, Moving
from policy_rollout.planned import FieldChange, Planned, What
from policy_rollout.preview import Preview
from policy_rollout.report.folding import chain_words
from policy_rollout.report.plan_text import business_days, weekday_and

SHOWN = 20
"""So many lines of each list are shown, the rest is counted."""
LINES_SHOWN = 6
LONGEST = 160
_HEADINGS = {
    What.CREATE: "Issues to create",
    What.ADD: "Rows to add",
    What.UPDATE: "Issues to update",
    What.REWRITE: "Rows to rewrite",
    What.LINK: "Links to make",
    What.CLOSE: "Issues to close",
    What.REOPEN: "Issues to reopen",
    What.SAY: "Comments to write",
    What.NOTIFY: "Notices to send",
}
_TOLD_ON_CREATION = ("due", "Due", "assignee", "Assigned to")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    style: str = ""


def preview_lines(preview: Preview, *, show_all: bool = False) -> list[str]:
    return [each.text for each in _lines(preview, show_all=show_all)]


def preview_renderable(preview: Preview, *, show_all: bool = False) -> RenderableType:
    return Group(
        *(Text(each.text, style=each.style) for each in _lines(preview, show_all=show_all))
    )


def preview_json(preview: Preview) -> dict[str, Any]:
    """For machines: days as YYYY-MM-DD, keys are stable keys, empty texts where there is none."""
    return {
        "program": preview.program,
        "title": preview.title,
        "follows_spec": preview.follows_spec,
        "spec_changes": list(preview.spec_changes),
        "held": preview.held,
        "over": preview.over,
        "changes": [_change_json(each) for each in preview.changes],
        "left_alone": [asdict(each) for each in preview.left_alone],
        "consequences": _plain(asdict(preview.follows)),
        "closes": {
            "open_items": preview.closures.open_items,
            "closing": list(preview.closures.closing),
            "closing_share": round(preview.closures.closing_share, 4),
            "finished": [asdict(each) for each in preview.closures.finished],
        },
        "settles": preview.settles,
    }


def _change_json(change: Planned) -> dict[str, Any]:
    return {
        "type": str(change.what),
        "key": change.key,
        "where": change.where,
        "title": change.title,
        "fields": [asdict(each) for each in change.fields],
    }


def _plain(found: Any) -> Any:
    match found:
        case dict():
            return {name: _plain(each) for name, each in found.items()}
        case list() | tuple():
            return [_plain(each) for each in found]
        case date():
            return found.isoformat()
        case _:
            return found


def _lines(preview: Preview, *, show_all: bool) -> Iterator[_Line]:
    most = None if show_all else SHOWN
    how = f"if it followed {preview.follows_spec}" if preview.follows_spec else "as it runs"
    yield _Line(f"{preview.title} ({preview.program}), {how}", "bold")
    if preview.held:
        goes_on = f"rollout go-on {preview.program}"
        yield _Line(f"Held {preview.held}. This is what changes once it goes on: {goes_on}", "red")
    if preview.over:
        yield _Line(f"The program is over, {preview.over}. Nothing is asked for any more.", "red")
    yield _Line(f"Changes: {_counts(preview.changes)}.")
    if not preview.settles:
        yield _Line("The program would not come to rest: the same changes come back.", "bold red")
    if preview.spec_changes:
        yield from _headed(f"The spec says otherwise ({len(preview.spec_changes)}):")
        yield from _bounded([[f"  {each}"] for each in preview.spec_changes], most)
    for what, heading in _HEADINGS.items():
        changes = [each for each in preview.changes if each.what is what]
        if changes:
            yield from _headed(f"{heading} ({len(changes)}):")
            yield from _bounded([_change(each) for each in changes], most)
    yield from _headed("What follows:")
    yield from _follows(preview.program, preview.follows, most)
    yield _Line(f"  {_closes(preview)}")
    yield from _headed("Left alone:")
    yield from _bounded([[f"  {each.what}: {each.why}"] for each in preview.left_alone], most)


_COUNTED = {
    What.CREATE: ("issue", "created"),
    What.ADD: ("row", "added"),
    What.UPDATE: ("issue", "updated"),
    What.REWRITE: ("row", "rewritten"),
    What.LINK: ("link", "made"),
    What.CLOSE: ("issue", "closed"),
    What.REOPEN: ("issue", "reopened"),
    What.SAY: ("comment", "written"),
    What.NOTIFY: ("notice", "sent"),
}


def _counts(changes: Sequence[Planned]) -> str:
    counted = {what: sum(each.what is what for each in changes) for what in _COUNTED}
    words = [
        f"{count} {noun}{'s' * (count != 1)} {done}"
        for what, (noun, done) in _COUNTED.items()
        if (count := counted[what])
    ]
    return ", ".join(words) or "none"


def _headed(heading: str) -> Iterator[_Line]:
    yield _Line("")
    yield _Line(heading, "bold")


def _bounded(entries: Sequence[Sequence[str]], most: int | None) -> Iterator[_Line]:
    for entry in entries[:most]:
        yield from (_Line(line) for line in entry)
    if most is not None and len(entries) > most:
        yield _Line(f"  and {len(entries) - most} more (--all shows them)", "dim")


def _change(change: Planned) -> list[str]:
    match change.what:
        case What.CREATE | What.ADD:
            told = [each.after for each in change.fields if each.name in _TOLD_ON_CREATION]
            return [f"  {change.key}: {', '.join([change.title, *told])}"]
        case What.LINK:
            return [f"  {change.where} is blocked by {change.fields[0].after}"]
        case What.SAY:
            return [f"  {change.where}: {_cut(change.title)}"]
        case What.NOTIFY:
            return [f"  {change.fields[0].after}: {_cut(change.title)}"]
        case _:
            name = change.where if change.where != change.key else ""
            head = f"  {name or change.key} {change.title} [{change.key}]"
            return [head, *(line for each in change.fields for line in _field(each))]


def _field(change: FieldChange) -> Iterator[str]:
    if "\n" not in change.before + change.after:
        yield f"      {change.name}: {_cut(change.before) or '-'} → {_cut(change.after) or '-'}"
        return
    yield f"      {change.name}:"
    lines = change.lines
    yield from (f"        {_cut(line)}" for line in lines[:LINES_SHOWN])
    if len(lines) > LINES_SHOWN:
        yield f"        and {len(lines) - LINES_SHOWN} more lines"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _follows(program: str, found: Consequences, most: int | None) -> Iterator[_Line]:
    yield from _moving("Joins", found.joins, most)
    yield from _moving("Leaves", found.leaves, most)
    if found.dates:
        yield _Line(f"  Due dates that move ({len(found.dates)}):")
        dates = [
            [f"    {each.key}: {weekday_and(each.before)} → {weekday_and(each.after)}"]
            for each in found.dates
        ]
        yield from _bounded(dates, most)
    for each in found.voided:
        line = f"  Sign-off voided: {each.person} for {each.role} at {each.stage}: {each.why}"
        yield _Line(line, "red")
    for each in found.kept:
        yield _Line(f"  Sign-off kept: {each.person} for {each.role} at {each.stage}")
    for heading, names in (
        ("Stages reopened", found.reopened),
        ("Stages that open", found.opens),
        ("Gates that pass", found.passes),
        ("New people", found.people_join),
        ("People no longer named", found.people_leave),
    ):
        if names:
            yield _Line(f"  {heading}: {', '.join(names)}")
    yield from _chains(program, found.chain_before, found.chain_after)


def _moving(heading: str, moving: Iterable[Moving], most: int | None) -> Iterator[_Line]:
    entries = [[f"    {each.key}: {each.how}"] for each in moving]
    if entries:
        yield _Line(f"  {heading} ({len(entries)}):")
        yield from _bounded(entries, most)


def _chains(program: str, before: Chain, after: Chain) -> Iterator[_Line]:
    if before.effective_on != after.effective_on:
        moved = f"{weekday_and(before.effective_on)} → {weekday_and(after.effective_on)}"
        yield _Line(f"  Effective: {moved}")
    if after.keys:
        was = "" if before.length_days == after.length_days else f", was {before.length_days}"
        chain = chain_words(program, after.keys)
        same = "unchanged" if before.keys == after.keys and not was else "new"
        days = f"{business_days(after.length_days)} of work{was}"
        yield _Line(f"  Longest chain ({same}, {days}): {chain}")
    if after.short_by_days:
        was = f", was {before.short_by_days}" if before.short_by_days != after.short_by_days else ""
        short = f"  It cannot fit: {business_days(after.short_by_days)} too short{was}"
        yield _Line(short, "bold red")
    else:
        yield _Line("  It fits.", "green")


def _closes(preview: Preview) -> str:
    found = preview.closures
    closed = f"Closes {len(found.closing)} of {found.open_items} open items"
    share = f" ({found.closing_share:.0%})" if found.closing else ""
    touched = ", ".join(map(str, found.finished))
    return f"{closed}{share}; touches finished work: {touched or 'none'}."
