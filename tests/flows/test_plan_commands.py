"""`rollout plan`, `apply` and `amend` on a program that runs, in this process."""

import io
import json
import sys

import pytest
from carried import MEI, OWNER, SPEC, Carried
from prefect.settings import PREFECT_API_URL, temporary_settings

from policy_rollout import cli

pytestmark = pytest.mark.long

GERMAN_TOO = SPEC.replace("[en-US, ja-JP]", "[en-US, ja-JP, de-DE]")
LESS = SPEC.replace("[en-US, ja-JP]", "[en-US]").replace(
    "      symbols: {title: List the symbols, team: ops, takes: 2bd, after: [guideline]}\n", ""
)


class Terminal(io.StringIO):
    """Standard input of a person who types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def rollout(program: Carried, tmp_path, monkeypatch, capsys):
    """The command beside a launched program, with its spec and two amended ones as files."""
    program.go()
    for name, text in {"demo": SPEC, "german": GERMAN_TOO, "less": LESS}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rollout", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_plan_of_a_program_as_it_runs(rollout):
    code, out, _ = rollout("plan", "demo")
    assert code == 0
    assert out.startswith("Demo of a policy (demo), as it runs\nChanges: none.\n")
    assert "Closes 0 of 5 open items; touches finished work: none." in out
    assert rollout("plan", "demo.yaml") == (0, out, "")


def test_the_plan_of_an_amended_spec_shows_what_changes_and_what_follows(rollout):
    code, out, _ = rollout("plan", "german.yaml")
    assert code == 0
    assert out.startswith("Demo of a policy (demo), if it followed german.yaml\n")
    assert "Changes: 1 row added, 1 issue updated.\n" in out
    assert "  demo/write/deck/de-DE: Reviewer deck (de-DE), m.tan@example.com, 2030-02-28" in out
    assert "    demo/write/deck/de-DE: is created now" in out
    assert "        + - Languages: en-US, ja-JP, de-DE\n" in out
    assert "  It fits.\n" in out


def test_the_plan_for_a_machine_is_one_json_object(rollout):
    code, out, _ = rollout("plan", "german.yaml", "--json")
    plan = json.loads(out)
    assert code == 0
    assert [each["key"] for each in plan["changes"] if each["type"] == "add"] == [
        "demo/write/deck/de-DE"
    ]
    assert plan["closes"] == {
        "open_items": 5, "closing": [], "closing_share": 0.0, "finished": [],
    }  # fmt: skip
    assert plan["consequences"]["chain_after"]["effective_on"] == "2030-03-01"


def test_plans_write_nothing_outside_and_nothing_into_the_journal(rollout, program):
    head = program.state.head
    program.sandbox.clear_requests()
    for arguments in (["demo"], ["german.yaml"], ["german.yaml", "--out", "german.plan"]):
        assert rollout("plan", *arguments)[0] == 0
    assert program.writes() == []
    assert program.state.head == head


def test_a_saved_plan_is_applied_as_it_was_saved(rollout, program):
    saved, _, hint = rollout("plan", "german.yaml", "--out", "german.plan")
    assert (saved, hint) == (
        0,
        "saved; carry it out with: rollout apply german.plan --reason TEXT\n",
    )
    code, out, _ = rollout("apply", "german.plan", "--reason", "Germany asks", "--by", OWNER)
    # The tests' runs are none of a deployment, so there is nobody to resume.
    assert (code, out.splitlines()[0]) == (
        3,
        f"demo is amended, journal entry {program.state.head}",
    )
    program.go()
    assert program.rows()["demo/write/deck/de-DE"] == 1


def test_a_plan_that_was_edited_is_refused_and_named(rollout, program, tmp_path):
    rollout("plan", "german.yaml", "--out", "german.plan")
    path, head = tmp_path / "german.plan", program.state.head
    path.write_text(path.read_text().replace("de-DE", "fr-FR"))

    code, _, err = rollout("apply", "german.plan", "--reason", "Germany asks")

    assert (code, program.state.head) == (1, head)
    assert err == (
        "error: german.plan: found a plan that was changed after it was saved, in amendment, "
        "changes; nothing was done. Change the spec instead, and make the plan again\n"
    )


def test_a_plan_of_an_amendment_needs_a_reason_to_be_applied(rollout, program):
    rollout("plan", "german.yaml", "--out", "german.plan")
    head = program.state.head
    code, _, err = rollout("apply", "german.plan")
    assert (code, program.state.head) == (2, head)
    assert "rollout apply german.plan --reason TEXT" in err


def test_the_reason_may_be_saved_with_the_plan(rollout, program):
    rollout("plan", "german.yaml", "--out", "german.plan", "--reason", "Germany asks")
    rollout("apply", "german.plan")
    assert program.state.versions[-1].reason == "Germany asks"


def test_an_amendment_is_confirmed_on_a_terminal(rollout, program):
    head = program.state.head
    code, out, err = rollout("amend", "german.yaml", "--reason", "Germany asks", typed="n\n")
    assert (code, program.state.head) == (1, head)
    assert "demo/write/deck/de-DE: is created now" in out
    assert err.endswith("nothing was changed\n")

    rollout("amend", "german.yaml", "--reason", "Germany asks", "--by", OWNER, typed="y\n")

    last = program.state.versions[-1]
    assert (last.text, last.by, last.reason) == (GERMAN_TOO, OWNER, "Germany asks")


def test_without_a_terminal_an_amendment_needs_yes(rollout, program):
    head = program.state.head
    code, out, err = rollout("amend", "german.yaml", "--reason", "Germany asks")
    assert (code, out, program.state.head) == (2, "", head)
    assert "there is no terminal to confirm on" in err

    rollout("amend", "german.yaml", "--reason", "Germany asks", "--yes")

    assert program.state.versions[-1].text == GERMAN_TOO


def test_an_amendment_without_a_difference_is_refused(rollout):
    code, _, err = rollout("amend", "demo.yaml", "--reason", "None", "--yes")
    assert code == 1
    assert "found no difference to the spec that the program follows" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "less.yaml", "--out", "less.plan"],
        ["amend", "less.yaml", "--reason", "Japan is out", "--yes"],
    ],
)
def test_closing_much_is_refused_by_plan_and_amend_alike(rollout, program, tmp_path, arguments):
    head = program.state.head
    code, _, err = rollout(*arguments)
    assert (code, program.state.head) == (1, head)
    assert "it closes 2 of 5 open items (40%), expected at most 25%" in err
    assert "demo/write/symbols, demo/write/deck/ja-JP" in err
    assert "--allow-closures" in err
    assert not (tmp_path / "less.plan").exists()
    assert rollout(*arguments, "--allow-closures")[0] in {0, 3}


def test_closing_much_is_asked_again_by_apply(rollout, program):
    rollout("plan", "less.yaml", "--out", "less.plan", "--allow-closures", "--reason", "Smaller")
    head = program.state.head
    code, _, err = rollout("apply", "less.plan")
    assert (code, program.state.head) == (1, head)
    assert "--allow-closures" in err
    rollout("apply", "less.plan", "--allow-closures")
    assert program.state.versions[-1].text == LESS


def test_the_share_is_a_setting(rollout, monkeypatch):
    monkeypatch.setenv("ROLLOUT_CLOSING_SHARE", "0.4")
    assert rollout("plan", "less.yaml", "--out", "less.plan")[0] == 0


def test_an_issue_that_was_finished_meanwhile_is_named_by_apply(rollout, program):
    rollout("plan", "less.yaml", "--out", "less.plan", "--allow-closures", "--reason", "Smaller")
    key = program.state.issues["demo/write/symbols"]
    program.person(MEI).move(key, "Done")
    code, _, err = rollout("apply", "less.plan", "--allow-closures")
    assert code == 1
    assert f"  - {key} (demo/write/symbols), List the symbols: was planned: close" in err


def test_who_amends_is_one_mail_address(rollout):
    code, _, err = rollout("amend", "german.yaml", "--reason", "x", "--by", "the boss", "--yes")
    assert code == 2
    assert err.startswith("error: 'the boss' is nobody's name here")


def test_an_amendment_of_which_no_run_can_be_told_is_not_made(rollout, program):
    head = program.state.head
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        code, _, err = rollout("amend", "german.yaml", "--reason", "Germany asks", "--yes")
    assert code == 3
    assert "error: Prefect: the server does not answer (ConnectError). Nothing was done. " in err
    assert program.state.head == head


def test_what_is_journaled_stays_though_the_run_is_lost(rollout, program):
    code, out, _ = rollout("amend", "german.yaml", "--reason", "Germany asks", "--yes", "--json")
    assert code == 3
    assert json.loads(out)["message"].startswith("Prefect does not know the program's run any more")
    assert program.state.versions[-1].text == GERMAN_TOO
