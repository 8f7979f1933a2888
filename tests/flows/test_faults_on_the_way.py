"""Cut off, throttled or answered late at any request: the next passes converge, nothing doubles."""

from collections import Counter

import pytest
import requests
from carried import ROWS, TASKS

pytestmark = pytest.mark.long

BULK, APPEND = "/issue/bulk$", ":batchUpdate$"


@pytest.mark.parametrize("path", [BULK, APPEND])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset-before-commit"},
        {"kind": "reset-after-commit"},
        {"kind": "error", "status": 503},
        {"kind": "error", "status": 500, "committed": True},
        {"kind": "throttled", "seconds": 30},
    ],
    ids=lambda fault: "-".join(str(each) for each in fault.values()),
)
def test_a_write_that_failed_in_any_way_ends_in_one_issue_and_row_for_each_key(
    program, path, fault
):
    program.sandbox.set_faults({**fault, "path": path, "times": 2})

    program.go_until_calm()

    program.everything_once()


@pytest.mark.parametrize("after", range(1, 31, 10))
@pytest.mark.parametrize("kind", ["reset-before-commit", "reset-after-commit"])
def test_cut_off_for_good_at_any_request_the_next_passes_converge(program, kind, after):
    program.sandbox.set_faults({"kind": kind, "after": after, "times": 6})
    program.go()
    program.sandbox.set_faults()

    program.go_until_calm()

    program.everything_once()


class Killed(BaseException):
    """Ends a pass as a kill does: nothing in between handles it."""


@pytest.fixture
def killed_after(program):
    """Makes a pass whose process ends when so many answers have arrived, the last one unread."""

    def kill(answers):
        left = iter(range(answers))
        send = requests.Session.send

        def last_send(session, request, **options):
            response = send(session, request, **options)
            if next(left, None) is None:
                response.close()
                raise Killed
            return response

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "send", last_send)
            with pytest.raises(Killed):
                program.go()

    return kill


@pytest.mark.parametrize("answers", range(1, 32, 6))
def test_killed_after_any_answer_the_next_pass_converges(program, killed_after, answers):
    killed_after(answers)

    program.go_until_calm()

    program.everything_once()


def test_issues_that_jira_refuses_are_named_and_the_others_are_kept(program):
    program.sandbox.set_faults(
        {"kind": "partial-failure", "path": BULK, "after": 1, "elements": [1], "times": 1}
    )

    program.go()

    assert program.trouble.startswith("Jira: creating 1 of 2 issues was refused (HTTP 400): ")
    assert TASKS[1] in program.trouble
    assert "Mend what it names in the project, then press Resume" in program.trouble
    assert TASKS[0] in program.state.issues
    program.go_until_calm()
    program.everything_once()


@pytest.mark.parametrize(
    ("path", "service"), [("/jira/", "Jira"), ("/sheets/v4/", "Google Sheets")]
)
def test_a_service_that_is_down_is_named_and_the_program_goes_on_when_it_is_back(
    program, path, service
):
    program.sandbox.set_faults({"kind": "error", "status": 503, "path": path, "times": None})

    program.go()

    assert program.trouble.startswith(f"{service}: ")
    assert program.trouble.endswith("HTTP 503. It is tried again on the next pass")
    assert program.state.wrote_nothing
    program.sandbox.set_faults()
    program.go()
    assert program.trouble == ""
    program.everything_once()


def test_two_lost_writes_in_one_pass_end_it_and_the_service_is_asked_again_later(program):
    program.sandbox.set_faults({"kind": "reset-before-commit", "path": APPEND, "times": None})

    program.go()

    assert program.trouble.startswith("Google Sheets: ")
    assert "may or may not have happened" in program.trouble
    assert program.state.trouble.again_at > program.state.trouble.since
    assert program.task_runs.count("add rows to the workbook") == 2
    program.sandbox.set_faults()
    program.go()
    program.everything_once()


def test_one_lost_write_in_a_pass_is_looked_for_and_the_pass_goes_on(program):
    program.sandbox.set_faults({"kind": "reset-after-commit", "path": APPEND, "times": 1})

    program.go()

    assert program.trouble == ""
    program.everything_once()


def test_a_service_that_goes_down_half_way_loses_nothing(program):
    program.sandbox.set_faults(
        {"kind": "error", "status": 503, "path": "/sheets/v4/", "after": 3, "times": None}
    )
    program.go()
    assert program.trouble.startswith("Google Sheets: ")
    program.sandbox.set_faults()

    program.go()

    program.everything_once()


def test_a_late_write_of_issues_is_waited_for_and_adopted(program):
    program.sandbox.set_faults(
        {"kind": "late-commit", "path": BULK, "after": 1, "times": 1, "seconds": 60}
    )
    program.go()
    assert "the creation of batch" in program.trouble
    assert "may or may not have happened: 2 of 2 not found yet; sent again after" in program.trouble
    program.go()
    assert "2 of 2 not found yet" in program.trouble
    program.sandbox.land_late_writes()

    program.go()

    assert program.trouble == ""
    program.everything_once()
    assert program.rows() == Counter(ROWS)


def test_the_service_s_own_wait_is_kept_to(program):
    program.sandbox.set_faults({"kind": "throttled", "path": "/myself", "seconds": 600})

    program.go()

    trouble = program.state.trouble
    assert "it asks to wait 600 s" in trouble.text
    assert (trouble.again_at - trouble.since).total_seconds() == pytest.approx(600, abs=1)
