from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, inspect, select, text

from autogen.errors import StorageError, UsageError
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import FeedbackStore
from autogen.storage.database import Database
from autogen.storage.dialects.sqlite import make_engine
from autogen.storage.migrations import MIGRATIONS, migrate
from autogen.storage.responses import ResponseStore
from autogen.storage.schema import FEEDBACK, METADATA
from tests.servers import postgres_server

OPEN = """
import sys
from pathlib import Path
from autogen.storage.database import Database
from sqlalchemy import text
print("ready", flush=True)
sys.stdin.readline()
database = Database.open(Path(sys.argv[1]))
with database.fast() as connection:
    print(connection.execute(text("SELECT count(*) FROM schema_version")).scalar_one(), flush=True)
"""

WRITE = """
import sys
from pathlib import Path
from autogen.storage.database import Database
from sqlalchemy import text
database = Database.open(Path(sys.argv[1]))
for number in range(150):
    with (database.durable if number % 10 == 0 else database.fast)() as connection:
        last = connection.execute(text("SELECT max(n) FROM tally")).scalar_one()
        connection.execute(text("INSERT INTO tally VALUES (:n)"), {"n": last + 1})
"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database.open(tmp_path / "autogen.db")


def children(script: str, path: Path, count: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, str(path)]
    return [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]


def test_the_schema_is_what_the_migrations_made(database: Database) -> None:
    with database.reading() as connection:
        inspector = inspect(connection)
        assert set(inspector.get_table_names()) == {*METADATA.tables, "schema_version"}
        for name, table in METADATA.tables.items():
            keys = set(inspector.get_pk_constraint(name)["constrained_columns"])
            columns = {c["name"]: c["nullable"] or c["name"] in keys for c in inspector.get_columns(name)}
            assert columns == {c.name: bool(c.nullable or c.primary_key) for c in table.columns}
            assert {i["name"] for i in inspector.get_indexes(name)} == {i.name for i in table.indexes}
            assert len(inspector.get_foreign_keys(name)) == len(table.foreign_keys)


def test_durable_transactions_are_synced_and_fast_ones_are_not(database: Database) -> None:
    def pragmas(connection: object, *names: str) -> list[object]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]  # type: ignore[attr-defined]

    with database.durable() as connection:
        assert pragmas(connection, "synchronous", "journal_mode", "foreign_keys") == [2, "wal", 1]
    with database.fast() as connection:
        assert pragmas(connection, "synchronous", "journal_mode", "busy_timeout") == [1, "wal", 10_000]


def test_what_fails_inside_a_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.durable() as connection:
        connection.execute(text("INSERT INTO schema_version VALUES (99, '')"))
        raise RuntimeError
    with database.reading() as connection:
        assert connection.execute(text("SELECT max(version) FROM schema_version")).scalar_one() == len(MIGRATIONS)


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.durable() as writer:
        writer.execute(text("INSERT INTO schema_version VALUES (99, '')"))
        with database.reading() as reader:
            assert reader.execute(text("SELECT max(version) FROM schema_version")).scalar_one() == len(MIGRATIONS)


def test_processes_that_open_a_fresh_database_at_once_make_it_once(tmp_path: Path) -> None:
    opening = children(OPEN, tmp_path / "sub" / "autogen.db", 4)
    for child in opening:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    for child in opening:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in opening:
        out, err = child.communicate(timeout=30)
        assert (out.strip(), err, child.returncode) == (str(len(MIGRATIONS)), "", 0)


def test_two_processes_and_many_threads_write_without_meeting_a_lock(database: Database, tmp_path: Path) -> None:
    with database.durable() as connection:
        connection.execute(text("CREATE TABLE tally (n INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO tally VALUES (0)"))
    writing = children(WRITE, tmp_path / "autogen.db", 2)

    def write(_: int) -> None:
        with database.fast() as connection:
            last = connection.execute(text("SELECT max(n) FROM tally")).scalar_one()
            connection.execute(text("INSERT INTO tally VALUES (:n)"), {"n": last + 1})

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(write, range(200)))
    for child in writing:
        _, err = child.communicate(timeout=30)
        assert (err, child.returncode) == ("", 0)
    with database.reading() as connection:
        assert connection.execute(text("SELECT max(n) FROM tally")).scalar_one() == 500


def test_a_database_of_a_newer_version_is_refused_and_unchanged(database: Database, tmp_path: Path) -> None:
    with database.durable() as connection:
        connection.execute(text("INSERT INTO schema_version VALUES (99, '')"))
    with pytest.raises(StorageError, match=r"newer AutoGen.*99.*Upgrade"):
        Database.open(tmp_path / "autogen.db")


def test_a_later_migration_keeps_the_rows_and_is_applied_once(database: Database) -> None:
    with database.durable() as connection:
        row = {"id": "a", "message": "m", "trusted": True, "source": "cli", "created_at": ""}
        connection.execute(insert(FEEDBACK), row)
    later = (*MIGRATIONS, ("ALTER TABLE feedback ADD COLUMN mood TEXT", "UPDATE feedback SET mood = 'good'"))
    migrate(database._durable, later)
    migrate(database._durable, later)
    with database.reading() as connection:
        assert connection.execute(text("SELECT id, mood FROM feedback")).all() == [("a", "good")]


OLD_RESPONSE = (
    "INSERT INTO responses (id, conversation_id, message, text, action, confidence, alternatives, skill, version,"
    " created_at{more}) VALUES ('{id}', 'c', 'a comedy', 't', 'answer', 0.5, '[[\"c1\", 0.5], [\"c2\", 0.1]]', 's',"
    " '0001', '2026-01-31T09:30:00.000000+00:00'{values})"
)


def test_responses_of_earlier_versions_are_kept_and_their_conversations_go_on(tmp_path: Path) -> None:
    path = tmp_path / "autogen.db"
    engine = make_engine(path, "FULL")
    migrate(engine, MIGRATIONS[:2])
    with engine.begin() as connection:
        connection.exec_driver_sql(OLD_RESPONSE.format(id="first", more="", values=""))
    migrate(engine, MIGRATIONS[:3])
    exploration = ', \'{"propensities": [0.9, 0.05], "asked": {"count": 2}}\''
    with engine.begin() as connection:
        connection.exec_driver_sql(OLD_RESPONSE.format(id="explored", more=", exploration", values=exploration))
    engine.dispose()
    store = ResponseStore(Database.open(path))
    old, explored = store.get("first"), store.last_of("c")
    assert (old.message, old.log, old.details) == ("a comedy", None, {})
    assert old.state == {"question": "a comedy", "offered": ["c1", "c2"]}
    assert explored is not None and explored.log == {"propensities": [0.9, 0.05], "asked": {"count": 2}}
    new = replace(old, id="new", state={}, log=explored.log, details={"items": []})
    store.add([new])
    assert store.with_log("s") == [explored, new]


def test_nobody_vouches_for_the_users_of_feedback_that_was_kept_before_it_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "autogen.db"
    engine = make_engine(path, "FULL")
    migrate(engine, MIGRATIONS[:5])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'INSERT INTO feedback (id, message, label, "user", trusted, source, created_at) VALUES '
            "('fb-1', 'm', 'x', 'ann', FALSE, 'http', '2026-01-31T09:30:00.000000+00:00')"
        )
    engine.dispose()
    (feedback,) = FeedbackStore(Database.open(path)).all()
    assert (feedback.user, feedback.vouched) == ("ann", False)


def test_decisions_of_earlier_versions_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    path = tmp_path / "autogen.db"
    engine = make_engine(path, "FULL")
    migrate(engine, MIGRATIONS[:6])
    moment = "2026-01-31T09:{:02}:00.000000+00:00"
    with engine.begin() as connection:
        for number in range(3):
            connection.exec_driver_sql(
                "INSERT INTO feedback (id, message, label, trusted, source, created_at) VALUES "
                f"('fb-{number}', 'm', 'x', TRUE, 'cli', '{moment.format(10 * number)}')"
            )
        for number, minute in ((0, 15), (1, 12)):
            connection.exec_driver_sql(
                "INSERT INTO decisions (feedback_id, decision, decided_at) VALUES "
                f"('fb-{number}', 'accept', '{moment.format(minute)}')"
            )
    engine.dispose()
    decisions = FeedbackStore(Database.open(path)).decisions()
    assert [(name, item.number, item.feedback_until) for name, item in decisions.items()] == [
        ("fb-1", 1, 2),
        ("fb-0", 2, 2),
    ]


def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(database: Database) -> None:
    broken = (*MIGRATIONS, ("ALTER TABLE feedback ADD COLUMN mood TEXT", "NONSENSE"))
    with pytest.raises(Exception, match="NONSENSE"):
        migrate(database._durable, broken)
    migrate(database._durable)
    with database.reading() as connection:
        assert "mood" not in {column["name"] for column in inspect(connection).get_columns("feedback")}


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "autogen.db"
    path.write_bytes(b"text,label\n" * 1000)
    with pytest.raises(StorageError, match=r"autogen\.db refused: file is not a database\. Restore"):
        Database.open(path)
    assert path.read_bytes() == b"text,label\n" * 1000


def test_a_damaged_database_is_a_storage_error(database: Database, tmp_path: Path) -> None:
    with database.durable() as connection:
        rows = [
            {"id": str(n), "message": "m" * 500, "trusted": True, "source": "cli", "created_at": ""} for n in range(200)
        ]
        connection.execute(insert(FEEDBACK), rows)
    database.close()
    path = tmp_path / "autogen.db"
    data = bytearray(path.read_bytes())
    data[4096 * 8 :] = os.urandom(len(data) - 4096 * 8)
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"malformed.*backup"), database.reading() as connection:
        connection.execute(select(FEEDBACK)).all()


def test_a_folder_in_the_place_of_the_database_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "autogen.db").mkdir()
    with pytest.raises(StorageError, match="unable to open"):
        Database.open(tmp_path / "autogen.db")


def test_a_full_disk_is_a_storage_error_and_the_database_works_again_afterwards(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "autogen.db")
    row = {"message": "m" * 9000, "trusted": True, "source": "cli", "created_at": ""}

    def add(name: str) -> None:
        with database.durable() as connection:
            connection.execute(insert(FEEDBACK), [{**row, "id": f"{name}{n}"} for n in range(50)])

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StorageError, match=r"autogen\.db refused: .*(full|I/O error).*space"):
            add("a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    add("b")
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM feedback")).scalar_one() == 50


def test_errors_do_not_show_what_people_wrote(database: Database) -> None:
    row = {"id": "a", "message": "my secret", "trusted": True, "source": "cli", "created_at": ""}
    with pytest.raises(StorageError) as caught, database.durable() as connection:
        connection.execute(insert(FEEDBACK), [row, row])
    assert "UNIQUE" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_half_a_character_is_a_usage_error(database: Database) -> None:
    row = {"id": "a", "message": "\ud83d", "trusted": True, "source": "cli", "created_at": ""}
    with pytest.raises(UsageError, match="valid Unicode"), database.durable() as connection:
        connection.execute(insert(FEEDBACK), [row])


def test_a_lock_that_another_process_keeps_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autogen.storage.dialects.sqlite.WAIT_SECONDS", 0)
    impatient = Database.open(tmp_path / "autogen.db")
    other = sqlite3.connect(tmp_path / "autogen.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match=r"locked.*Another process"), impatient.fast():
        pass
    other.execute("ROLLBACK")
    with impatient.fast():
        pass


def test_responses_of_earlier_versions_are_read_in_postgresql_too(tmp_path: Path) -> None:
    with postgres_server(tmp_path) as url:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        migrate(engine, MIGRATIONS[:3])
        exploration = ', \'{"propensities": [0.9], "asked": {}}\''
        with engine.begin() as connection:
            connection.exec_driver_sql(OLD_RESPONSE.format(id="old", more=", exploration", values=exploration))
        migrate(engine)
        database = Database(engine, engine, "postgresql")
        store = ResponseStore(database)
        old = store.get("old")
        assert (old.state, old.log) == (
            {"question": "a comedy", "offered": ["c1", "c2"]},
            {"propensities": [0.9], "asked": {}},
        )
        new = replace(old, id="new", state={"slots": {"city": "Zürich"}}, log=None, details={"items": [{"item": "Ä"}]})
        store.add([new])
        assert store.last_of("c") == new
        assert store.with_log("s") == [old]
        feedback = FeedbackStore(database)
        recorded = feedback.record("new", trusted=True, source="cli", entities=[EntitySpan(0, 1, "x")])
        assert feedback.all() == [recorded]
        database.close()
