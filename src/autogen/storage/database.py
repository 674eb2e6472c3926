"""The project's database: what was answered and what people said about it."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Self

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql.elements import ClauseElement

from autogen.errors import StorageError, UsageError
from autogen.storage.dialects import sqlite
from autogen.storage.files import explain_os_errors, file_lock, make_folder
from autogen.storage.migrations import migrate


class Database:
    """Transactions of two strengths on one database. Safe to share between threads.

    `fast` is for what may be lost with the power, not with the process: responses. `durable` is on disk when
    its block ends: feedback. Every failure of the database leaves a block as a `StorageError`.
    """

    def __init__(self, durable: Engine, fast: Engine, name: str) -> None:
        self.name = name
        self._durable = durable
        self._fast = fast
        self._reader = fast.execution_options(**sqlite.READ_ONLY)
        # Threads queue here, in turn, rather than in SQLite, which makes them sleep and try again.
        self._writing = Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the SQLite file at `path`, made or brought up to date as needed. Raises `StorageError`."""
        make_folder(path.parent)
        database = cls(sqlite.make_engine(path, "FULL"), sqlite.make_engine(path, "NORMAL"), str(path))
        try:
            # Two processes cannot set up one fresh file at once: SQLite tells one "locked" without waiting.
            with _setup_lock(path), database._explain_errors():
                migrate(database._durable)
        except StorageError:
            database.close()
            raise
        return database

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Open it as `open` does, or a copy where its folder may not be written: SQLite writes beside a database even
        to read it. The copy is removed with the object. Raises `StorageError`."""
        if os.access(path.parent, os.W_OK):
            return cls.open(path)
        folder = Path(tempfile.mkdtemp(prefix="autogen-"))
        try:
            for source in (path, path.with_name(f"{path.name}-wal")):  # the log holds what came last
                with explain_os_errors(source):
                    if source.exists():
                        shutil.copyfile(source, folder / source.name)
            database = cls.open(folder / path.name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(database, shutil.rmtree, folder, ignore_errors=True)
        return database

    @contextmanager
    def durable(self) -> Iterator[Connection]:
        """A write transaction that has reached the disk when the block ends."""
        with self._explain_errors(), self._writing, self._durable.begin() as connection:
            yield connection

    @contextmanager
    def erasing(self) -> Iterator[Connection]:
        """A durable transaction in which the bytes of what is deleted are overwritten; `empty_log` then drops its
        copies."""
        with self.durable() as connection:
            sqlite.overwrite_deleted(connection)
            yield connection

    def empty_log(self) -> bool:
        """Move all of the log into the database's file, and cut it off: False where somebody who reads prevents it."""
        with self._explain_errors(), self._writing:
            return sqlite.empty_log(self._durable)

    @contextmanager
    def fast(self) -> Iterator[Connection]:
        """A write transaction that survives a killed process (and power loss, once a durable one follows)."""
        with self._explain_errors(), self._writing, self._fast.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view of the database; never waits for a writer."""
        with self._explain_errors(), self._reader.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back all connections; the database may be used again afterwards."""
        self._durable.dispose()
        self._fast.dispose()

    def prepare(self, statement: ClauseElement) -> Prepared:
        """The statement, rendered once for this database."""
        return Prepared(statement, self._fast)

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError as error:
            raise UsageError(
                f"Text must be valid Unicode, but has a lone surrogate at character {error.start + 1}. "
                "Send the text as UTF-8."
            ) from error
        except (SQLAlchemyError, sqlite.DriverError) as error:
            # The driver's words only: SQLAlchemy's would show the statement and what people wrote.
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise StorageError(f"The database {self.name} refused: {cause}. {sqlite.advice(cause)}") from error


class Prepared:
    """A statement as text, for what every answer waits for: building it each time takes twice as long.

    Its types must be the driver's own (text, numbers): values are handed over as they are.
    """

    def __init__(self, statement: ClauseElement, engine: Engine) -> None:
        compiled = statement.compile(engine)
        self._sql = str(compiled)
        self._defaults = {name: value for name, value in compiled.params.items() if value is not None}
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)

    def run(self, connection: Connection, values: Mapping[str, object]) -> CursorResult[Any]:
        """Execute with these values, by parameter name."""
        values = {**self._defaults, **values}
        if self._order is None:  # a driver that takes parameters by name
            return connection.exec_driver_sql(self._sql, values)
        return connection.exec_driver_sql(self._sql, tuple([values[name] for name in self._order]))


def _setup_lock(path: Path) -> AbstractContextManager[None]:
    refusal = StorageError(
        f"Another process has been setting up the database {path} for {sqlite.WAIT_SECONDS} seconds. "
        "Stop that process and try again."
    )
    return file_lock(path.with_name(f"{path.name}.lock"), sqlite.WAIT_SECONDS, refusal)
