"""The sandbox's workbooks and access tokens in its SQLite file."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Column, Connection, Engine, Float, MetaData, String, Table, Text, select

from policy_rollout.sandbox.database import reading, writing
from policy_rollout.sandbox.sheets_grid import Book, Sheet

WORKBOOK = "sandbox-workbook"
"""The id of the workbook that is there from the start."""

TOKEN_SECONDS = 3600
Result = TypeVar("Result")

_TABLES = MetaData()
_BOOKS = Table(
    "sheets_books",
    _TABLES,
    Column("id", String, primary_key=True),
    Column("state", Text, nullable=False),
)
_TOKENS = Table(
    "sheets_tokens",
    _TABLES,
    Column("token", String, primary_key=True),
    Column("expires_at", Float, nullable=False),
)
_BOOK: TypeAdapter[Book] = TypeAdapter(Book)


class BookUnknown(LookupError):
    """There is no workbook of that id."""


class Store:
    """Workbooks by id. A change sees the newest state and is saved whole, or not at all."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with writing(engine) as connection:
            _TABLES.create_all(connection)
            if _load(connection, WORKBOOK) is None:
                _save(connection, _new_book(WORKBOOK, "Policy rollouts"))

    def books(self) -> list[Book]:
        """All workbooks, the one changed last first."""
        with reading(self._engine) as connection:
            states = connection.scalars(select(_BOOKS.c.state)).all()
        books = [_BOOK.validate_json(state) for state in states]
        return sorted(books, key=lambda book: book.modified_at, reverse=True)

    def book(self, book_id: str) -> Book:
        with reading(self._engine) as connection:
            return _known(connection, book_id)

    def add(self, title: str) -> Book:
        book = _new_book(secrets.token_urlsafe(24), title)
        with writing(self._engine) as connection:
            _save(connection, book)
        return book

    def change(self, book_id: str, change: Callable[[Book], tuple[Book, Result]]) -> Result:
        """Save what `change` makes of a workbook; what it raises leaves the workbook as it was."""
        with self._changing(book_id) as (connection, book):
            changed, result = change(book)
            changed.modified_at = datetime.now(UTC)
            _save(connection, changed)
            return result

    @contextmanager
    def _changing(self, book_id: str) -> Iterator[tuple[Connection, Book]]:
        with writing(self._engine) as connection:
            yield connection, _known(connection, book_id)

    def issue_token(self) -> str:
        token = secrets.token_urlsafe(24)
        expires_at = datetime.now(UTC).timestamp() + TOKEN_SECONDS
        with writing(self._engine) as connection:
            connection.execute(_TOKENS.insert().values(token=token, expires_at=expires_at))
        return token

    def knows_token(self, token: str) -> bool:
        query = select(_TOKENS.c.expires_at).where(_TOKENS.c.token == token)
        with reading(self._engine) as connection:
            expires_at = connection.scalar(query)
        return expires_at is not None and expires_at > datetime.now(UTC).timestamp()


def _new_book(book_id: str, title: str) -> Book:
    return Book(book_id, title, modified_at=datetime.now(UTC), sheets=[Sheet(0, "Sheet1")])


def _known(connection: Connection, book_id: str) -> Book:
    book = _load(connection, book_id)
    if book is None:
        raise BookUnknown(book_id)
    return book


def _load(connection: Connection, book_id: str) -> Book | None:
    state = connection.scalar(select(_BOOKS.c.state).where(_BOOKS.c.id == book_id))
    return None if state is None else _BOOK.validate_json(state)


def _save(connection: Connection, book: Book) -> None:
    state = _BOOK.dump_json(book).decode()
    changed = connection.execute(_BOOKS.update().where(_BOOKS.c.id == book.id).values(state=state))
    if changed.rowcount == 0:
        connection.execute(_BOOKS.insert().values(id=book.id, state=state))
