"""A plan on a running program: it reads only, is done exactly as it was saved, or not at all."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from carried import MEI, OWNER, RIMA, ROWS, SIGN_OFF, SPEC, TASKS, Carried

from policy_rollout import events as ev
from policy_rollout.applying import Applied, apply_plan
from policy_rollout.closures import ClosuresRefused
from policy_rollout.errors import AmendmentRefused, PreflightFailed, ProgramUnknown
from policy_rollout.history import records_of
from policy_rollout.journal.store import Journal
from policy_rollout.planned import What
from policy_rollout.planning import Made, make_plan
from policy_rollout.saved_plan import (
    Amendment,
    Consent,
    PlanApplied,
    PlanOutdated,
    SavedPlan,
    read_plan,
    text_of,
)
from policy_rollout.settings import Settings
from policy_rollout.work import State, sign_off_key

pytestmark = pytest.mark.long

GERMAN_TOO = SPEC.replace("[en-US, ja-JP]", "[en-US, ja-JP, de-DE]")
WITHOUT_SYMBOLS = SPEC.replace(
    "      symbols: {title: List the symbols, team: ops, takes: 2bd, after: [guideline]}\n", ""
)
OPS_SIGN_TOO = SPEC.replace("sign_off: {policy: 1}", "sign_off: {policy: 1, ops: 1}")
CONSENT = Consent(actor="somebody", by=OWNER, reason="Germany asks", allow_closures=False)
GERMAN_ROW = "demo/write/deck/de-DE"


def made(text: str | None = None, *, reopen: tuple[str, ...] = ()) -> Made:
    """A plan as `rollout plan` makes it; with a text, of an amendment."""
    settings = Settings.load()
    amends = text and Amendment(
        spec_text=text, spec_path="demo.yaml", reopen=reopen, by=OWNER, reason="Germany asks"
    )
    with Journal(settings.journal_address) as journal:
        return make_plan(journal, settings, "demo", amends or None, now=datetime.now(UTC))


def saved(text: str | None = None) -> SavedPlan:
    """The same, as it comes back from its file."""
    return read_plan(text_of(made(text).plan), "demo.plan")


def apply(plan: SavedPlan) -> Applied:
    return apply_plan(Settings.load(), plan, CONSENT)


@pytest.fixture
def running(program: Carried) -> Carried:
    program.go()
    program.everything_once()
    return program


def refused(running: Carried, plan: SavedPlan) -> tuple[str, ...]:
    """What an outdated plan says; nothing is journaled and nothing written."""
    head = running.state.head
    running.sandbox.clear_requests()
    with pytest.raises(PlanOutdated) as outdated:
        apply(plan)
    assert running.state.head == head
    assert running.writes() == []
    return outdated.value.differences


def test_a_plan_is_made_without_a_write(running):
    head = running.state.head
    running.sandbox.clear_requests()

    plan = made(GERMAN_TOO)

    assert [each.key for each in plan.preview.changes if each.what is What.ADD] == [GERMAN_ROW]
    assert running.writes() == []
    assert running.state.head == head


@pytest.mark.usefixtures("running")
def test_a_program_as_it_runs_has_nothing_to_change():
    assert made().preview.changes == ()


def test_drift_of_ours_is_planned_with_before_and_after(running):
    running.person(OWNER).edit(running.state.issues[TASKS[0]], summary="Something else")
    (change,) = made().preview.changes
    assert (change.what, change.key) == (What.UPDATE, TASKS[0])
    assert [(each.name, each.before, each.after) for each in change.fields] == [
        ("summary", "Something else", "Write the guideline")
    ]


def test_a_program_that_waits_is_amended_and_nothing_is_made_twice(running):
    apply(saved(GERMAN_TOO))
    running.go()

    assert running.rows() == Counter([*ROWS, GERMAN_ROW])
    assert {key: len(found) for key, found in running.jira().items()} == dict.fromkeys(
        running.state.issues, 1
    )
    assert running.trouble == ""
    running.sandbox.clear_requests()
    running.go()
    assert running.writes() == []


@pytest.mark.usefixtures("running")
def test_the_amendment_is_journaled_with_who_and_why():
    applied = apply(saved(GERMAN_TOO))
    with Journal(Settings.load().journal_address) as journal:
        record = records_of(journal, "demo")[applied.entry - 1]
    assert isinstance(record.event, ev.Amended)
    assert (record.event.by, record.event.reason, record.actor) == (
        OWNER,
        "Germany asks",
        "somebody",
    )


def test_the_reason_that_is_given_at_the_end_must_do_as_well(running):
    first = running.state.spec_text
    apply(saved(GERMAN_TOO))
    running.go()
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    settings = Settings.load()
    back = Amendment(spec_text=first, spec_path="demo.yaml", by=OWNER, reason=f"Back to {day}")
    with Journal(settings.journal_address) as journal:
        plan = make_plan(journal, settings, "demo", back, now=datetime.now(UTC)).plan
    head = running.state.head

    with pytest.raises(AmendmentRefused, match="Back to"):
        apply_plan(settings, plan, replace(CONSENT, reason="A typo"))

    assert running.state.head == head


def test_what_is_planned_is_what_the_next_pass_does(running):
    plan = made(WITHOUT_SYMBOLS)
    closed = [each.key for each in plan.preview.changes if each.what is What.CLOSE]
    apply(plan.plan)
    running.go()

    assert closed == ["demo/write/symbols"]
    assert running.issue("demo/write/symbols")["status"]["name"] == "Done"
    assert running.issue(TASKS[0])["status"]["name"] == "To Do"


def test_a_plan_without_an_amendment_journals_nothing(running):
    head = running.state.head
    assert apply(saved()).entry == head


def test_an_issue_that_a_person_finished_meanwhile_is_named(running):
    plan = saved(WITHOUT_SYMBOLS)
    key = running.state.issues["demo/write/symbols"]
    running.person(MEI).move(key, "Done")

    told = refused(running, plan)

    assert (
        f"{key} (demo/write/symbols), List the symbols: was planned: close (status 'To Do' → "
        "'done'); is now: nothing"
    ) in told


def test_an_issue_that_a_person_began_meanwhile_is_named(running):
    plan = saved(WITHOUT_SYMBOLS)
    key = running.state.issues["demo/write/symbols"]
    running.person(MEI).move(key, "In Progress")

    (told,) = refused(running, plan)
    assert told == (
        f"{key} (demo/write/symbols), List the symbols: was planned: close (status 'To Do' → "
        "'done'); is now: close (status 'In Progress' → 'done')"
    )


def test_work_that_the_plan_leaves_alone_may_go_on_meanwhile(running):
    plan = saved(GERMAN_TOO)
    running.person(MEI).move(running.state.issues["demo/write/symbols"], "In Progress")
    running.go()  # which journals that it was seen

    apply(plan)
    running.go()

    assert running.rows()[GERMAN_ROW] == 1
    assert running.state.of("demo/write/symbols").state is State.IN_PROGRESS


def test_what_was_decided_meanwhile_is_named(running):
    plan = saved(GERMAN_TOO)
    running.finish_work()
    running.go()

    told = refused(running, plan)

    assert any("was written since: gate ready, by rollout" in each for each in told)


@pytest.mark.parametrize("has_looked", [False, True])
def test_a_plan_that_was_applied_says_so_when_it_is_applied_again(running, has_looked):
    plan = saved(GERMAN_TOO)
    entry = apply(plan).entry
    if has_looked:
        running.go()
    head = running.state.head
    with pytest.raises(PlanApplied, match=rf"by {OWNER} \(journal entry {entry}\); nothing was"):
        apply(plan)
    assert running.state.head == head


def test_a_plan_that_also_reopens_is_not_the_amendment_without_that(running):
    running.finish_work()
    running.go()
    running.person(RIMA).move(running.state.issues[SIGN_OFF], "Approved")
    running.go()
    reopening = made(GERMAN_TOO, reopen=("write",)).plan
    apply(saved(GERMAN_TOO))
    assert any("was written since: amended" in each for each in refused(running, reopening))


def test_an_applied_plan_is_known_again_also_behind_another_amendment(running):
    plan = saved(GERMAN_TOO)
    entry = apply(plan).entry
    running.go()
    apply(saved(OPS_SIGN_TOO))
    with pytest.raises(PlanApplied, match=rf"\(journal entry {entry}\); nothing was"):
        apply(plan)


def test_another_workbook_is_refused_with_both_sides(running, monkeypatch):
    plan = saved(GERMAN_TOO)
    monkeypatch.setenv("ROLLOUT_SHEETS_WORKBOOK", "another-workbook")

    assert refused(running, plan) == (
        f"workbook: was planned for {plan.site.workbook}, is now another-workbook",
    )


def test_another_project_is_refused_with_both_sides(running):
    plan = saved(GERMAN_TOO)
    other = plan.site.model_copy(update={"project": "ELSE"})

    told = refused(running, plan.model_copy(update={"site": other}))

    assert told == ("Jira project: was planned for ELSE, is now POLICY",)


def test_a_changed_workflow_is_refused_with_both_sides(running):
    plan = saved(GERMAN_TOO)
    assert plan.site.workflow["Sign-off: Approved"] == "done"
    then = {**plan.site.workflow, "Sign-off: Approved": "in_progress", "Task: Checked": "done"}
    other = plan.site.model_copy(update={"workflow": then})

    assert refused(running, plan.model_copy(update={"site": other})) == (
        "workflow of POLICY: status Sign-off: Approved was planned as in_progress, is now done",
        "workflow of POLICY: status Task: Checked was planned as done, is now not in the workflow",
    )


def test_a_plan_whose_text_was_exchanged_comes_out_differently(running):
    """Somebody who edits the file can make its digests anew: the plan is made anew as well."""
    plan = saved(GERMAN_TOO)
    exchanged = plan.amendment.model_copy(update={"spec_text": WITHOUT_SYMBOLS})

    told = refused(running, plan.model_copy(update={"amendment": exchanged}))

    assert any(each.startswith("Training (demo/write/deck/de-DE)") for each in told)
    assert any("is now: close" in each for each in told)


def test_people_whom_jira_does_not_know_are_named_and_nothing_is_journaled(running):
    head = running.state.head
    text = SPEC.replace(f"[{MEI}]", f"[{MEI}, n.body@example.com]")

    with pytest.raises(PreflightFailed, match=r"person n\.body@example\.com: found no active"):
        made(text)
    assert running.state.head == head


def test_new_people_are_journaled_with_the_amendment(running):
    account = running.sandbox.add_person("n.body@example.com")
    apply(saved(SPEC.replace(f"[{MEI}]", f"[{MEI}, n.body@example.com]")))
    assert running.state.accounts["n.body@example.com"] == account


def test_closing_too_much_is_refused_by_apply_too(running):
    head = running.state.head
    text = WITHOUT_SYMBOLS.replace("[en-US, ja-JP]", "[en-US]")
    with pytest.raises(ClosuresRefused, match=r"closes 2 of 5 open items \(40%\), expected at"):
        apply(saved(text))
    assert running.state.head == head


def test_a_sign_off_that_lapses_is_planned_and_asked_for_again(running):
    running.finish_work()
    running.go()
    plan = made(OPS_SIGN_TOO)
    created = [each.key for each in plan.preview.changes if each.what is What.CREATE]
    assert created == [sign_off_key("demo", "write", "ops")]

    apply(plan.plan)
    running.go()

    assert set(running.state.gates["write"].asked) == {"policy", "ops"}
    assert SIGN_OFF in running.state.issues


@pytest.mark.usefixtures("running")
def test_the_spec_of_another_program_is_refused():
    with pytest.raises(AmendmentRefused, match="found the spec of program 'other'"):
        made(SPEC.replace("program: demo", "program: other"))


@pytest.mark.usefixtures("program")
def test_a_program_that_was_never_launched_has_no_plan():
    with pytest.raises(ProgramUnknown):
        made(GERMAN_TOO)


def test_a_program_that_made_nothing_is_launched_anew_instead(program):
    program.sandbox.remove_person(MEI)
    program.go()
    assert program.state.wrote_nothing

    with pytest.raises(AmendmentRefused, match="launch it anew with the changed spec"):
        made(GERMAN_TOO)


def test_signed_gates_keep_their_sign_offs_where_their_text_stays(running):
    running.finish_work()
    running.go()
    running.person(RIMA).move(running.state.issues[SIGN_OFF], "Approved")
    running.go()

    plan = made(SPEC.replace("Enforce it", "Enforce it now"))

    assert [(each.role, each.person) for each in plan.preview.follows.kept] == [("policy", RIMA)]
    assert plan.preview.follows.voided == ()
