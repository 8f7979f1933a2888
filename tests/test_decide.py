"""One look after another: what is journaled, what opens, what passes, and that it comes to rest."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_rollout import events as ev
from policy_rollout.decide import as_known, to_look_at
from policy_rollout.observed import Oddity
from policy_rollout.plan import CreateIssue
from policy_rollout.work import State
from tests.programs_under_way import (
    FULL,
    HEAD,
    MINUTE,
    PLAIN,
    TWO_ROLES,
    UnderWay,
    account,
    asked,
    of_kind,
    prepared,
)

DIAMOND = f"""{HEAD}
  define:
    tasks: {{memo: {{title: Memo, team: legal}}}}
  prepare:
    after: [define]
    tasks: {{guideline: {{title: Guideline, team: policy}}}}
  announce:
    after: [define]
    tasks: {{post: {{title: Post, team: ops}}}}
  launch:
    after: [prepare, announce]
    gate: {{sign_off: {{ops: 1}}}}
"""


def kinds(program: UnderWay) -> list[str]:
    return [each.kind for each in program.settle()]


def opened(program: UnderWay) -> list[str]:
    return [each.stage for each in of_kind(program.settle(), ev.StageOpened)]


# Rest

GONE = "the row is gone: deleted, or its key was changed; put the key back"


def test_a_look_with_nothing_to_do_gives_no_events_and_no_changes():
    program = asked(FULL)
    decision = program.decide()
    assert (decision.events, decision.changes) == ((), ())
    assert not decision.moves_the_program


def test_a_look_on_another_day_changes_nothing():
    program = asked(FULL)
    program.model.now += timedelta(days=24)
    assert program.decide().changes == ()


def test_deciding_leaves_the_state_it_was_given_as_it_is():
    program = UnderWay(FULL)
    before = program.state
    program.decide()
    assert program.state == before


def test_the_state_ahead_is_the_state_with_the_events_folded_in():
    program = UnderWay(FULL)
    decision = program.decide()
    program.record(*decision.events)
    assert decision.ahead == program.state


def test_what_was_only_seen_does_not_move_the_program():
    program = UnderWay(FULL)
    program.settle()
    program.finish("prepare/guideline")
    decision = program.decide()
    assert [each.kind for each in decision.events] == ["work_seen"]
    assert not decision.moves_the_program


# Stages


def test_the_first_look_opens_every_stage_that_waits_for_none():
    program = UnderWay(f"{HEAD}  one: {{}}\n  two: {{}}\n  three: {{after: [two]}}\n")
    assert opened(program) == ["one", "two", "three"]


def test_stages_open_when_all_before_them_have_passed():
    program = UnderWay(DIAMOND)
    assert opened(program) == ["define"]
    program.finish("define/memo")
    assert opened(program) == ["prepare", "announce"]
    program.finish("prepare/guideline")
    assert opened(program) == []
    program.finish("announce/post")
    assert opened(program) == ["launch"]


def test_stages_side_by_side_wait_at_their_own_gates():
    program = UnderWay(DIAMOND)
    program.settle()
    program.finish("define/memo")
    program.settle()
    program.finish("announce/post")
    program.settle()
    assert program.state.waiting_stages == ("prepare",)
    assert program.state.passed("announce")


def test_the_order_of_stages_in_the_spec_does_not_matter():
    program = UnderWay(f"{HEAD}  last: {{after: [first]}}\n  first: {{}}\n")
    assert opened(program) == ["first", "last"]


def test_a_stage_without_items_and_sign_offs_passes_at_once():
    program = UnderWay(f"{HEAD}  empty: {{}}\n")
    assert kinds(program) == ["stage_opened", "gate_ready", "gate_passed", "program_finished"]


def test_a_stage_without_items_still_waits_for_its_sign_offs():
    program = UnderWay(f"{HEAD}  prepare: {{gate: {{sign_off: {{legal: 1}}}}}}\n")
    assert kinds(program) == ["stage_opened", "gate_ready", "sign_off_asked"]


def test_no_gate_passes_before_its_work_was_created():
    program = UnderWay(f"{HEAD}  prepare:\n    tasks: {{a: {{title: A, team: ops}}}}\n")
    assert [each.kind for each in program.decide().events] == ["stage_opened"]


def test_a_program_is_finished_when_every_gate_has_passed_and_only_once():
    program = asked(PLAIN)
    program.approve("legal", "lea")
    assert kinds(program)[-2:] == ["gate_passed", "program_finished"]
    assert program.settle() == []


def test_a_program_is_not_finished_before_its_epic_is_seen_closed():
    program = asked(PLAIN)
    program.approve("legal", "lea")
    closing = program.look()  # closes the epic after it looked
    assert closing.events[-1].kind == "gate_passed"
    assert not program.state.is_over
    program.model.statuses[program.issue("epic")] = "In Progress"  # the move was lost, or undone
    assert program.look().events == ()
    assert kinds(program) == ["program_finished"]
    assert program.model.statuses[program.issue("epic")] == "Done"


def test_a_program_whose_epic_was_deleted_is_finished_all_the_same():
    program = asked(PLAIN)
    del program.model.issues[program.issue("epic")]
    program.approve("legal", "lea")
    assert kinds(program)[-2:] == ["gate_passed", "program_finished"]


def test_the_epic_of_a_finished_program_is_done():
    program = asked(PLAIN)
    program.approve("legal", "lea")
    program.settle()
    assert program.model.statuses[program.issue("epic")] == "Done"


# What was seen


def test_work_that_changed_is_journaled_once():
    program = UnderWay(PLAIN)
    program.settle()
    program.finish()
    seen = of_kind(program.settle(), ev.WorkSeen)
    assert seen == [
        ev.WorkSeen(
            items={"p/prepare/guideline": ev.Seen(state=State.DONE, doers=(account("wim"),))}
        )
    ]
    assert program.settle() == []


def test_a_row_is_seen_with_its_completion_and_a_digest_of_its_human_cells():
    program = UnderWay(FULL)
    program.settle()
    program.fill("prepare/quiz/ja-JP", status="In progress", percent="40")
    (seen,) = of_kind(program.settle(), ev.WorkSeen)
    row = seen.items["p/prepare/quiz/ja-JP"]
    assert (row.state, row.completion, len(row.cells)) == (State.IN_PROGRESS, 40, 16)


def test_the_order_of_the_columns_of_a_row_is_no_news():
    program = UnderWay(FULL)
    program.settle()
    program.fill("prepare/quiz/ja-JP", status="In progress", percent="40")
    program.settle()
    cells = program.model.cells["p/prepare/quiz/ja-JP"]
    program.model.cells["p/prepare/quiz/ja-JP"] = dict(reversed(cells.items()))
    assert program.decide().events == ()


def test_a_deleted_task_is_missing_and_not_created_again():
    program = asked(PLAIN)
    del program.model.issues[program.issue("prepare/guideline")]
    decision = program.decide()
    assert decision.events == (
        ev.WorkSeen(
            items={"p/prepare/guideline": ev.Seen(state=State.MISSING, doers=("account-of-wim",))}
        ),
    )
    assert not any(isinstance(each, CreateIssue) for each in decision.changes)


def test_a_deleted_row_is_missing_and_not_added_again():
    program = UnderWay(FULL)
    program.settle()
    del program.model.rows["p/prepare/quiz/ja-JP"]
    decision = program.decide()
    assert decision.events == (
        ev.WorkSeen(items={"p/prepare/quiz/ja-JP": ev.Seen(state=State.MISSING)}),
        ev.OdditiesSeen(oddities=(f"workbook (p/prepare/quiz/ja-JP): {GONE}",)),
    )
    assert decision.changes == ()


def test_a_deleted_sign_off_issue_is_missing_once():
    program = asked(PLAIN)
    del program.model.issues[program.desk("legal")]
    assert program.settle() == [
        ev.WorkSeen(items={"p/prepare/sign-off:legal": ev.Seen(state=State.MISSING)})
    ]
    assert program.settle() == []


def test_an_issue_that_is_back_is_not_missing_any_more():
    program = asked(PLAIN)
    issue = program.model.issues.pop(program.issue("epic"))
    program.settle()
    program.model.issues[program.issue("epic")] = issue
    assert program.settle() == [
        ev.WorkSeen(items={"p/epic": ev.Seen(state=State.TODO)}),
        ev.OdditiesSeen(oddities=()),
    ]


def test_oddities_are_journaled_once_in_any_order():
    program = UnderWay(PLAIN)
    program.settle()
    program.model.oddities = [Oddity("POL-9", "is a second p/epic"), Oddity("Row 7", "no key")]
    (odd,) = of_kind(program.settle(), ev.OdditiesSeen)
    assert odd.oddities == ("POL-9: is a second p/epic", "Row 7: no key")
    program.model.oddities.reverse()
    assert program.settle() == []


def test_oddities_that_are_gone_are_journaled_as_none():
    program = UnderWay(PLAIN)
    program.model.oddities = [Oddity("Row 7", "no key")]
    program.settle()
    program.model.oddities = []
    assert program.settle() == [ev.OdditiesSeen(oddities=())]


# Gates


def test_a_gate_asks_each_role_once_its_text_stands_on_the_issue():
    program = UnderWay(TWO_ROLES)
    program.settle()
    program.finish()
    asked_for = of_kind(program.settle(), ev.SignOffAsked)
    digest = program.state.gates["prepare"].digest
    assert [(each.role, each.digest) for each in asked_for] == [
        ("legal", digest),
        ("policy", digest),
    ]


def test_nobody_is_asked_while_the_issue_still_carries_the_old_text():
    program = asked(PLAIN)
    program.amend(PLAIN.replace('version: "1.0"', 'version: "1.1"'))
    assert [each.kind for each in program.decide().events] == ["gate_ready"]


def test_a_changed_policy_voids_the_sign_offs_and_asks_again():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.amend(TWO_ROLES.replace('version: "1.0"', 'version: "1.1"'))
    assert kinds(program) == ["gate_ready", "sign_off_asked", "sign_off_asked"]
    assert program.state.gates["prepare"].standing(program.state.gates["prepare"].digest) == ()
    assert program.model.statuses[program.desk("legal")] == "To Do"


def test_an_amendment_elsewhere_leaves_the_sign_offs_standing():
    program = asked(FULL.replace("require: {training: 95% per language}", "require: {}"))
    program.amend(FULL.replace("Switch it on", "Switch it all on"))
    assert program.decide().events == ()


def test_a_gate_whose_work_is_undone_waits_and_keeps_its_sign_offs():
    program = asked(TWO_ROLES)
    program.approve("legal", "lea")
    program.settle()
    program.model.move(program.issue("prepare/guideline"), "To Do", account("pia"))
    program.settle()
    program.finish()
    program.settle()
    program.approve("policy", "pia")
    program.settle()
    assert program.state.passed("prepare")


def test_a_gate_with_all_sign_offs_does_not_pass_while_its_work_is_undone():
    program = asked(PLAIN)
    program.approve("legal", "lea")
    program.finish()
    program.model.statuses[program.issue("prepare/guideline")] = "In Progress"
    program.settle()
    assert not program.state.passed("prepare")


def test_completion_that_rises_above_its_target_leaves_the_sign_offs_standing():
    text = f"""{HEAD}
  prepare:
    training: {{quiz: {{title: Quiz, kind: quiz, team: ops}}}}
    gate: {{sign_off: {{legal: 1, policy: 1}}, require: {{training: 95%}}}}
