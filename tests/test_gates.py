"""What a gate's criteria answer, what a digest covers, which sign-offs are missing."""

import pytest

from policy_rollout import events as ev
from policy_rollout.gates import (
    Answer,
    Judged,
    covered,
    digest_of,
    holds,
    judge,
    missing_sign_offs,
)
from policy_rollout.program import GateState
from policy_rollout.work import State, expand
from tests.planned import read
from tests.programs_under_way import BEGAN, FULL, HEAD, PLAIN, QUORUM, account, person

TODO, DONE = ev.Seen(state=State.TODO), ev.Seen(state=State.DONE)
NOT_APPLICABLE = ev.Seen(state=State.NOT_APPLICABLE)
TRAINING = """
  prepare:
    training:
      deck: {title: Deck, kind: deck, team: ops, per: language}
      quiz: {title: Quiz, kind: quiz, team: ops, per: language}
"""


def judged(text: str, seen: dict[str, ev.Seen], stage: str = "prepare") -> tuple[Judged, ...]:
    """The criteria, where `seen` names items as `item[/part]`; others are to do."""
    spec = read(text)
    items = [item for item in expand(spec) if item.stage == stage]
    return judge(spec, stage, items, lambda key: seen.get(key.split("/", 2)[2], TODO))


def requiring(training: str) -> str:
    return f"{HEAD}{TRAINING}    gate: {{require: {{training: {training}}}}}\n"


def completed(percent: int | None, state: State = State.IN_PROGRESS) -> ev.Seen:
    return ev.Seen(state=state, completion=percent)


def told(criteria: tuple[Judged, ...]) -> list[tuple[str, str, str, int, int]]:
    return [(each.name, each.asks, str(each.answer), each.met, each.total) for each in criteria]


# Tasks


@pytest.mark.parametrize("state", [State.DONE, State.NOT_APPLICABLE])
def test_a_finished_task_meets_its_criterion(state: State):
    criteria = judged(PLAIN, {"guideline": ev.Seen(state=state)})
    assert told(criteria) == [("tasks", "all done", "holds", 1, 1)]


@pytest.mark.parametrize(
    ("state", "answer", "why"),
    [
        (State.TODO, Answer.FAILS, "todo"),
        (State.IN_PROGRESS, Answer.FAILS, "in progress"),
        (State.BLOCKED, Answer.FAILS, "blocked"),
        (State.UNKNOWN, Answer.CANNOT_TELL, "its status is not understood"),
        (State.MISSING, Answer.CANNOT_TELL, "it was deleted or cannot be found"),
    ],
)
def test_a_task_in_any_other_state_keeps_the_criterion_open(state: State, answer, why):
    (tasks,) = judged(PLAIN, {"guideline": ev.Seen(state=state)})
    assert tasks.answer is answer
    assert [(each.item.short, each.why) for each in tasks.open] == [("guideline", why)]


def test_a_failing_item_outweighs_one_that_cannot_be_told():
    seen = {"guideline": ev.Seen(state=State.MISSING), "memo": TODO}
    tasks = judged(FULL, seen)[0]
    assert tasks.answer is Answer.FAILS
    assert [each.answer for each in tasks.open] == [Answer.CANNOT_TELL, Answer.FAILS]


def test_a_criterion_that_cannot_be_told_does_not_hold():
    assert not holds(judged(PLAIN, {"guideline": ev.Seen(state=State.UNKNOWN)}))


def test_optional_tasks_are_no_criterion():
    text = PLAIN.replace("{sign_off: {legal: 1}}", "{require: {tasks: optional}}")
    assert judged(text, {}) == ()


def test_a_stage_without_items_has_no_criterion_and_holds():
    criteria = judged(f"{HEAD}  prepare: {{}}\n", {})
    assert criteria == ()
    assert holds(criteria)


# Training


def test_training_done_asks_for_every_row():
    criteria = judged(requiring("done"), {"deck/en-US": DONE, "quiz/en-US": NOT_APPLICABLE})
    assert told(criteria) == [("training", "all done", "fails", 2, 4)]


