"""Programs for the tests of calendars, schedules and plans."""

from dataclasses import dataclass
from datetime import date

import yaml

from policy_rollout.schedule import Schedule, make_schedule
from policy_rollout.spec.model import Spec
from policy_rollout.work import WorkItem, expand

GAMBLING = """
program: gambling
title: Online gambling <with> digital goods & skins
policy:
  change: expansion
  markets: [US, GB, IE, JP, BR]
  languages: [en-US, es-419, pt-BR, ja-JP]
timeline:
  timezone: America/Los_Angeles
  announce: 2025-10-28 09:00
  effective: 2025-11-17 00:00
  freezes:
    thanksgiving: {from: 2025-11-26, to: 2025-11-30, stops: [review]}
people:
  policy:   {members: [r.haddad@example.com, t.osei@example.com], timezone: America/New_York}
  legal:    {members: [s.brandt@example.com], timezone: Europe/Dublin}
  ops:      {members: [m.tan@example.com], timezone: Asia/Singapore}
  training: {members: [k.ueda@example.com], timezone: Asia/Tokyo}
stages:
  define:
    due: -60d
    tasks:
      prevalence: {title: Measure the harm, team: policy, takes: 5bd}
      options:    {title: Write the options, team: policy, takes: 5bd, after: [prevalence]}
      memo:       {title: Legal memo, team: legal, takes: 5bd, after: [options]}
    gate:
      sign_off: {policy: 1, legal: 1}
  prepare:
    after: [define]
    due: -10d
    tasks:
      guideline: {title: Enforcement guideline, team: policy, takes: 8bd}
      label:     {title: Label in the review tool, team: ops, takes: 5bd, after: [guideline]}
    training:
      deck: {title: Reviewer deck, kind: deck, team: training, per: language, takes: 8bd}
      quiz: {title: Reviewer quiz, kind: quiz, team: training, per: language, takes: 3bd,
             after: [deck]}
    checklists:
      queue:
        team: ops
        per: market
        items: {routing: Route the items, wellbeing: Rotation agreed}
    gate:
      sign_off: {ops: 1}
  launch:
    after: [prepare]
    due: 0d
    tasks:
      switch: {title: Switch enforcement on, team: ops, takes: 1bd}
  review:
    after: [launch]
    due: 30d
    tasks:
      verdict: {title: Judge it, team: policy, takes: 5bd}
"""


@dataclass(frozen=True, slots=True)
class Planned:
    spec: Spec
    items: tuple[WorkItem, ...]
    schedule: Schedule

    def dates(self, short_key: str) -> tuple[str, str]:
        """Start and due day of `stage/item`, as people check them."""
        slot = self.schedule.slots[f"{self.spec.program}/{short_key}"]
        return (f"{slot.start_on:%a %Y-%m-%d}", f"{slot.due_on:%a %Y-%m-%d}")


def read(text: str) -> Spec:
    return Spec.model_validate(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506  builds only texts


def planned(text: str, today: str = "2025-08-01") -> Planned:
    spec = read(text)
    items = expand(spec)
    return Planned(spec, items, make_schedule(spec, items, today=date.fromisoformat(today)))


def small(stages: str, *, effective: str = "2025-11-17 00:00", timeline: str = "") -> str:
    """A program with the roles `team` (no holidays) and `tokyo` (Japan's); stages as flow YAML."""
    return f"""
program: p
policy: {{change: new, languages: [en-US, ja-JP], markets: [JP, BR]}}
timeline: {{timezone: UTC, effective: {effective}{timeline}}}
people:
  team: {{members: [a@example.com]}}
  tokyo: {{members: [b@example.com], holidays: JP, timezone: Asia/Tokyo}}
stages:
{stages}
"""
