"""Seating signers: whether all gates can have their sign-offs, each person where they may. Pure.

A seat is a role at a gate, with the number of people wanted in it. A person takes one seat at a
gate, and none at a gate that is kept apart from one where they sit already.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

MOST_SIGN_OFFS = 200  # of gates judged together; who can sign for whom is not worked out for more
_MOST_LOOKS = 500_000  # at a person and a seat: well under a second

Apart = Mapping[str, frozenset[str]]
"""A gate -> the gates where nobody may sit who sits at it, said of both."""


@dataclass(frozen=True, slots=True)
class Seat:
    """The sign-offs of one role at one gate; `able` may give one each."""

    gate: str
    role: str
    wanted: int
    able: frozenset[str]


class Seating:
    """Answers whether gates can be filled; exact until all answers together took too long.

    From then on, and for more than `MOST_SIGN_OFFS`, there is taken to be a way.
    """

    def __init__(self, apart: Apart) -> None:
        self._apart = apart
        self._looks = 0

    def can_fill(self, seats: Iterable[Seat]) -> bool:
        """Whether there is any choice of people that fills every seat."""
        contested = _contested(tuple(seats))
        if sum(each.wanted for each in contested) > MOST_SIGN_OFFS:
            return True
        return self._finds(contested)

    def _finds(self, seats: tuple[Seat, ...]) -> bool:
        """Seats one person after the other, at the seat with the least choice first."""
        empty = tuple(each for each in seats if each.wanted)
        if not empty:
            return True
        tightest = min(empty, key=lambda each: len(each.able) - each.wanted)
        others = tuple(each for each in empty if each is not tightest)
        able = tightest.able
        self._looks += (len(able) + 1) * len(empty)
        # Who may sit at just the same seats is interchangeable: one of them stands for all, and
        # where that one leads nowhere, none of them sits here.
        for alike in _alike(able, others):
            if self._looks > _MOST_LOOKS:
                return True
            if len(able) < tightest.wanted:
                return False
            person = min(alike)
            rest = replace(tightest, wanted=tightest.wanted - 1, able=able - {person})
            if self._finds((rest, *self._without(person, tightest.gate, others))):
                return True
            able -= alike
        return False

    def _without(self, person: str, gate: str, seats: tuple[Seat, ...]) -> Iterable[Seat]:
        """The other seats, where this person sits at a gate."""
        closed = self._apart.get(gate, frozenset()) | {gate}
        return (
            replace(each, able=each.able - {person}) if each.gate in closed else each
            for each in seats
        )


def _contested(seats: tuple[Seat, ...]) -> tuple[Seat, ...]:
    """Without the seats that can be filled last: they have as many people as all seats need."""
    wanted = sum(each.wanted for each in seats)
    kept = tuple(each for each in seats if len(each.able) < wanted)
    return kept if len(kept) == len(seats) else _contested(kept)


def _alike(people: frozenset[str], seats: tuple[Seat, ...]) -> tuple[frozenset[str], ...]:
    """People by the other seats that they could take, those with the least choice first."""
    groups: dict[tuple[int, ...], set[str]] = {}
    for person in people:
        where = tuple(index for index, seat in enumerate(seats) if person in seat.able)
        groups.setdefault(where, set()).add(person)
    return tuple(frozenset(groups[where]) for where in sorted(groups, key=lambda at: (len(at), at)))
