"""What a pass shows in the Prefect UI: the board, and the evidence of each waiting gate."""

from datetime import datetime

from prefect.artifacts import create_markdown_artifact

from policy_rollout.connections import links_of
from policy_rollout.decide import Decision
from policy_rollout.plan import Outline
from policy_rollout.report.board import board, evidence_of, headline
from policy_rollout.settings import Settings


def publish(settings: Settings, outline: Outline, decision: Decision, *, now: datetime) -> None:
    """Write a new version of each artifact; call it only when there is something new to show."""
    spec = outline.spec
    links = links_of(settings, spec)
    today = now.astimezone(spec.timeline.timezone).date()
    create_markdown_artifact(
        key=f"board-{spec.program}",
        markdown=board(outline, decision, links, today=today),
        description=headline(outline, decision.ahead),
    )
    for stage in decision.ahead.waiting_stages:
        create_markdown_artifact(
            key=f"evidence-{spec.program}-{stage}",
            markdown=evidence_of(outline, decision, stage, links),
            description=f"What the gate of stage {stage} waits for",
        )
