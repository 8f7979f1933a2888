"""What a person does in a workbook of a running sandbox, by script, through its pages' forms."""

import json
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_SECONDS = (3.05, 30.0)


@dataclass(frozen=True, slots=True)
class WorkbookEditor:
    """Somebody at work in a workbook; `sheets_url` ends in /sheets. Rows are named by their key."""

    sheets_url: str
    workbook: str
    key_header: str = "Key"

    def cells(self, key: str) -> dict[str, str]:
        """What a row shows, by header.

        Raises:
            LookupError: no row, or more than one, has the key.
        """
        tab, row = self._find(key)
        return dict(zip(tab["headers"], row["cells"], strict=True))

    def keys(self, tab: str) -> list[str]:
        """The key of every row of a tab, from the top; empty texts for rows without one."""
        found = self._tab(tab)
        column = found["headers"].index(self.key_header)
        return [row["cells"][column] for row in found["rows"]]

    def write(self, key: str, **cells: str) -> None:
        """`write_cells` for headers that are plain words, such as `Status="Done"`."""
        self.write_cells(key, cells)

    def write_cells(self, key: str, cells: dict[str, str]) -> None:
        """Type into cells of a row, by header.

        Raises:
            LookupError: there is no such row or header, or the drop-down lacks the word.
        """
        tab, row = self._find(key)
        typed = {f"cell-{self._column(tab, header)}": text for header, text in cells.items()}
        self._post(f"tabs/{tab['gid']}/rows/{row['id']}/cells", typed)

    def sort(self, tab: str, header: str, *, descending: bool = False) -> None:
        found = self._tab(tab)
        order = "down" if descending else "up"
        form = {"column": str(self._column(found, header)), "order": order}
        self._post(f"tabs/{found['gid']}/sort", form)

    def insert_below(self, key: str) -> None:
        tab, row = self._find(key)
        self._post(f"tabs/{tab['gid']}/rows/{row['id']}/insert", {})

    def delete(self, key: str) -> None:
        tab, row = self._find(key)
        self._post(f"tabs/{tab['gid']}/rows/{row['id']}/delete", {})

    def move_column(self, tab: str, header: str, *, before: str) -> None:
        found = self._tab(tab)
        places = {"column": self._column(found, header), "before": self._column(found, before)}
        self._post(f"tabs/{found['gid']}/move", {name: str(at) for name, at in places.items()})

    def change(self, *wanted: dict[str, Any]) -> None:
        """What the menus of a workbook do, as requests of `spreadsheets.batchUpdate`.

        Raises:
            LookupError: one of them cannot be done; nothing was changed.
        """
        self._post("changes", {"requests": json.dumps(wanted)})

    def whole(self) -> list[dict[str, Any]]:
        """Each tab with its merges and its rows: their ids and what was typed into them."""
        answer = requests.get(f"{self._address}/tabs?whole=1", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        tabs: list[dict[str, Any]] = answer.json()
        return tabs

    def share(self, access: str) -> None:
        """Let the service account `edit`, `view` or do nothing (`none`)."""
        self._post("sharing", {"access": access})

    def _tab(self, title: str) -> dict[str, Any]:
        tabs = self._tabs()
        for tab in tabs:
            if tab["title"] == title:
                return tab
        raise LookupError(f"no tab {title!r}; there are: {[tab['title'] for tab in tabs]}")

    def _find(self, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        found = [
            (tab, row)
            for tab in self._tabs()
            if self.key_header in tab["headers"]
            for row in tab["rows"]
            if row["cells"][tab["headers"].index(self.key_header)] == key
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows have the key {key}")
        return found[0]

    def _column(self, tab: dict[str, Any], header: str) -> int:
        headers: list[str] = tab["headers"]
        if header not in headers:
            raise LookupError(f"tab {tab['title']} has no column {header!r}; it has: {headers}")
        return headers.index(header)

    def _tabs(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self._address}/tabs", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        tabs: list[dict[str, Any]] = answer.json()
        return tabs

    def _post(self, path: str, form: dict[str, str]) -> None:
        answer = requests.post(
            f"{self._address}/{path}",
            data=form,
            headers={"Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
        if not answer.ok:
            raise LookupError(answer.json()["problem"])

    @property
    def _address(self) -> str:
        return f"{self.sheets_url}/spreadsheets/d/{self.workbook}"
