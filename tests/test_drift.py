"""What counts as drift and what is the program's own next step: over a world held in memory."""

from dataclasses import replace
from datetime import UTC, datetime

from policy_rollout import events as ev
from policy_rollout.adf import to_adf, to_text
from policy_rollout.decide import as_known
from policy_rollout.drift import Compared, Difference, Rows
from policy_rollout.plan import Asking
from policy_rollout.surveyed import FieldEdit, Survey, SurveyedIssue
from tests.programs_under_way import BOT, FULL, STATUSES, UnderWay, asked

AT = datetime(2025, 11, 4, 10, 30, tzinfo=UTC)


def survey_of(program: UnderWay) -> Survey:
    """The issues of the model, as a survey reads them."""
    issues = tuple(
        SurveyedIssue(
            issue_key=name,
            mark=each.key,
            content_digest=each.content_digest,
            creator=BOT,
            creator_name="rollout",
            summary=each.summary,
            description=to_text(to_adf(each.description)),
            due_on=each.due_on,
            labels=each.labels,
            parent=each.parent or "",
            blocked_by=frozenset(before for after, before in program.model.links if after == name),
        )
        for name, each in program.model.issues.items()
    )
    return Survey(issues, (), (), ())


def changed(found: Survey, name: str, /, **fields: object) -> Survey:
    issues = tuple(
        replace(each, **fields) if each.issue_key == name else each for each in found.issues
    )
    return replace(found, issues=issues)


def edited(found: Survey, issue_key: str, field: str, account: str = "mei") -> Survey:
    return replace(found, edits=(*found.edits, FieldEdit(issue_key, field, AT, account, "Mei")))


def drift(program: UnderWay, found: Survey) -> tuple[Difference, ...]:
    asking = Asking(as_known(program.outline, program.state).judged, STATUSES)
    rows = Rows(program.model.world().rows, ())
    return Compared(program.outline, program.state, asking, found, rows).differences()


def told(program: UnderWay, found: Survey) -> list[str]:
    return [each.what for each in drift(program, found)]


def full() -> UnderWay:
    program = UnderWay(FULL)
    program.settle()
    return program


def test_a_program_as_planned_has_none():
    program = full()
    assert drift(program, survey_of(program)) == ()


def test_a_date_that_an_amended_spec_moved_is_the_programs_own_next_step():
    program = full()
    issue_key = program.issue("prepare/memo")
    moved = changed(survey_of(program), issue_key, due_on=None)
    assert told(program, moved) == []
    assert told(program, edited(moved, issue_key, "duedate", BOT)) == []
    assert len(told(program, edited(moved, issue_key, "duedate"))) == 1


def test_a_text_that_we_have_still_to_write_is_no_drift_unless_somebody_edited_it():
    program = full()
    issue_key = program.issue("prepare/memo")
    before = changed(survey_of(program), issue_key, content_digest="old", description="Old")
    assert told(program, before) == []
    assert told(program, edited(before, issue_key, "description")) == ["its description was edited"]


def test_an_issue_that_was_moved_to_another_project_is_named_with_its_new_key():
    program = full()
    issue_key = program.issue("prepare/memo")
    moved = changed(survey_of(program), issue_key, issue_key="OPS-5")
    (difference,) = drift(program, edited(moved, "OPS-5", "project"))
    assert difference.what == "it was moved to another project, as OPS-5"
    assert difference.who == "Mei on 2025-11-04 10:30 UTC"


def test_a_link_that_somebody_removed_is_named():
    program = full()
    issue_key = program.issue("prepare/memo")
    bare = edited(
        changed(survey_of(program), issue_key, blocked_by=frozenset()), issue_key, "issuelinks"
    )
    (difference,) = drift(program, bare)
    guideline = program.issue("prepare/guideline")
    assert difference.what == f"the link that it is blocked by {guideline} is gone"
    assert difference.who == "Mei on 2025-11-04 10:30 UTC"


def test_an_issue_with_the_mark_of_another_item_is_named():
    program = full()
    wrong = changed(survey_of(program), program.issue("prepare/memo"), mark="p/prepare/other")
    assert told(program, wrong) == ["it carries the mark of p/prepare/other"]


def test_an_issue_whose_creation_is_in_doubt_is_not_taken_for_a_foreign_one():
    program = full()
    program.record(ev.CreationIntended(batch="9", keys=("p/launch/switch",), fence=0))
    found = survey_of(program)
    fresh = replace(found.issues[0], issue_key="POL-99", mark="p/launch/switch")
    assert told(program, replace(found, labelled=(fresh,))) == []


def test_what_mends_an_edit_depends_on_whether_the_program_goes_on():
    program = asked()
    issue_key = program.issue("prepare/guideline")
    found = edited(changed(survey_of(program), issue_key, summary="Mine"), issue_key, "summary")
    (difference,) = drift(program, found)
    assert difference.mend == (
        "The program writes it back within the hour, or at once with *check now*."
    )
    program.record(ev.Held(by="p.kim", reason="x"))
    (difference,) = drift(program, found)
    assert difference.mend == "The program writes it back once it goes on."


def test_a_label_of_ours_for_whom_a_sign_off_waits_is_not_judged_unless_somebody_edited_it():
    program = asked()
    desk = program.desk("legal")
    labels = tuple(each for each in program.model.issues[desk].labels if "waits-for" not in each)
    bare = changed(survey_of(program), desk, labels=labels)
    assert told(program, bare) == []
    assert told(program, edited(bare, desk, "labels")) == [
        "its labels: lacks rollout/waits-for/both@example.com, rollout/waits-for/lea@example.com"
    ]
