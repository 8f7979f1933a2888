"""Whether gates can pass, held against trying every choice, and who signs what is shipped."""

import time
from datetime import date
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_rollout.spec.files import load
from policy_rollout.spec.model import Spec
from policy_rollout.spec.reader import read_spec
from policy_rollout.spec.seating import Seat, Seating
from policy_rollout.work import WorkItem, expand

SHIPPED = sorted((Path(__file__).parents[2] / "program_specs").glob("*.yaml"))
TODAY = date(2026, 1, 5)


@st.composite
def _seats(draw: st.DrawFn) -> tuple[list[Seat], dict[str, frozenset[str]]]:
    """Up to three gates of up to two roles, and five people."""
    gates = ["one", "two", "three"][: draw(st.integers(1, 3))]
    seats = [
        Seat(gate, role, draw(st.integers(1, 2)), draw(st.frozensets(st.sampled_from("abcde"))))
        for gate in gates
        for role in ["legal", "ops"][: draw(st.integers(1, 2))]
    ]
    pairs = [pair for pair in combinations(gates, 2) if draw(st.booleans())]
    apart = {
        gate: frozenset(other for pair in pairs if gate in pair for other in pair if other != gate)
        for gate in gates
    }
    return seats, apart


def _any_choice(seats: list[Seat], apart: dict[str, frozenset[str]]) -> bool:
    """The same question answered by trying everything."""
    choices = [list(combinations(sorted(seat.able), seat.wanted)) for seat in seats]
    return any(_may_sit(seats, choice, apart) for choice in product(*choices))


def _may_sit(seats: list[Seat], choice: tuple, apart: dict[str, frozenset[str]]) -> bool:
    sitting = list(zip(seats, choice, strict=True))
    return all(
        not set(people) & set(others)
        for (seat, people), (other, others) in combinations(sitting, 2)
        if other.gate == seat.gate or other.gate in apart[seat.gate]
    )


@given(_seats())
@settings(max_examples=200, deadline=None)
def test_gates_can_be_filled_exactly_where_trying_every_choice_finds_one(drawn):
    seats, apart = drawn
    assert Seating(apart).can_fill(seats) == _any_choice(seats, apart)


def _rotating(gates: int, people: int) -> str:
    """A chain of gates of which none may be signed by who signed another."""
    members = ", ".join(f"p{number}@example.com" for number in range(people))
    stages = "".join(
        f"  s{at}:\n    after: [{f's{at - 1}' if at else ''}]\n"
        f"    tasks: {{do: {{title: Do it, team: ops, assignee: q@example.com}}}}\n"
        f"    gate: {{sign_off: {{ops: 2, law: 1}}, not_signers_of: "
        f"[{', '.join(f's{before}' for before in range(at))}]}}\n"
        for at in range(gates)
    )
    return (
        "program: rotating\npolicy: {change: clarification}\npeople:\n"
        f"  ops: {{members: [{members}]}}\n  law: {{members: [{members}]}}\nstages:\n{stages}"
    )


def test_a_long_rotation_is_judged_exactly_and_in_under_a_second():
    started = time.process_time()
    assert read_spec(_rotating(20, 60), "spec.yaml").errors == ()
    refused = read_spec(_rotating(20, 59), "spec.yaml").errors
    assert time.process_time() - started < 1
    assert [(each.rule, each.line) for each in refused] == [("signers-barred", 86)]


THREE = """\
program: three
policy: {change: clarification}
people: {ops: {members: [m.tan@example.com, l.novak@example.com]}}
stages:
  write: {tasks: {text: {title: Write it, team: ops}}, gate: {sign_off: {ops: 1}}}
  prepare: {after: [write], tasks: {queue: {title: Route it, team: ops}}}
  launch:
    after: [prepare]
    tasks: {switch: {title: Switch it on, team: ops}}
    gate: {sign_off: {ops: 1}, not_signers_of: [write], doers_may_sign: true}
"""


def _rules(text: str) -> list[str]:
    return [each.rule for each in read_spec(text, "spec.yaml", today=TODAY).problems]


def test_signers_may_be_barred_of_a_stage_that_comes_before_through_another():
    assert _rules(THREE) == []


def test_an_order_that_cannot_be_read_is_not_said_to_bar_too_late():
    assert _rules(THREE.replace("after: [write]", "after: write")) == ["wrong-kind"]


def test_an_order_is_judged_where_something_else_cannot_be_read():
    wrong = THREE.replace("after: [write], tasks", "tasks").replace(
        "Write it,", "Write it, per: x,"
    )
    assert _rules(wrong) == ["wrong-value", "bars-no-signers"]


def _short_of_one(gates: int) -> tuple[list[Seat], dict[str, frozenset[str]]]:
    """One person fewer than gates, each of whom is barred from a different gate."""
    people = frozenset(f"p{number}" for number in range(gates - 1))
    names = [f"g{at}" for at in range(gates)]
    seats = [Seat(name, "ops", 1, people - {f"p{at}"}) for at, name in enumerate(names)]
    return seats, {name: frozenset(names) - {name} for name in names}


def test_one_person_too_few_for_eight_gates_is_found():
    seats, apart = _short_of_one(8)
    assert not Seating(apart).can_fill(seats)


def test_a_choice_that_would_take_hours_to_rule_out_is_given_up_in_under_a_second():
    seats, apart = _short_of_one(24)
    started = time.process_time()
    assert Seating(apart).can_fill(seats)  # taken to be so
    assert time.process_time() - started < 1


def test_many_gates_and_many_members_are_judged_in_under_two_seconds():
    members = ", ".join(f"p{number}@example.com" for number in range(10_000))
    gate = "gate: {sign_off: {ops: 9}, not_signers_of: [s0]}"
    stages = "".join(
        f"  s{at}: {{tasks: {{do: {{title: Do, team: ops}}}}, {gate}}}\n" for at in range(1_500)
    )
    text = (
        "program: many\npolicy: {change: clarification}\n"
        f"people: {{ops: {{members: [{members}]}}}}\nstages:\n{stages}"
    )
    started = time.process_time()
    rules = {each.rule for each in read_spec(text, "spec.yaml").problems}
    assert time.process_time() - started < 2
    assert rules == {"bars-no-signers", "too-many-problems"}


def _lead(spec: Spec, item: WorkItem) -> str:
    return item.assignee or spec.people[item.team].members[0]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_program_passes_where_leads_work_and_the_first_able_member_signs(path: Path):
    spec = load(path, today=TODAY).spec
    assert spec is not None
    signed: dict[str, set[str]] = {}
    for stage, each in spec.stages.items():
        gate = each.gate
        doers = {_lead(spec, item) for item in expand(spec) if item.stage == stage}
        barred = set() if gate.doers_may_sign else doers
        barred = barred.union({spec.owner}, *(signed[other] for other in gate.not_signers_of))
        signed[stage] = set()
        for role, wanted in gate.sign_off.items():
            members = spec.people[role].members
            able = [person for person in members if person not in barred | signed[stage]]
            assert len(able) >= wanted, (stage, role)
            signed[stage].update(able[:wanted])
