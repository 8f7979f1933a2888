"""The Resume form: what can be chosen, what it shows, what it does when nothing is chosen."""

import pytest
from pydantic import ValidationError

from flows.forms import ACTIONS, CHECK, NO_GATE, RECREATE, Chosen, chosen, resume_form, trouble_form
from policy_rollout.sign_offs import Action
from tests.programs_under_way import HEAD, PLAIN, TWO_ROLES, UnderWay, asked


def form_of(program: UnderWay):
    return resume_form(program.spec, program.state, "What follows was seen.")


def choices(form, field: str) -> list[str]:
    return form.model_json_schema()["properties"][field]["enum"]


def test_a_form_that_is_sent_as_it_is_only_looks():
    sent = form_of(asked(PLAIN))()
    assert (sent.action, sent.gate, sent.person, sent.code, sent.note) == (
        CHECK,
        NO_GATE,
        "",
        "",
        "",
    )


def test_every_answer_to_a_gate_can_be_chosen():
    offered = choices(form_of(asked(PLAIN)), "action")
    assert offered == list(ACTIONS)
    assert {each.value for each in Action} <= set(offered)


def desks_of(program: UnderWay) -> list[Chosen]:
    return [chosen(each) for each in choices(form_of(program), "gate")[1:]]


def test_the_gates_that_wait_can_be_chosen_with_role_and_text():
    program = asked(TWO_ROLES)
    digest = program.state.gates["prepare"].digest[:16]
    assert choices(form_of(program), "gate") == [
        "-",
        f"prepare for legal, text {digest}",
        f"prepare for policy, text {digest}",
    ]
    assert desks_of(program) == [
        Chosen("prepare", "legal", digest),
        Chosen("prepare", "policy", digest),
    ]


def test_where_no_gate_waits_nothing_is_asked_that_only_a_signer_could_answer():
    program = UnderWay(PLAIN)

    form = form_of(program)

    assert list(form.model_json_schema()["properties"]) == ["action", "note"]
    assert choices(form, "action") == [CHECK, RECREATE]


def test_gates_that_are_not_open_cannot_be_chosen():
    form = form_of(asked(PLAIN + "  launch: {after: [prepare], gate: {sign_off: {ops: 1}}}\n"))
    with pytest.raises(ValidationError, match="Input should be '-'"):
        form(gate="launch for ops")


def test_each_gate_has_its_own_text():
    program = UnderWay(
        f"{HEAD}  one: {{gate: {{sign_off: {{legal: 1}}}}}}\n"
        "  two: {gate: {sign_off: {policy: 1}}}\n"
    )
    program.settle()
    for desk in desks_of(program):
        assert desk.digest == program.state.gates[desk.stage].digest[:16]


def test_a_gate_whose_work_is_open_has_no_text_to_answer():
    program = UnderWay(PLAIN)
    program.settle()
    assert {each.digest for each in desks_of(program)} == {""}


def test_a_choice_that_the_form_did_not_offer_is_kept_as_it_was_written():
    assert chosen("prepare") == Chosen("prepare", "-", "")


def test_the_evidence_stands_above_the_form():
    assert form_of(asked(PLAIN))._description == "What follows was seen."


def test_where_the_program_cannot_be_read_one_can_but_look_again():
    form = trouble_form("the journal cannot be reached")
    assert form._description == "the journal cannot be reached"
    assert (form().action, form().note, set(form.model_fields)) == (CHECK, "", {"action", "note"})
    assert form(action=CHECK, note="watch: 2 changes due").action == CHECK  # as watch answers
    with pytest.raises(ValidationError, match="Input should be 'check now'"):
        form(action="approve")
