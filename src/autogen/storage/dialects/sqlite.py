"""All that is particular to SQLite: how connections are set up, and what its errors mean to a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event

WAIT_SECONDS = 10
"""How long a statement waits for another process's write before it gives up."""

READ_ONLY = {"autogen_begin": "DEFERRED"}
"""Execution options of an engine that only reads, and so never waits for a writer."""

DriverError = sqlite3.Error

_WHAT_TO_DO = {
    "SQLITE_FULL": "Free some space on that disk and try again.",
    "SQLITE_IOERR": "Check that the disk has space and is healthy, then try again.",
    "SQLITE_READONLY": "Give this user permission to write the file and its folder, or use another folder.",
    "SQLITE_CANTOPEN": "Check that the folder exists and that this user may write there.",
    "SQLITE_PERM": "Give this user permission to read and write the file and its folder.",
    "SQLITE_NOTADB": "Restore the file from a backup, or move it away to start with an empty one.",
    "SQLITE_CORRUPT": "Restore the file from a backup, or move it away to start with an empty one.",
    "SQLITE_BUSY": "Another process holds the database: wait until it is done, or stop it, and try again.",
}


def make_engine(path: Path, synchronous: Literal["FULL", "NORMAL"]) -> Engine:
    """Connections to the file at `path`. `FULL`: a commit survives power loss; `NORMAL`: a killed process."""
    engine = create_engine(URL.create("sqlite", database=str(path)))

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver's own guesses at BEGIN are switched off: see `begin`
        connection.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        if synchronous == "FULL":  # on macOS a plain fsync leaves the bytes in the drive's cache
            connection.execute("PRAGMA fullfsync = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: a read lock cannot be upgraded once another writer came first.
        mode = connection.get_execution_options().get("autogen_begin", "IMMEDIATE")
        connection.connection.cursor().execute(f"BEGIN {mode}")  # bare: SQLAlchemy's way takes 40 µs more

    return engine


def overwrite_deleted(connection: Connection) -> None:
    """From now on this connection writes zeros over what it deletes."""
    connection.exec_driver_sql("PRAGMA secure_delete = ON")


def empty_log(engine: Engine) -> bool:
    """Write the log back and truncate it; False where a reader holds on to it."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy
    finally:
        connection.close()


def advice(error: BaseException | None) -> str:
    """What a person can do about an error of the driver."""
    name = getattr(error, "sqlite_errorname", None) or ""
    primary = "_".join(name.split("_")[:2])  # SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR
    return _WHAT_TO_DO.get(primary, "Check that disk, then try again.")
