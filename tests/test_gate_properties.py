"""Whatever people do, in whatever order: what no gate may ever do."""

from datetime import timedelta

from gate_under_attack import (
    BACKUP,
    DOER,
    LEGAL,
    OWNER,
    POLICY,
    SECOND_LEGAL,
    SECOND_POLICY,
    SPEC,
    STRANGER,
    WAIVER,
    Gate,
    asking,
    one_short,
    spec_with,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from policy_rollout import events as ev
from policy_rollout.audit import recompute
from policy_rollout.fold import fold, take
from policy_rollout.gates import digest_of, holds, judge, missing_sign_offs, waived
from policy_rollout.outline import outline_at
from policy_rollout.program import ProgramState
from policy_rollout.work import State

TWO_OF_LEGAL = spec_with(
    ("sign_off: {legal: 1, policy: 1}", "sign_off: {legal: 2, policy: 1}"),
)
PEOPLE = (LEGAL, SECOND_LEGAL, BACKUP, POLICY, SECOND_POLICY, DOER, OWNER, WAIVER, STRANGER)
GATE_SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

people = st.sampled_from(PEOPLE)
roles = st.sampled_from(["legal", "policy"])
codes = st.tuples(st.just("code"), people, roles, st.sampled_from(["approve", "ask for changes"]))
moves = st.tuples(st.just("move"), people, roles, st.sampled_from(["Approved", "Rejected"]))
undos = st.tuples(st.just("undo"), people, roles)
work = st.tuples(
    st.just("work"), people, st.sampled_from([State.IN_PROGRESS, State.DONE, State.DONE])
)
waivers = st.tuples(st.just("waive"), people, st.integers(-1, 3))
nights = st.tuples(st.just("night"))
absences = st.tuples(st.just("away"), people)
amendments = st.tuples(
    st.just("amend"),
    st.sampled_from(
        [
            TWO_OF_LEGAL,
            SPEC,
            spec_with(('version: "1.0"', 'version: "2.0"')),
            spec_with((f"members: [{LEGAL}, {SECOND_LEGAL}]", f"members: [{SECOND_LEGAL}]")),
        ]
    ),
)
looks = st.tuples(st.just("look"))
acts = st.lists(
    codes | moves | undos | work | waivers | nights | absences | amendments | looks, max_size=14
)


def play(gate: Gate, act: tuple) -> None:
    """One act, as far as Jira would let it happen."""
    match act:
        case ("code", person, role, action):
            gate.gives_code(person, role=role, action=action, text="A reason.")
        case ("move", person, role, status) if gate.desk(role) in gate.issues:
            gate.says(person, "A reason.", role=role)
            gate.moves(person, status, role=role)
        case ("undo", person, role) if gate.desk(role) in gate.issues:
            gate.moves(person, "To Do", role=role, state=State.TODO)
        case ("work", person, state):
            gate.works("prepare/label", state, by=person)
        case ("waive", person, days) if gate.desk() in gate.issues:
            until = gate.now.date() + timedelta(days=days)
            gate.says(person, f"Waive tasks until {until}: hired in May")
        case ("night",):
            gate.now += timedelta(days=1)
        case ("away", person):
            gate.away(person)
        case ("amend", text):
            gate.spec = gate.read(text)
        case ("look",):
            gate.look()


def played(these: list[tuple], text: str = TWO_OF_LEGAL) -> Gate:
    gate = asking(text)
    for act in these:
        play(gate, act)
    gate.look()
    return gate


def moment_of_passing(gate: Gate):
    """The state right before the gate passed, and the entry that says so; None where it waits."""
    for index, record in enumerate(gate.journal):
        if isinstance(record.event, ev.GatePassed) and record.event.stage == "prepare":
            return fold("demo", gate.journal[:index]), record
    return None


@given(acts)
@GATE_SETTINGS
def test_no_gate_passes_without_every_proven_sign_off_on_its_final_digest(these):
    passes = moment_of_passing(gate := played(these))
    if passes is None:
        return
    before, record = passes
    standing = before.gates["prepare"].standing(record.event.digest)
    signed = {(each.role, each.person) for each in standing}
    assert len({each.person for each in standing}) == len(standing)
    assert not {each.person for each in standing} & {OWNER, DOER, STRANGER, WAIVER}
    proofs = {each.history_id for each in gate.transitions} | {
        each.mark for each in gate.of_kind(ev.CodeGiven)
    }
    assert {each.history_id for each in standing} <= proofs
    asked = before.gates["prepare"].covers[record.event.digest]
    assert digest_of(asked) == record.event.digest
    for role, quorum in asked["gate"]["sign_off"].items():
        assert sum(of == role for of, _ in signed) >= quorum


@given(acts)
@example([("code", each, "policy", "ask for changes") for each in (POLICY, SECOND_POLICY)])
@GATE_SETTINGS
def test_the_verdict_from_the_journal_alone_is_the_one_of_that_day(these):
    gate = played([each for each in these if each[0] != "amend"])
    audited = recompute("demo", gate.journal)
    assert [str(each) for each in audited.findings] == []
    assert audited.state.passed("prepare") == gate.passed


@given(acts)
@GATE_SETTINGS
def test_a_second_look_at_the_same_world_decides_nothing_more(these):
    gate = played(these)
    known = len(gate.journal)
    gate.look()
    assert len(gate.journal) == known


@given(acts)
@GATE_SETTINGS
def test_rounds_never_go_back(these):
    gate = played(these)
    state, rounds = ProgramState("demo"), []
    for record in gate.journal:
        take(state, record)
        rounds.append(state.gates["prepare"].round if state.gates else 0)
    assert rounds == sorted(rounds)


@given(acts)
@GATE_SETTINGS
def test_every_answer_by_code_comes_to_exactly_one_decision(these):
    gate = played(these)
    decided = [
        each.history_id
        for each in gate.of_kind((ev.SignedOff, ev.SignOffRefused, ev.Rejected, ev.Waived))
        if each.via is ev.Via.CODE
    ]
    assert sorted(decided) == sorted(each.mark for each in gate.of_kind(ev.CodeGiven))


@given(st.integers(-3, 3), st.integers(0, 5))
@GATE_SETTINGS
def test_a_waiver_past_its_day_never_helps(until_in, days_later):
    gate = one_short()
    gate.works("prepare/label", State.IN_PROGRESS)
    gate.look()
    until = gate.now.date() + timedelta(days=until_in)
    gate.says(WAIVER, f"Waive tasks until {until}: hired in May")
    gate.look()
    gate.now += timedelta(days=days_later)
    gate.look()
    for person, role in ((POLICY, "policy"), (LEGAL, "legal")):
        gate.gives_code(person, role=role)
        gate.look()
    assert gate.passed == (until_in >= 0 and days_later <= until_in)


@given(st.data())
@GATE_SETTINGS
def test_the_order_of_answers_in_one_moment_does_not_change_the_outcome(data):
    answers = data.draw(
        st.lists(st.tuples(people, roles), unique_by=lambda each: each[0], max_size=6)
    )
    shuffled = data.draw(st.permutations(answers))
    ended = []
    for order in (answers, shuffled):
        gate = asking(TWO_OF_LEGAL)
        at = gate.now
        for person, role in order:
            gate.now = at
            gate.gives_code(person, role=role, mark=f"code:{person}:1")
        gate.look()
        ended.append((gate.passed, sorted(gate.signers), sorted(gate.refusals)))
    assert ended[0] == ended[1]


@given(st.data())
@GATE_SETTINGS
def test_answers_of_one_moment_come_to_the_same_on_one_pass_or_on_many(data):
    answers = data.draw(
        st.lists(st.tuples(people, roles), unique_by=lambda each: each[0], max_size=6)
    )
    together, apart = asking(TWO_OF_LEGAL), asking(TWO_OF_LEGAL)
    for person, role in answers:
        together.gives_code(person, role=role)
        apart.gives_code(person, role=role)
        apart.look()
    together.look()
    assert together.passed == apart.passed


@given(acts)
@GATE_SETTINGS
def test_a_gate_that_holds_and_has_all_sign_offs_has_passed(these):
    gate = played(these)
    state = gate.state
    outline = outline_at(gate.spec, state, gate.now)
    judged = judge(gate.spec, "prepare", outline.of("prepare"), state.of)
    waivers = state.gates["prepare"].waivers
    holds_now = holds(waived(judged, waivers, gate.now.date()))
    missing = missing_sign_offs(
        gate.spec, "prepare", state.gates["prepare"], state.gates["prepare"].digest
    )
    assert gate.passed or not holds_now or bool(missing)
