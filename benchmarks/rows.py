"""What a benchmark answers: rows of figures, some with a budget."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `beside` is what it is compared with, in the same unit and from the same run.

    The budget is for the ratio where there is one, else for the figure itself.
    """

    what: str
    figure: float
    unit: str
    beside: float | None = None
    beside_what: str = ""
    budget: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.beside is None else self.figure / self.beside

    @property
    def met(self) -> bool:
        found = self.figure if self.ratio is None else self.ratio
        return self.budget is None or found <= self.budget

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def rows_of(name: str) -> list[Row]:
    """What the benchmark of that name answers."""
    found: list[Row] = import_module(f"benchmarks.{name}").rows()
    return found


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_seconds(work: Callable[[], object], runs: int) -> float:
    return statistics.median(seconds_of(work) for _ in range(runs))


def best_seconds(work: Callable[[], object], runs: int) -> float:
    """The least of several runs, for work of a processor alone."""
    return min(seconds_of(work) for _ in range(runs))


def table_of(rows: Sequence[Row]) -> Table:
    table = Table("what", title="benchmarks", title_justify="left")
    for column in ("figure", "beside", "ratio", "budget"):
        table.add_column(column, justify="right")
    table.add_column("met")
    for row in rows:
        beside = "" if row.beside is None else f"{row.beside_what} {_number(row.beside)}"
        table.add_row(
            row.what,
            f"{_number(row.figure)} {row.unit}",
            beside,
            "" if row.ratio is None else f"{row.ratio:.2f}x",
            "" if row.budget is None else f"{row.budget:g}" + "x" * (row.ratio is not None),
            "" if row.budget is None else ("yes" if row.met else "MISSED"),
        )
    return table


_LARGE = 1_000


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure == int(figure) or abs(figure) >= _LARGE else f"{figure:.3g}"
