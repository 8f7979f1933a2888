"""What a preflight of the workbook can find missing, with what to do about it. Pure."""

from policy_rollout.desired import Tab
from policy_rollout.errors import Missing, ServiceRefused
from policy_rollout.workbook_layout import COLUMNS, SERVICE, Grid


def workbook_not_set() -> Missing:
    return Missing(
        SERVICE,
        "setting ROLLOUT_SHEETS_WORKBOOK",
        found="nothing",
        expected="the id of a workbook, the part after /d/ in its address",
        next_step="Put it into .env, or name a workbook in the program spec",
    )


def not_open(workbook: str, mail: str, refused: ServiceRefused, next_step: str) -> Missing:
    return Missing(
        SERVICE,
        f"workbook {workbook}",
        found=f"HTTP {refused.status} ({refused.reason})",
        expected=f"a workbook that is shared with {mail}",
        next_step=next_step,
    )


def not_writable(workbook: str, mail: str) -> Missing:
    return Missing(
        SERVICE,
        f"workbook {workbook}",
        found="shared for reading only",
        expected=f"shared with {mail} as an editor",
        next_step="In the workbook choose Share and make that address an editor",
    )


def drive_closed(refused: ServiceRefused) -> Missing:
    return Missing(
        SERVICE,
        "the Google Drive API",
        found=f"HTTP {refused.status} ({refused.reason})",
        expected="an answer: it tells which workbooks people changed",
        next_step="Enable the Google Drive API in the service account's Google Cloud project",
    )


def headers_missing(titles: dict[Tab, str], grids: dict[Tab, Grid]) -> tuple[Missing, ...]:
    """The tabs that are there but lack a column of ours, or have one twice."""
    doubled = tuple(
        Missing(
            SERVICE,
            f"tab {titles[tab]}",
            found="more than one column with the header " + ", ".join(map(repr, twice)),
            expected="one column of each header of ours",
            next_step="Rename the column that people added",
        )
        for tab, grid in grids.items()
        if (twice := grid.doubled_headers)
    )
    return doubled + tuple(
        Missing(
            SERVICE,
            f"tab {titles[tab]}",
            found="no column with the header " + ", ".join(map(repr, grid.missing_headers)),
            expected="the headers " + ", ".join(COLUMNS[tab]),
            next_step="Name the columns so again; insert those that were deleted",
        )
        for tab, grid in grids.items()
        if grid.missing_headers
    )
