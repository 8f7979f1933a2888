"""The pages of the sandbox's Jira: what they show, and that acting there is acting as a person."""

import pytest
import requests

BANNER = "Sandbox: for trials and tests, not a real Jira or Google Sheets"


@pytest.fixture
def browser(sandbox):
    """A browser without anybody chosen: `browser(path)` and `browser.post(path, **form)`."""

    class Browser:
        def __init__(self):
            self.session = requests.Session()

        def __call__(self, path):
            return self.session.get(f"{sandbox.url}{path}", timeout=10)

        def post(self, path, **form):
            return self.session.post(f"{sandbox.url}{path}", data=form, timeout=10)

        def act_as(self, account):
            return self.post("/jira/act-as", account=account, back="/jira/browse/POLICY")

    browser = Browser()
    yield browser
    browser.session.close()


@pytest.fixture
def program(jira_api, sandbox):
    """Epic POLICY-1 with task POLICY-2 and sign-off POLICY-3; another epic POLICY-4."""
    ada = sandbox.add_person("ada@example.com", "Ada Okafor")
    epic = jira_api.make("Paid partnership labels", "Epic")
    jira_api.make("Draft text", parent={"key": epic}, assignee={"accountId": ada})
    jira_api.make("Legal signs", "Sign-off", parent={"key": epic})
    jira_api.make("Weapons depictions", "Epic")
    return ada


PAGES = [
    "/",
    "/people",
    "/jira/browse/POLICY",
    "/jira/browse/POLICY-1",
    "/jira/browse/POLICY-3",
    "/jira/issues/",
]


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_it_is_no_real_jira(browser, path):
    shown = browser(path)

    assert shown.status_code == 200
    assert BANNER in shown.text


@pytest.mark.usefixtures("program")
def test_the_board_of_one_program_leaves_out_the_others(browser, jira_api):
    jira_api.make("Calibrate", parent={"key": "POLICY-4"})

    shown = browser("/jira/browse/POLICY?epic=POLICY-4").text

    assert "Calibrate" in shown
    assert "Draft text" not in shown


def test_a_card_is_moved_in_the_name_of_who_was_chosen(browser, jira_api, program):
    browser.act_as(program)

    shown = browser.post("/jira/browse/POLICY-2/move", step="41", back="/jira/browse/POLICY")

    (entry,) = jira_api("GET", "issue/POLICY-2/changelog").json()["values"]
    assert shown.url.endswith("/jira/browse/POLICY")
    assert (entry["author"]["accountId"], entry["items"][0]["toString"]) == (program, "Done")


@pytest.mark.usefixtures("program")
def test_nothing_moves_before_a_person_is_chosen(browser, jira_api):
    shown = browser.post("/jira/browse/POLICY-2/move", step="41")

    assert shown.status_code == 403
    assert "Choose who you are first" in shown.text
    assert jira_api.fields("POLICY-2")["status"]["name"] == "To Do"


def test_a_rejection_without_a_reason_is_not_taken(browser, jira_api, program):
    browser.act_as(program)

    shown = browser.post("/jira/browse/POLICY-3/reject", text="  ")

    assert shown.status_code == 400
    assert "A rejection needs its reason" in shown.text
    assert jira_api.fields("POLICY-3")["status"]["name"] == "To Do"


def test_a_rejection_moves_the_sign_off_and_leaves_the_reason_as_a_comment(
    browser, jira_api, program
):
    browser.act_as(program)

    browser.post("/jira/browse/POLICY-3/reject", text="Section 2 is vague.\n\nRedo POLICY-2")

    fields = jira_api.fields("POLICY-3")
    (comment,) = fields["comment"]["comments"]
    assert fields["status"]["name"] == "Rejected"
    assert comment["author"]["accountId"] == program
    assert len(comment["body"]["content"]) == 2


def test_an_approval_needs_no_comment(browser, jira_api, program):
    browser.act_as(program)

    browser.post("/jira/browse/POLICY-3/approve", text="")

    fields = jira_api.fields("POLICY-3")
    assert (fields["status"]["name"], fields["comment"]["total"]) == ("Approved", 0)


def test_a_comment_and_an_assignee_are_written_as_the_person(browser, jira_api, program):
    browser.act_as(program)

    browser.post("/jira/browse/POLICY-2/comment", text="On it.")
    browser.post("/jira/browse/POLICY-2/assign", account="")

    fields = jira_api.fields("POLICY-2")
    assert fields["comment"]["comments"][0]["author"]["accountId"] == program
    assert fields["assignee"] is None


@pytest.mark.usefixtures("program")
def test_the_issue_page_shows_its_history_with_who_and_zone(browser, sandbox):
    sandbox.as_person("ada@example.com").move("POLICY-2", "Blocked")

    shown = browser("/jira/browse/POLICY-2").text

    assert "status: To Do → Blocked" in shown
    assert "Ada Okafor" in shown
    assert "(UTC+08:00)" in shown


@pytest.mark.usefixtures("program")
def test_an_epic_shows_its_children_and_how_far_they_are(browser, sandbox):
    sandbox.as_person("ada@example.com").move("POLICY-2", "Done")

    shown = browser("/jira/browse/POLICY-1").text

    assert "1 of 2 done" in shown
    assert "Legal signs" in shown


def test_what_people_write_is_shown_as_text(browser, jira_api):
    key = jira_api.make("<script>alert(1)</script>")

    shown = browser(f"/jira/browse/{key}").text

    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_a_query_that_is_wrong_is_explained_on_the_list(browser):
    shown = browser("/jira/issues/?jql=mood%20%3D%20good")

    assert shown.status_code == 400
    assert "Field &#39;mood&#39; does not exist" in shown.text


def test_an_unknown_issue_has_a_page_that_says_so(browser):
    shown = browser("/jira/browse/POLICY-404")

    assert shown.status_code == 404
    assert "There is no issue POLICY-404" in shown.text


def test_a_form_cannot_send_the_browser_elsewhere(browser, sandbox, program):
    shown = browser.post("/jira/act-as", account=program, back="https://example.com/")

    assert shown.url.startswith(sandbox.url)


def test_a_person_is_added_and_closed_on_the_page(browser, jira_api):
    browser.post("/people", email="lin@example.com", name="Lin Zhao")
    added = jira_api("GET", "user/search?query=lin").json()
    browser.post("/people/close", email="lin@example.com")

    assert [each["displayName"] for each in added] == ["Lin Zhao"]
    assert jira_api("GET", "user/search?query=lin").json() == []


def test_a_mail_address_that_is_none_is_explained(browser):
    shown = browser.post("/people", email="lin", name="Lin")

    assert shown.status_code == 400
    assert "&#39;lin&#39; is no mail address" in shown.text
