"""The Resume form: what can be chosen, what it shows, what it does when nothing is chosen."""

import pytest
from pydantic import ValidationError

from flows.forms import ACTIONS, CHECK, NO_GATE, resume_form, shown_digest
from policy_rollout.sign_offs import Action
from tests.programs_under_way import HEAD, PLAIN, TWO_ROLES, UnderWay, asked


def form_of(program: UnderWay):
    return resume_form(program.spec, program.state, "What follows was seen.")


def choices(form, field: str) -> list[str]:
    return form.model_json_schema()["properties"][field]["enum"]


def test_a_form_that_is_sent_as_it_is_only_looks():
    sent = form_of(asked(PLAIN))()
    assert (sent.action, sent.gate, sent.role, sent.person, sent.code, sent.note) == (
        CHECK,
        NO_GATE,
        NO_GATE,
        "",
        "",
        "",
    )


def test_every_answer_to_a_gate_can_be_chosen():
    offered = choices(form_of(asked(PLAIN)), "action")
    assert offered == list(ACTIONS)
    assert {each.value for each in Action} <= set(offered)


def test_the_gates_that_wait_and_their_roles_can_be_chosen():
    form = form_of(asked(TWO_ROLES))
    assert choices(form, "gate") == ["-", "prepare"]
    assert choices(form, "role") == ["-", "legal", "policy"]


def test_gates_that_are_not_open_cannot_be_chosen():
    form = form_of(asked(PLAIN + "  launch: {after: [prepare], gate: {sign_off: {ops: 1}}}\n"))
    assert choices(form, "gate") == ["-", "prepare"]
    with pytest.raises(ValidationError, match="Input should be '-' or 'prepare'"):
        form(gate="launch")


def test_the_form_carries_the_digest_of_each_gate_that_asks():
    program = UnderWay(
        f"{HEAD}  one: {{gate: {{sign_off: {{legal: 1}}}}}}\n"
        "  two: {gate: {sign_off: {policy: 1}}}\n"
    )
    program.settle()
    shown = form_of(program)().shown
    for stage in ("one", "two"):
        digest = program.state.gates[stage].digest
        assert shown_digest(shown, stage) == digest[:16]


def test_a_form_that_was_emptied_shows_no_digest():
    assert shown_digest("", "prepare") == ""
    assert shown_digest("launch:0123", "prepare") == ""


def test_a_gate_whose_work_is_open_has_no_digest_to_answer():
    program = UnderWay(PLAIN)
    program.settle()
    assert form_of(program)().shown == ""


def test_the_evidence_stands_above_the_form():
    assert form_of(asked(PLAIN))._description == "What follows was seen."
