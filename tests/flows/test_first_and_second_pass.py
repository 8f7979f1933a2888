"""The first pass makes the world what the spec says; a second one has nothing to do."""

from carried import MEI, RIMA, ROWS, TASKS, WIM


def test_a_first_pass_creates_each_issue_and_row_once(program):
    program.go()

    program.everything_once()
    assert program.trouble == ""


def test_issues_carry_parent_due_date_assignee_labels_and_what_blocks_them(program):
    program.go()

    guideline, symbols = (program.issue(key) for key in TASKS)
    epic = program.state.issues["demo/epic"]
    assert {each["parent"]["key"] for each in (guideline, symbols)} == {epic}
    assert [each["assignee"]["emailAddress"] for each in (guideline, symbols)] == [WIM, MEI]
    assert guideline["duedate"] < symbols["duedate"] <= "2030-03-01"
    assert set(symbols["labels"]) == {"rollout", "rollout/demo", "rollout/demo/write/symbols"}
    (link,) = symbols["issuelinks"]
    assert (link["type"]["inward"], link["inwardIssue"]["key"]) == (
        "is blocked by",
        program.state.issues[TASKS[0]],
    )


def test_rows_carry_their_machine_columns_and_leave_the_status_to_people(program):
    program.go()

    cells = program.workbook.cells(ROWS[1])
    assert {
        name: cells[name] for name in ("Program", "Stage", "Material", "Language", "Status")
    } == {
        "Program": "demo",
        "Stage": "write",
        "Material": "Reviewer deck",
        "Language": "ja-JP",
        "Status": "To do",
    }


def test_a_second_pass_writes_nothing_and_is_one_task_run(program):
    program.go()
    entries = program.kinds
    program.sandbox.clear_requests()

    program.go()

    assert program.writes() == []
    assert program.task_runs == ["look at Jira and the workbook"]
    assert program.kinds == entries


def test_the_next_stage_opens_when_the_work_is_done_and_signed(program):
    program.go()
    program.finish_work()
    program.go()
    assert program.state.waiting_stages == ("write",)
    program.person(RIMA).move(program.state.issues["demo/write/sign-off:policy"], "Approved")

    program.go()

    assert program.state.waiting_stages == ("launch",)
    assert "demo/launch/switch" in program.jira()