@pytest.mark.parametrize(
    ("percent", "answer"),
    [(100, Answer.HOLDS), (95, Answer.HOLDS), (94, Answer.FAILS), (0, Answer.FAILS)],
)
def test_training_in_percent_asks_it_of_every_material(percent: int, answer: Answer):
    seen = dict.fromkeys(("deck/en-US", "deck/ja-JP", "quiz/en-US"), completed(100))
    (training,) = judged(requiring("95%"), {**seen, "quiz/ja-JP": completed(percent)})
    assert (training.name, training.asks, training.answer) == ("training", "95% completed", answer)


def test_training_per_language_is_one_criterion_a_language():
    seen = {
        "deck/en-US": completed(95),
        "quiz/en-US": completed(100),
        "deck/ja-JP": completed(94),
        "quiz/ja-JP": completed(100),
    }
    assert told(judged(requiring("95% per language"), seen)) == [
        ("training in en-US", "95% completed", "holds", 2, 2),
        ("training in ja-JP", "95% completed", "fails", 1, 2),
    ]


def test_a_material_for_all_languages_has_a_criterion_of_its_own():
    text = requiring("95% per language").replace("team: ops, per: language}", "team: ops}", 1)
    names = [each.name for each in judged(text, {})]
    assert names == ["training in every language", "training in en-US", "training in ja-JP"]


@pytest.mark.parametrize(
    ("row", "answer", "why"),
    [
        (completed(60), Answer.FAILS, "60% completed"),
        (completed(60, State.DONE), Answer.FAILS, "60% completed"),
        (completed(None), Answer.FAILS, "0% completed"),
        (
            completed(None, State.DONE),
            Answer.CANNOT_TELL,
            "it says Done, but Completed % is empty",
        ),
        (completed(None, State.UNKNOWN), Answer.CANNOT_TELL, "its status is not understood"),
        (completed(100, State.UNKNOWN), Answer.CANNOT_TELL, "its status is not understood"),
        (completed(None, State.MISSING), Answer.CANNOT_TELL, "it was deleted or cannot be found"),
    ],
)
def test_a_row_below_its_target_says_why(row: ev.Seen, answer: Answer, why: str):
    seen = dict.fromkeys(("deck/en-US", "deck/ja-JP", "quiz/en-US"), completed(100))
    (training,) = judged(requiring("95%"), {**seen, "quiz/ja-JP": row})
    assert [(each.answer, each.why) for each in training.open] == [(answer, why)]


def test_a_row_that_does_not_apply_needs_no_completion():
    seen = dict.fromkeys(("deck/en-US", "deck/ja-JP", "quiz/en-US"), completed(100))
    assert holds(judged(requiring("95%"), {**seen, "quiz/ja-JP": NOT_APPLICABLE}))


def test_optional_training_is_no_criterion():
    assert judged(requiring("optional"), {}) == ()


# Checklists


def test_each_list_is_a_criterion_of_its_own():
    text = f"""{HEAD}  prepare:
    checklists:
      queue: {{team: ops, per: market, items: {{routing: Route it, breaks: Agree on breaks}}}}
      rights: {{team: legal, items: {{appeals: Appeals work}}}}
"""
    seen = {"queue/routing/JP": DONE, "queue/routing/BR": NOT_APPLICABLE, "rights/appeals": DONE}
    assert told(judged(text, seen)) == [
        ("checklist queue", "all done", "fails", 2, 4),
        ("checklist rights", "all done", "holds", 1, 1),
    ]


def test_optional_checklists_are_no_criterion():
    text = f"""{HEAD}  prepare:
    checklists: {{queue: {{team: ops, items: {{routing: Route it}}}}}}
    gate: {{require: {{checklists: optional}}}}
"""
    assert judged(text, {}) == ()


def test_criteria_stand_in_the_order_tasks_training_checklists():
    assert [each.name for each in judged(FULL, {})] == [
        "tasks",
        "training in en-US",
        "training in ja-JP",
        "checklist queue",
    ]


# The digest


def digest(text: str = FULL, *, gate_round: int = 1, **seen: ev.Seen) -> str:
    """The digest of the gate `prepare`; items are done unless said otherwise."""
    spec = read(text)
    items = [item for item in expand(spec) if item.stage == "prepare"]

    def look(key: str) -> ev.Seen:
        return seen.get(
            key.split("/", 2)[2].replace("/", "_").replace("-", "_"), completed(100, State.DONE)
        )

    states = [(item, look(item.key).state) for item in items]
    criteria = judge(spec, "prepare", items, look)
    return digest_of(covered(spec, "prepare", gate_round, states, criteria))


