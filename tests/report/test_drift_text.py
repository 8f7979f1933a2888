"""Drift as people and machines read it."""

from policy_rollout.drift import Difference
from policy_rollout.report.drift_text import (
    SHOWN,
    drift_json,
    drift_lines,
    drift_page,
    drift_words,
)

ONE = Difference("POL-2 (p/a/b)", "its summary is 'X | Y'", "Mei on 2026-01-05", "Put it back.")
NAMELESS = Difference("POL-9", "it was deleted", "", "Nothing needs it any more.")


def test_a_line_says_where_what_who_and_what_mends_it():
    assert drift_lines("p", [ONE, NAMELESS]) == [
        "POL-2 (p/a/b): its summary is 'X | Y' (by Mei on 2026-01-05). Put it back.",
        "POL-9: it was deleted. Nothing needs it any more.",
        "p: 2 things differ",
    ]
    assert drift_lines("p", []) == ["p: nothing differs from what was planned"]


def test_json_has_each_difference_by_its_parts():
    assert drift_json("p", [NAMELESS]) == {
        "program": "p",
        "differences": [
            {
                "where": "POL-9",
                "what": "it was deleted",
                "who": "",
                "mend": "Nothing needs it any more.",
            }
        ],
    }


def test_the_page_shows_what_differs_first_then_what_could_not_be_seen_then_the_rest():
    page = drift_page({"calm": (), "p": (ONE,)}, {"down": "Jira: HTTP 503"})
    assert page == (
        "# Drift\n\nWhat Jira and the workbook hold that nobody planned. Nothing was changed.\n\n"
        "## p: 1 thing differs\n\n"
        "- **POL-2 (p/a/b)**: its summary is 'X \\| Y', by Mei on 2026-01-05.\n  Put it back.\n\n"
        "## Could not be looked at\n\n- **down**: Jira: HTTP 503\n\n## Nothing differs\n\ncalm"
    )


def test_the_page_stays_bounded():
    assert drift_page({"p": (ONE,) * (SHOWN + 3)}, {}).endswith("- and 3 more")


def test_one_sentence_tells_all_programs():
    assert drift_words({"p": (ONE,), "q": ()}, {"r": "down"}) == (
        "1 of 3 programs differs: p (1); could not be looked at: r"
    )
    assert drift_words({}, {}) == "0 programs looked at: nothing differs from what was planned"
