"""The append-only record of all that happened, in SQLite or PostgreSQL.

`entries` and `chain` are pure, so that a fold over entries imports no database; `store` is the
edge.
"""
