"""Two machines on one PostgreSQL: what one leaves half done when it dies, the other finishes."""

from collections import Counter

import pytest
from hosts import PASSWORD, WITHIN_SECONDS, Site, two_hosts
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from running_up import MEI, RIMA, as_json, state_of_run, until

from policy_rollout.forking import FORKS

pytestmark = [pytest.mark.machines, pytest.mark.timeout(1500)]
TASKS, ROWS = 60, 4
SPEC = f"""
program: wide
policy: {{change: clarification, languages: [en-US]}}
people: {{policy: {{members: [{RIMA}]}}, ops: {{members: [{MEI}]}}}}
stages:
  write:
    tasks:
{"".join(f"      task-{n}: {{title: Do thing {n}, team: ops}}" + chr(10) for n in range(TASKS))}
    checklists:
      ready: {{team: ops, items: {{{", ".join(f"row-{n}: Tick {n}" for n in range(ROWS))}}}}}
    gate: {{require: {{checklists: optional}}, sign_off: {{policy: 1}}}}
"""
ITEMS = {f"wide/write/task-{n}": 1 for n in range(TASKS)} | {"wide/epic": 1}
TICKS = {f"wide/write/ready/row-{n}": 1 for n in range(ROWS)}
SIGN_OFF = "wide/write/sign-off:policy"


@pytest.fixture(scope="module")
def site(tmp_path_factory, postgresql_server):
    with two_hosts(tmp_path_factory.mktemp("machines"), postgresql_server) as running:
        for person in (RIMA, MEI):
            running.sandbox.add_person(person)
        running.sandbox.set_behaviour(search_lag_seconds=0)
        known = {PREFECT_API_URL: running.api_url, PREFECT_API_AUTH_STRING: PASSWORD}
        with temporary_settings(known):
            yield running


def marks(site: Site) -> Counter[str]:
    """How many issues carry each stable key."""
    service = site.sandbox.as_person(site.sandbox.email)
    body = {"jql": 'labels = "rollout/wide"', "fields": ["labels"], "maxResults": 100}
    labels = [
        each["fields"]["labels"] for each in service.call("POST", "search/jql", body)["issues"]
    ]
    return Counter(
        label.removeprefix("rollout/")
        for each in labels
        for label in each
        if label.startswith("rollout/wide/")
    )


def test_the_machine_that_is_left_takes_over_in_mid_launch_and_doubles_nothing(site):
    site.sandbox.set_faults(
        {"kind": "latency", "seconds": 4, "path": "/issue/bulk$", "after": 1, "times": 1}
    )
    spec = site.operator.home / "wide.yaml"
    spec.write_text(SPEC)
    launch = ("policy_rollout.cli", "launch", str(spec), "--json", "--no-wait")
    run = as_json(site.operator.run(*launch))["run"]
    until(
        lambda: site.kinds("wide").count("creation_intended") > 1,
        "the first batch of issues is on its way",
        WITHIN_SECONDS,
    )
    dying = site.host_of(run)

    dying.lose_power()

    assert state_of_run(run) == "running"
    until(lambda: state_of_run(run) == "paused", "the other machine took over", WITHIN_SECONDS)
    assert not dying.processes()
    assert marks(site) == ITEMS
    assert Counter(site.workbook.keys("Checklist")) == TICKS
    assert site.kinds("wide").count("launched") == 1


@pytest.mark.skipif(not FORKS, reason="forks on Linux alone")
def test_their_runs_were_forked(site):
    (left,) = (host for host in site.hosts if host.processes())
    fork_server = left.serves[0]
    until(fork_server.children, "a look of watch is forked", WITHIN_SECONDS)
    for host in site.hosts:
        assert (host.home / "fork-server.log").read_text() == ""
        assert "this run starts Python anew" not in (host.home / "worker.log").read_text()


def test_the_program_goes_on_there(site):
    state = site.state("wide")
    ops = site.sandbox.as_person(MEI)
    for key in ITEMS.keys() - {"wide/epic"}:
        ops.move(state.issues[key], "Done")

    until(
        lambda: SIGN_OFF in site.state("wide").issues, "its sign-off is asked for", WITHIN_SECONDS
    )

    assert marks(site) == ITEMS | {SIGN_OFF: 1}
