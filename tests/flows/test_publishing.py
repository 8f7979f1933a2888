"""What the Prefect UI shows of a program: one board, and one evidence for each gate."""

from uuid import UUID

from carried import RIMA, SIGN_OFF
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact


def shown(program) -> dict[str, Artifact]:
    """The artifacts of the program's run by key, each key once."""
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(program.run)]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=of_run)
    by_key = {str(each.key): each for each in found}
    assert len(by_key) == len(found)
    return by_key


def test_the_first_pass_shows_the_board_and_the_evidence_of_the_open_gate(program):
    program.go()

    artifacts = shown(program)
    assert sorted(artifacts) == ["board-demo", "evidence-demo-write"]
    assert artifacts["board-demo"].description.startswith("0 of 2 gates passed")
    assert artifacts["evidence-demo-write"].description == "Gate of stage write: work under way"


def test_board_and_evidence_stay_at_their_address_when_the_program_moves(program):
    program.go()
    before = shown(program)
    program.finish_work()

    program.go()

    after = shown(program)
    assert {key: each.id for key, each in after.items()} == {
        key: each.id for key, each in before.items()
    }
    assert after["evidence-demo-write"].description == "Gate of stage write: waits for policy"


def test_the_evidence_of_a_passed_gate_stays_as_it_was_when_it_passed(program):
    program.go()
    program.finish_work()
    program.go()
    program.person(RIMA).move(program.state.issues[SIGN_OFF], "Approved")
    program.go()
    passed = shown(program)["evidence-demo-write"]
    assert passed.description.startswith("Gate of stage write: passed")
    program.finish_work("launch")

    program.go()

    assert shown(program)["evidence-demo-write"].data == passed.data
