"""The people of a program doing their work in a sandbox, at a visible pace. Talks HTTP.

They see what real people see: issues in Jira, each with their own account, and rows in the
workbook. One of them rejects a gate once, so that the rework can be watched.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from policy_rollout.gates import missing_sign_offs
from policy_rollout.program import ProgramState
from policy_rollout.sandbox.control import Sandbox
from policy_rollout.sandbox.sheets_control import WorkbookEditor
from policy_rollout.signers import bench
from policy_rollout.spec.model import Spec
from policy_rollout.work import Kind, State, WorkItem, expand

COMPLETED = "Completed %"
_NEXT_STATUS = {"To Do": "In Progress", "In Progress": "Done", "Blocked": "In Progress"}


@dataclass(slots=True)
class PeopleAtWork:
    """The people of one program.

    `rejects_at` names the stage whose first sign-off is a rejection; `say` hears what they do.
    """

    sandbox: Sandbox
    workbook: WorkbookEditor
    spec: Spec
    rejects_at: str
    say: Callable[[str], None]
    has_rejected: bool = False
    _noted: set[str] = field(default_factory=set)

    def act(self, state: ProgramState) -> None:
        """Everybody who can do something now does the next small thing."""
        items = expand(self.spec, state.renamed)
        for stage in state.waiting_stages:
            for item in items:
                if item.stage == stage and self._may_start(item, state):
                    self._do(item, state)
            self._sign(stage, state, [item for item in items if item.stage == stage])

    def _may_start(self, item: WorkItem, state: ProgramState) -> bool:
        return all(state.of(key).state is State.DONE for key in item.after)

    def _do(self, item: WorkItem, state: ProgramState) -> None:
        if item.kind is Kind.TASK and item.key in state.issues:
            self._do_issue(item, state.issues[item.key])
        elif item.kind is not Kind.TASK and item.key in state.rows:
            self._do_row(item, sent_back=item.key in state.sent_back)

    def _do_issue(self, item: WorkItem, issue_key: str) -> None:
        person = self.sandbox.as_person(item.assignee)
        status = person.issue(issue_key)["fields"]["status"]["name"]
        if status in _NEXT_STATUS:
            person.move(issue_key, _NEXT_STATUS[status])
            self.say(f"{item.assignee} moves {issue_key} to {_NEXT_STATUS[status]}")

    def _do_row(self, item: WorkItem, *, sent_back: bool) -> None:
        cells = self.workbook.cells(item.key)
        name = item.short
        if cells["Status"] == "To do":
            self.workbook.write(item.key, Status="In progress")
            self.say(f"{item.assignee} starts {name} in the workbook")
        elif cells["Status"] == "In progress":
            done = {"Status": "Done"} | ({COMPLETED: "100"} if COMPLETED in cells else {})
            self.workbook.write_cells(item.key, done)
            self.say(f"{item.assignee} ticks {name} in the workbook")
        elif sent_back and item.key not in self._noted:
            self._noted.add(item.key)
            self.workbook.write(item.key, Notes="Done again")
            self.say(f"{item.assignee} does {name} again")

    def _sign(self, stage: str, state: ProgramState, items: list[WorkItem]) -> None:
        gate = state.gates[stage]
        for role in self.spec.stages[stage].gate.sign_off:
            issue_key = state.issues.get(state.sign_off_key(stage, role))
            asked = gate.asked.get(role)
            if issue_key is None or asked is None or asked.digest != gate.digest:
                continue
            able = bench(self.spec, state, stage, items, gate.digest).waited_for(role)
            status = self.sandbox.as_person(able[0]).issue(issue_key) if able else None
            if status is None or status["fields"]["status"]["name"] != "To Do":
                continue
            if role in missing_sign_offs(self.spec, stage, gate, gate.digest):
                self._decide(stage, role, able[0], issue_key, items)

    def _decide(
        self, stage: str, role: str, name: str, issue_key: str, items: list[WorkItem]
    ) -> None:
        person = self.sandbox.as_person(name)
        if stage == self.rejects_at and not self.has_rejected:
            self.has_rejected = True
            back = items[0].short
            person.comment(issue_key, f"One example contradicts the rule. Reopen: {back}")
            person.move(issue_key, "Rejected")
            self.say(f"{name} rejects {stage} for {role} in {issue_key} and sends {back} back")
            return
        person.move(issue_key, "Approved")
        self.say(f"{name} approves {stage} for {role} in {issue_key}")
