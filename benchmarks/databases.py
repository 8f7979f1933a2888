"""A PostgreSQL of our own for the length of a benchmark."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql() -> Iterator[str]:
    """The URI of an empty database, reached over a socket in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as a user of its own where we are root
        runtime, data = Path(folder) / "runtime", Path(folder) / "data"
        runtime.mkdir(mode=0o700)
        # The package looks for this folder while it is imported, and warns where there is none.
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        from pgserver import get_server  # noqa: PLC0415  see the line above

        with get_server(data) as server:
            yield server.get_uri()
