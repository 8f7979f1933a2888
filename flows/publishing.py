"""What a pass shows in the Prefect UI: the board, and the evidence of each gate.

Each is one artifact of the program's run, rewritten in place: its address stays, and the run's
list of artifacts stays short. The journal has what was shown before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)

from policy_rollout.connections import links_of
from policy_rollout.decide import Decision
from policy_rollout.outline import Outline
from policy_rollout.prefect_api import prefect_client
from policy_rollout.report.board import board, evidence_of, gate_words, headline
from policy_rollout.settings import Settings


@dataclass(frozen=True, slots=True)
class _Sheet:
    """An artifact to be: `is_final` ones are written once and then left as they are."""

    key: str
    markdown: str
    description: str
    is_final: bool = False


def publish(settings: Settings, outline: Outline, decision: Decision, *, now: datetime) -> None:
    """Show where the program stands; call it only when there is something new to show.

    Raises:
        PrefectUnavailable: the server could not be asked, or said no.
    """
    run = UUID(decision.ahead.run)
    sheets = tuple(_sheets(settings, outline, decision, now))
    ours = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[run]),
        key=ArtifactFilterKey(any_=[sheet.key for sheet in sheets]),
    )
    with prefect_client() as client:
        shown = {each.key: each for each in client.read_artifacts(artifact_filter=ours)}
        for sheet in sheets:
            before = shown.get(sheet.key)
            if before is None:
                client.create_artifact(
                    ArtifactCreate(
                        key=sheet.key,
                        type="markdown",
                        data=sheet.markdown,
                        description=sheet.description,
                        flow_run_id=run,
                    )
                )
            elif not (sheet.is_final and before.description == sheet.description):
                update = ArtifactUpdate(data=sheet.markdown, description=sheet.description)
                client.update_artifact(before.id, update)


def _sheets(
    settings: Settings, outline: Outline, decision: Decision, now: datetime
) -> Iterator[_Sheet]:
    spec, state = outline.spec, decision.ahead
    links = links_of(settings, spec)
    today = now.astimezone(spec.timeline.timezone).date()
    yield _Sheet(
        f"board-{spec.program}",
        board(outline, decision, links, today=today),
        headline(outline, state),
    )
    for stage in state.gates:
        yield _Sheet(
            f"evidence-{spec.program}-{state.first_stage(stage)}",
            evidence_of(outline, decision, stage, links),
            f"Gate of stage {stage}: {gate_words(outline, state, stage)}",
            is_final=state.passed(stage),
        )
