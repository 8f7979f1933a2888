"""What was deleted and is wanted anew: exactly that is created again, and nothing that stands."""

from policy_rollout import events as ev
from policy_rollout.work import State
from tests.programs_under_way import PLAIN, TWO_ROLES, asked


def test_what_was_deleted_is_created_again_when_a_person_asks():
    program = asked(TWO_ROLES)
    deleted = [program.issue("prepare/guideline"), program.desk("legal")]
    for name in deleted:
        del program.model.issues[name]
    program.settle()
    gone = tuple(key for key, seen in program.state.seen.items() if seen.state is State.MISSING)
    program.record(ev.RecreationAsked(keys=gone))
    program.settle()
    program.finish()
    program.settle()
    created = [program.issue("prepare/guideline"), program.desk("legal")]
    assert set(created).isdisjoint(deleted)
    assert set(created) <= set(program.model.issues)


def test_what_was_only_hidden_is_not_created_again():
    program = asked(TWO_ROLES)
    hidden = dict(program.model.issues)
    program.model.issues.clear()
    program.settle()
    gone = tuple(key for key, seen in program.state.seen.items() if seen.state is State.MISSING)
    assert "p/epic" in gone
    program.model.issues.update(hidden)
    program.record(ev.RecreationAsked(keys=gone))
    program.settle()
    assert program.model.issues == hidden
    assert program.state.recreate == set()


def test_a_sign_off_issue_with_an_answer_of_ours_can_be_created_again():
    program = asked(PLAIN)
    program.approve("legal", "oda")
    program.settle()
    program.reject("legal", "lea", "Too vague.")
    program.settle()
    del program.model.issues[program.desk("legal")]
    program.settle()
    program.record(ev.RecreationAsked(keys=("p/prepare/sign-off:legal",)))
    program.settle()
    program.approve("legal", "lea")
    program.settle()
    assert program.state.passed("prepare")