"""
    program = UnderWay(text)
    program.settle()
    program.fill("prepare/quiz", percent="95")
    program.settle()
    program.approve("legal", "lea")
    program.settle()
    program.fill("prepare/quiz", percent="97")
    assert kinds(program) == ["work_seen"]
    program.approve("policy", "pia")
    assert kinds(program)[1] == "gate_passed"


# What is looked at


def test_only_the_epic_and_the_work_of_open_gates_is_looked_at():
    program = UnderWay(DIAMOND)
    program.settle()
    program.finish("define/memo")
    program.settle()
    wanted = to_look_at(program.outline, program.state)
    assert set(wanted.issues) == {"p/epic", "p/prepare/guideline", "p/announce/post"}
    assert (wanted.sign_offs, wanted.has_rows) == ({}, False)


def test_sign_offs_and_rows_are_looked_at_once_they_exist():
    program = UnderWay(FULL)
    assert not to_look_at(program.outline, program.state).has_rows
    program.settle()
    assert to_look_at(program.outline, program.state).has_rows
    assert set(to_look_at(asked().outline, asked().state).sign_offs) == {"p/prepare/sign-off:legal"}


def test_what_the_journal_alone_knows_has_no_events_and_no_changes():
    program = asked(FULL)
    known = as_known(program.outline, program.state)
    assert (known.events, known.changes) == ((), ())
    assert [each.met for each in known.judged["prepare"]] == [1, 0, 0, 0]


# Any program of people comes to rest

_PEOPLE = st.sampled_from(["lea", "both", "pia", "pat", "oda", "boss", "stranger", "rollout"])
_ACTS = st.one_of(
    st.tuples(
        st.just("task"),
        st.sampled_from(["guideline", "memo"]),
        st.sampled_from(["To Do", "In Progress", "Done"]),
    ),
    st.tuples(
        st.just("row"),
        st.sampled_from(["quiz/en-US", "quiz/ja-JP", "queue/routing", "queue/breaks"]),
        st.sampled_from(["To do", "Done", "Not applicable", "Fertig"]),
    ),
    st.tuples(
        st.just("move"), _PEOPLE, st.sampled_from(["To Do", "In Progress", "Approved", "Rejected"])
    ),
    st.tuples(
        st.just("say"), _PEOPLE, st.sampled_from(["Reopen: quiz, memo", "Reopen: routing", "Hm."])
    ),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from(["1", "30"])),
    st.tuples(st.just("look"), st.just(""), st.just("")),
    st.tuples(st.just("killed"), st.just(""), st.sampled_from(["0", "1", "2", "3"])),
    st.tuples(st.just("delete"), st.sampled_from(["guideline", "memo"]), st.just("")),
    st.tuples(st.just("recreate"), st.just(""), st.just("")),
)


def act(program: UnderWay, kind: str, what: str, how: str) -> None:
    model = program.model
    desk = program.state.issues.get("p/prepare/sign-off:legal")
    by = "account-of-rollout" if what == "rollout" else account(what)
    task = program.state.issues.get(f"p/prepare/{what}")
    if kind == "task" and task in model.issues:
        model.move(task, how, account("pia"))
    elif kind == "row":
        program.fill(f"prepare/{what}", status=how, percent="100" if how == "Done" else "")
    elif kind == "move" and desk is not None:
        model.move(desk, how, by)
    elif kind == "say" and desk is not None:
        model.say(desk, how, by)
    elif kind == "wait":
        model.now += int(how) * MINUTE
    elif kind == "look":
        program.look()
    elif kind == "killed":
        program.killed(int(how))
    elif kind == "delete":
        model.issues.pop(task, None)
    elif kind == "recreate":
        gone = [key for key, seen in program.state.seen.items() if seen.state is State.MISSING]
        program.record(ev.RecreationAsked(keys=tuple(gone)))


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(_ACTS, max_size=25))
def test_whatever_people_do_looking_again_comes_to_rest(acts):
    program = prepared()
    for each in acts:
        act(program, *each)
    program.settle()
    decision = program.decide()
    assert (decision.events, decision.changes) == ((), ())


SIGNED = st.lists(
    st.tuples(
        st.sampled_from(["legal", "policy"]),
        _PEOPLE,
        st.sampled_from(["To Do", "In Progress", "Approved", "Approved", "Rejected"]),
        st.booleans(),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(acts=SIGNED)
def test_whoever_moves_the_issues_a_gate_passes_only_with_its_quorum_of_members(acts):
    program = asked(PLAIN.replace("{legal: 1}", "{legal: 1, policy: 2}"))
    for role, who, to, look in acts:
        program.move(role, to, who)
        if look:
            program.look()
    program.settle()
    gate = program.state.gates["prepare"]
    given_by = {role: set() for role in ("legal", "policy")}
    for each in gate.standing(gate.digest):
        given_by[each.role].add(each.person.partition("@")[0])
    assert given_by["legal"] <= {"lea", "both"}
    assert given_by["policy"] <= {"pia", "pat", "both"}
    assert given_by["legal"].isdisjoint(given_by["policy"])
    full = len(given_by["legal"]) >= 1 and len(given_by["policy"]) >= 2
    assert (gate.passed_at is not None) is full
