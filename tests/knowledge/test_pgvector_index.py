"""The index in PostgreSQL, on a real server with pgvector, beside the embedded one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autogen.errors import ConfigError, StorageError, VersionDamaged
from autogen.knowledge.pgvector_index import COMPARED, PgVectorIndex, checked_url, require_psycopg
from tests.knowledge.test_vector_index import recall, vectors_of
from tests.servers import postgres_server

ITEMS = COMPARED + 5_000
VECTORS = vectors_of(ITEMS, 0).astype(np.float16)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as address:
        yield address


@pytest.fixture(scope="module")
def index(url: str) -> Iterator[PgVectorIndex]:
    built_index = PgVectorIndex.build(VECTORS, url)
    yield built_index
    built_index.close()


def test_nearly_all_of_the_nearest_are_found_best_first(index: PgVectorIndex) -> None:
    assert recall(index, VECTORS, None) > 0.95
    query = vectors_of(1, 1)[0]
    assert (np.diff(VECTORS[index.search(query, 20)].astype(np.float32) @ query) <= 1e-3).all()


@pytest.mark.parametrize("share", [0.9, 0.3])
def test_filters_find_what_the_embedded_index_finds(index: PgVectorIndex, share: float) -> None:
    passing = np.random.default_rng(3).random(ITEMS) < share
    assert recall(index, VECTORS, passing) > (0.95 if passing.sum() > COMPARED else 0.995)
    assert passing[index.search(vectors_of(1, 2)[0], 50, passing)].all()
    assert len(index.search(vectors_of(1, 2)[0], 50, np.zeros(ITEMS, bool))) == 0


def test_the_same_vectors_are_written_once(index: PgVectorIndex, url: str) -> None:
    second = PgVectorIndex.build(VECTORS, url)
    assert second.table == index.table
    second.close()
    with require_psycopg().connect(url) as connection:
        assert connection.execute(f"SELECT count(*) FROM {index.table}").fetchone() == (ITEMS,)


def test_a_connection_that_broke_is_made_anew(index: PgVectorIndex, url: str) -> None:
    places = index.search(vectors_of(1, 2)[0], 5).tolist()
    with require_psycopg().connect(url, autocommit=True) as connection:
        others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    assert index.search(vectors_of(1, 2)[0], 5).tolist() == places


def test_a_write_that_fails_leaves_nothing(url: str) -> None:
    broken = VECTORS[:50].copy()
    broken[7] = np.nan
    with pytest.raises(StorageError, match="refused"):
        PgVectorIndex.build(broken, url)
    with require_psycopg().connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'autogen%'").fetchall()
    assert len(tables) == 1


def test_a_server_that_is_not_there_is_said_without_secrets(tmp_path: Path) -> None:
    index = PgVectorIndex(f"postgresql://someone@/shop?host={tmp_path}", "autogen_vectors_0123456789abcdef")
    with pytest.raises(StorageError, match="cannot be asked"):
        index.search(vectors_of(1, 2)[0], 5)
    with pytest.raises(StorageError, match="away a moment ago"):
        index.search(vectors_of(1, 2)[0], 5)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/shop",
        "host=here password=secret dbname=shop",
        "postgresql://me:secret@host/shop",
        "postgresql://me@host/shop?password=secret",
        "postgresql://host/shop?sslpassword=secret",
        "postgresql://[::1/shop",
    ],
)
def test_an_address_that_will_not_do_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        checked_url(url)
    assert "secret" not in str(refused.value)
    assert checked_url("postgresql://me@host/shop") == "postgresql://me@host/shop"


def test_a_table_of_another_name_is_refused() -> None:
    with pytest.raises(VersionDamaged):
        PgVectorIndex("postgresql://host/shop", "users; DROP TABLE users")
