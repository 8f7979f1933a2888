"""Attempts of somebody who can write the journal's database: the audit names what was touched."""

import json
from dataclasses import replace

import pytest
from gate_under_attack import LEGAL, POLICY, STRANGER, Gate, account_of, one_short

from policy_rollout import events as ev
from policy_rollout.audit import audit
from policy_rollout.journal.chain import GENESIS, StoredEntry, canonical_json, link
from policy_rollout.journal.entries import Event as Written
from policy_rollout.program import Recorded


def stored(journal: list[Recorded]) -> list[StoredEntry]:
    """Entries numbered and chained, as the journal does and as whoever can write it could."""
    chained: list[StoredEntry] = []
    previous_hash = GENESIS
    for sequence, record in enumerate(journal, start=1):
        written = Written(record.event.kind, ev.body_of(record.event), record.actor)
        entry = link(
            written, program="demo", sequence=sequence, at=record.at, previous_hash=previous_hash
        )
        chained.append(entry)
        previous_hash = entry.hash
    return chained


def findings(entries: list[StoredEntry]) -> list[str]:
    return [str(each) for each in audit("demo", entries).findings]


def signed(gate: Gate, **changes: object) -> ev.SignedOff:
    return ev.SignedOff(
        stage="prepare",
        round=1,
        role="legal",
        person=LEGAL,
        account=account_of(LEGAL),
        digest=gate.state.gates["prepare"].digest or "",
        history_id="9999",
        at=gate.now,
    ).model_copy(update=changes)


def passed(gate: Gate) -> ev.GatePassed:
    digest = gate.state.gates["prepare"].digest or ""
    return ev.GatePassed(stage="prepare", round=1, digest=digest)


def code(gate: Gate, mark: str) -> ev.CodeGiven:
    return ev.CodeGiven(
        stage="prepare",
        role="legal",
        person=LEGAL,
        action="approve",
        text="",
        digest=gate.state.gates["prepare"].digest or "",
        mark=mark,
        at=gate.now,
    )


@pytest.fixture
def gate() -> Gate:
    """The gate lacks legal's signature; a stranger's attempt was refused."""
    waiting = one_short()
    waiting.moves(STRANGER)
    waiting.look()
    return waiting


def test_the_journal_that_these_attacks_begin_with_is_whole(gate):
    assert findings(stored(gate.journal)) == []


def test_a_refusal_that_was_turned_into_a_sign_off_shows(gate):
    entries = stored(gate.journal)
    place = next(i for i, each in enumerate(entries) if each.kind == "sign_off_refused")
    entries[place] = replace(
        entries[place],
        kind="signed_off",
        body=canonical_json(ev.body_of(signed(gate))),
    )
    assert f"entry {place + 1}: it was changed after it was written" in findings(entries)


def test_a_refusal_that_was_taken_out_shows(gate):
    entries = stored(gate.journal)
    place = next(i for i, each in enumerate(entries) if each.kind == "sign_off_refused")
    del entries[place]
    assert findings(entries)[0] == (
        f"entry {place + 1}: it is missing; the next one found is {place + 2}"
    )


def test_a_refusal_with_another_reason_shows(gate):
    entries = stored(gate.journal)
    place = next(i for i, each in enumerate(entries) if each.kind == "sign_off_refused")
    body = json.loads(entries[place].body) | {"why": "it was a mistake"}
    entries[place] = replace(entries[place], body=canonical_json(body))
    assert findings(entries) == [f"entry {place + 1}: it was changed after it was written"]


def test_a_gate_that_was_written_as_passed_shows_what_it_lacks(gate):
    gate.write(passed(gate))
    last = len(gate.journal)
    assert findings(stored(gate.journal)) == [
        f"entry {last}, gate prepare: it lacked 1 sign-off for legal that count"
    ]


def test_a_sign_off_written_for_another_account_shows(gate):
    gate.write(signed(gate, account=account_of(STRANGER)), passed(gate))
    found = findings(stored(gate.journal))
    assert found[0].endswith(f"the account 'acc:stranger' is not the one resolved for {LEGAL}")
    assert found[1].endswith("it lacked 1 sign-off for legal that count")


def test_a_sign_off_by_a_code_that_nobody_gave_shows(gate):
    gate.write(signed(gate, via=ev.Via.CODE, history_id="code:1"), passed(gate))
    found = findings(stored(gate.journal))
    assert found[0].endswith(f"no entry before says that {LEGAL} gave the code 'code:1'")
    assert found[1].endswith("it lacked 1 sign-off for legal that count")


def test_a_sign_off_on_another_digest_shows(gate):
    gate.write(signed(gate, digest="0" * 64), passed(gate))
    found = findings(stored(gate.journal))
    assert any("it is on digest 000000000000" in each for each in found)
    assert found[-1].endswith("it lacked 1 sign-off for legal that count")


def test_a_proof_used_for_a_second_sign_off_shows(gate):
    (given,) = gate.of_kind(ev.SignedOff)
    gate.write(signed(gate, history_id=given.history_id), passed(gate))
    found = findings(stored(gate.journal))
    assert f"its proof '{given.history_id}' was used before, in entry" in found[0]


def test_a_sign_off_written_for_who_signed_for_another_role_shows(gate):
    gate.write(signed(gate, person=POLICY, account=account_of(POLICY)), passed(gate))
    found = findings(stored(gate.journal))
    assert f"{POLICY} was not allowed to sign" in found[0]


def test_a_whole_history_written_anew_shows_by_the_head_that_was_kept_elsewhere_alone(gate):
    kept = audit("demo", stored(gate.journal))
    at = next(i for i, each in enumerate(gate.journal) if isinstance(each.event, ev.SignOffRefused))
    forged = [*gate.journal[:at]]
    for event in (code(gate, "code:1"), signed(gate, via=ev.Via.CODE, history_id="code:1")):
        forged.append(Recorded(len(forged) + 1, gate.now, "rollout", event))
    forged.append(Recorded(len(forged) + 1, gate.now, "rollout", passed(gate)))
    audited = audit("demo", stored(forged))
    assert audited.verified
    assert stored(forged)[: kept.last_sequence][-1].hash != kept.head


def test_an_end_that_was_cut_off_shows_by_the_head_that_was_kept_elsewhere_alone(gate):
    kept = audit("demo", stored(gate.journal))
    cut = audit("demo", stored(gate.journal)[:-2])
    assert cut.verified
    assert cut.last_sequence < kept.last_sequence
