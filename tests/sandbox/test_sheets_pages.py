"""The sandbox's workbook pages over HTTP: what a person sees and may do."""

import re

import pytest
import requests

from policy_rollout.desired import DesiredRow, Tab
from policy_rollout.sandbox.sheets_api import WORKBOOK, write_credentials
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.workbook import SheetsConnection, Workbook

DECK, QUIZ = "gambling/prepare/deck", "gambling/prepare/quiz"


@pytest.fixture(scope="session")
def page_key_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("key")


@pytest.fixture
def people(sandbox, page_key_folder):
    """Somebody at work in a workbook with two training rows."""
    key_file = write_credentials(page_key_folder, sandbox.sheets_url)
    workbook = Workbook(SheetsConnection(sandbox.sheets_url, key_file, WORKBOOK))
    workbook.add_rows(
        [
            DesiredRow(key, Tab.TRAINING, (("Material", title),))
            for key, title in ((DECK, "Deck <1>"), (QUIZ, "Quiz"))
        ]
    )
    workbook.close()
    return WorkbookEditor(sandbox.sheets_url, WORKBOOK)


def shown(people, **query):
    address = f"{people.sheets_url}/spreadsheets/d/{people.workbook}/edit"
    answer = requests.get(address, params=query, timeout=30)
    assert answer.status_code == 200
    return answer.text


def row_form(text):
    """The address of the first row's form."""
    return re.search(r'id="row-\d+" method="post" action="([^"]+)"', text)[1]


def test_the_page_opens_on_the_first_tab_of_a_program(people):
    text = shown(people)
    assert "<title>Training - Policy rollouts</title>" in text
    assert "Deck &lt;1&gt;" in text


def test_the_page_says_which_columns_are_peoples(people):
    text = shown(people)
    assert "White columns are yours" in text
    assert "Grey columns are kept up to date by policy-rollout" in text


def test_machine_columns_have_no_field_to_type_into(people):
    text = shown(people)
    fields = set(re.findall(r'name="cell-(\d+)"', text))
    assert fields == {"3", "4", "5"}


def test_a_saved_cell_is_shown_as_it_was_understood(people):
    people.write_cells(DECK, {"Completed %": "50"})
    assert people.cells(DECK)["Completed %"] == "50%"
    assert 'value="50%"' in shown(people)


def test_a_row_can_be_saved_without_a_script(sandbox, people):
    form = {"cell-3": "Done", "cell-5": "by hand", "q": "Deck"}
    answer = requests.post(sandbox.url + row_form(shown(people)), data=form, timeout=30)
    assert answer.url.endswith("/edit?gid=740201&q=Deck")
    assert (people.cells(DECK)["Status"], people.cells(DECK)["Notes"]) == ("Done", "by hand")


def test_a_word_that_the_drop_down_lacks_is_refused(people):
    with pytest.raises(LookupError) as refused:
        people.write(DECK, Status="Almost")
    assert str(refused.value) == (
        "'Almost' is not in the list; choose one of: To do, In progress, Blocked, Done, "
        "Not applicable"
    )
    assert people.cells(DECK)["Status"] == "To do"


def test_a_formula_shows_its_value_and_is_kept(people):
    people.write(DECK, Notes='="see there"')
    assert people.cells(DECK)["Notes"] == "see there"
    (kept,) = [row for tab in people.whole() for row in tab["rows"] if DECK in row["cells"]]
    assert '="see there"' in kept["cells"]


def test_a_formula_that_the_sandbox_does_not_compute_is_refused(people):
    with pytest.raises(LookupError, match="computes no formulas but a text, a number and a div"):
        people.write(DECK, Notes="=SUM(A1:A9)")


def test_an_edit_reaches_the_row_that_was_seen_after_a_sort(sandbox, people):
    address = row_form(shown(people))
    people.sort("Training", "Material", descending=True)
    requests.post(sandbox.url + address, data={"cell-5": "mine"}, timeout=30)
    assert (people.cells(DECK)["Notes"], people.cells(QUIZ)["Notes"]) == ("mine", "")


def test_an_edit_of_a_deleted_row_is_explained(sandbox, people):
    address = row_form(shown(people))
    people.delete(DECK)
    answer = requests.post(sandbox.url + address, data={"cell-5": "mine"}, timeout=30)
    assert answer.status_code == 404
    assert "That row was deleted meanwhile; open the page again." in answer.text


def test_a_new_row_has_the_drop_down_of_the_one_above(people):
    people.insert_below(DECK)
    assert people.keys("Training") == [DECK, "", QUIZ]
    assert shown(people).count('name="cell-3"') == 3


def test_rows_are_found_by_what_they_show(people):
    text = shown(people, q="quiz")
    assert "1 row," in text
    assert "Deck" not in text


def test_the_page_counts_the_rows_of_each_status(people):
    people.write(DECK, Status="Done")
    text = re.sub(r"<[^>]+>", "", shown(people))
    assert "2 rows, 1 To do, 1 Done" in " ".join(text.split())


def test_a_new_workbook_is_listed_and_opens(sandbox):
    made = requests.post(f"{sandbox.sheets_url}/", data={"title": "Trial & error"}, timeout=30)
    assert "The Training and Checklist tabs appear when" in made.text
    listed = requests.get(f"{sandbox.sheets_url}/", timeout=30).text
    assert "Trial &amp; error" in listed


def test_an_unknown_workbook_is_explained(sandbox):
    answer = requests.get(f"{sandbox.sheets_url}/spreadsheets/d/none/edit", timeout=30)
    assert answer.status_code == 404
    assert "There is no workbook with the id none." in answer.text
