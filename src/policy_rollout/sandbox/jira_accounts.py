"""The accounts of the sandbox's Jira: people and the service account."""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from policy_rollout.sandbox.control import SERVICE_EMAIL
from policy_rollout.sandbox.jira_tables import accounts

SERVICE_NAME = "Policy rollout (service account)"
SITE_ZONE = "Asia/Singapore"
"""The zone of every account: times in answers carry its offset, +0800, not UTC."""


@dataclass(frozen=True, slots=True)
class Account:
    account_id: str
    email: str
    name: str
    hides_email: bool
    account_type: str
    active: bool
    zone: str

    def shown_to(self, viewer: "Account", site: str) -> dict[str, Any]:
        """The account as an answer carries it; a hidden mail address is shown to nobody else."""
        shown: dict[str, Any] = {
            "self": f"{site}/rest/api/3/user?accountId={quote(self.account_id, safe='')}",
            "accountId": self.account_id,
            "accountType": self.account_type,
            "displayName": self.name,
            "active": self.active,
            "timeZone": self.zone,
            "avatarUrls": {f"{size}x{size}": f"{site}/avatar/{size}" for size in (16, 24, 32, 48)},
        }
        if not self.hides_email or viewer.account_id == self.account_id:
            shown["emailAddress"] = self.email
        return shown


def account_id_for(email: str) -> str:
    """The same for the same mail address on every sandbox, in the shape of Atlassian's."""
    digest = hashlib.sha256(email.lower().encode()).hexdigest()
    parts = (digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])
    return f"712020:{'-'.join(parts)}"


def add_account(
    connection: Connection, email: str, name: str, *, hides_email: bool = False
) -> Account:
    """Add a person; one who is known already comes back active, with the new name if one is given.

    The name defaults to what stands before the @, in title case.
    """
    known = account_by_email(connection, email)
    shown = name or (known.name if known else _name_from(email))
    account = Account(
        account_id=account_id_for(email),
        email=email,
        name=shown,
        hides_email=hides_email,
        account_type="app" if email == SERVICE_EMAIL else "atlassian",
        active=True,
        zone=SITE_ZONE,
    )
    values = {field: getattr(account, field) for field in Account.__slots__}
    statement = insert(accounts).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=values))
    return account


def close_account(connection: Connection, email: str) -> bool:
    """Close an account; False where nobody has that mail address."""
    found = connection.execute(
        update(accounts).where(accounts.c.email == email).values(active=False)
    )
    return found.rowcount > 0


def account_by_email(connection: Connection, email: str) -> Account | None:
    rows = connection.execute(select(accounts).where(accounts.c.email == email)).mappings()
    row = rows.one_or_none()
    return None if row is None else Account(**row)


def all_accounts(connection: Connection) -> dict[str, Account]:
    """By account id, in the order of names; closed accounts too."""
    rows = connection.execute(select(accounts).order_by(accounts.c.name, accounts.c.email))
    return {row["account_id"]: Account(**row) for row in rows.mappings()}


def find_accounts(connection: Connection, query: str) -> list[Account]:
    """Active accounts a word of whose name, or whose visible mail address, starts with a query.

    See https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/
    """
    wanted = query.strip().lower()
    return [
        account
        for account in all_accounts(connection).values()
        if account.active and _matches(account, wanted)
    ]


def _matches(account: Account, wanted: str) -> bool:
    name = account.name.lower()
    in_name = name.startswith(wanted) or any(word.startswith(wanted) for word in name.split())
    return in_name or (not account.hides_email and account.email.lower().startswith(wanted))


def _name_from(email: str) -> str:
    return email.partition("@")[0].replace(".", " ").replace("-", " ").title()