def test_a_digest_is_sha_256_of_canonical_json():
    assert digest_of({"b": ["é"], "a": 1}) == digest_of({"a": 1, "b": ["é"]})
    # printf '{"a":1,"b":["é"]}' | sha256sum
    assert digest_of({"b": ["é"], "a": 1}) == (
        "023a8698a7c3c25e97260857c604120c43cc731c72fc227019bb5d85d6cad4cb"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version: "1.0"', 'version: "1.1"'),
        ("ref: rules.md", "ref: other.md"),
        ("title: Skins and stakes", "title: Skins"),
        ("effective: 2025-12-01 00:00", "effective: 2025-12-02 00:00"),
        ("languages: [en-US, ja-JP]", "languages: [en-US]"),
        ("title: Write the memo", "title: Write the legal memo"),
        ("title: Write the memo, team: legal", "title: Write the memo, team: policy"),
        ("title: Write the memo,", "title: Write the memo, details: With cases.,"),
        ("pass_mark: 80%", "pass_mark: 60%"),
        ("kind: quiz", "kind: deck"),
        ("routing: Route the items", "routing: Route most items"),
        ("sign_off: {legal: 1}", "sign_off: {legal: 1, policy: 1}"),
        ("training: 95% per language", "training: 90% per language"),
    ],
)
def test_the_digest_changes_with_what_is_signed(old: str, new: str):
    assert FULL.count(old) == 1
    assert digest(FULL.replace(old, new)) != digest()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: Switch it on, team: ops", "title: Switch it on now, team: ops"),
        ("after: [prepare]", "after: [prepare]\n    due: 10d"),
        ("  prepare:\n", "  prepare:\n    due: -5d\n"),
        ("title: Write the memo,", "title: Write the memo, due: -20d,"),
        ("[guideline], assignee: wim@example.com", "[guideline], assignee: both@example.com"),
        ("title: Write the memo,", "title: Write the memo, takes: 3bd,"),
        ("ops:    {members: [oda@example.com]}", "ops:    {members: [otto@example.com]}"),
    ],
)
def test_the_digest_stands_when_something_else_changes(old: str, new: str):
    assert FULL.count(old) == 1
    assert digest(FULL.replace(old, new)) == digest()


def test_the_digest_changes_with_the_round():
    assert digest(gate_round=2) != digest()


def test_the_digest_stands_while_completion_rises_above_its_target():
    at_target = digest(quiz_ja_JP=completed(95))
    assert (
        at_target
        == digest(quiz_ja_JP=completed(97))
        == digest(quiz_ja_JP=completed(100, State.DONE))
    )


def test_the_digest_changes_when_an_item_becomes_not_applicable():
    assert digest(memo=NOT_APPLICABLE) != digest()


# Sign-offs


def signed(role: str, who: str, what: str = "d", gate_round: int = 1) -> ev.SignedOff:
    return ev.SignedOff(
        stage="prepare",
        round=gate_round,
        role=role,
        person=person(who),
        account=account(who),
        digest=what,
        history_id=f"{role}-{who}",
        at=BEGAN,
    )


def gate(*sign_offs: ev.SignedOff, gate_round: int = 1) -> GateState:
    return GateState(opened_at=BEGAN, round=gate_round, digest="d", sign_offs=list(sign_offs))


@pytest.mark.parametrize(
    ("sign_offs", "missing"),
    [
        ((), {"policy": 2}),
        ((signed("policy", "pia"),), {"policy": 1}),
        ((signed("policy", "pia"), signed("policy", "pat")), {}),
        ((signed("policy", "pia"), signed("policy", "pat", "old")), {"policy": 1}),
        ((signed("policy", "pia"), signed("policy", "pat", gate_round=2)), {"policy": 1}),
    ],
)
def test_sign_offs_of_this_round_on_this_digest_are_counted(sign_offs, missing):
    assert missing_sign_offs(read(QUORUM), "prepare", gate(*sign_offs), "d") == missing


def test_no_sign_off_counts_before_there_is_a_digest():
    given = gate(signed("policy", "pia"), signed("policy", "pat"))
    assert missing_sign_offs(read(QUORUM), "prepare", given, None) == {"policy": 2}


def test_a_gate_without_sign_offs_misses_none():
    assert missing_sign_offs(read(FULL), "launch", gate(), "d") == {}
