"""The nearest of many vectors in PostgreSQL, with pgvector's HNSW graph (Malkov & Yashunin 2018, arXiv 1603.09320): for
catalogues that have outgrown one machine's files. It answers what `VectorIndex` answers."""

from __future__ import annotations

import hashlib
import math
import re
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from autogen.errors import ConfigError, MissingDependency, StorageError, VersionDamaged
from autogen.installation import install_extra
from autogen.knowledge.half_precision import as_float32
from autogen.knowledge.vector_index import Mask, Places, Vectors

LOOKED_AT = 400  # entries of the graph that a search keeps at least (hnsw.ef_search; 1,000 is the most there can be)
MOST_LOOKED_AT = 1_000
COMPARED = 20_000  # passing a filter: these are compared one by one
BLOCK = 10_000
EXPECTED = '"embedded" or an address such as postgresql://host/database'
PATIENCE = 3  # seconds to wait for a connection
AWAY = 30.0  # seconds for which a server that did not answer is not asked again


class PgVectorIndex:
    """Vectors in a table of their own, named by what they are: versions whose items say the same share it. Safe to use
    from several threads."""

    def __init__(self, url: str, table: str) -> None:
        """Nothing is asked of the server yet. `url`: as in `checked_url`. Raises VersionDamaged for a table that is
        none of ours."""
        if not re.fullmatch(r"autogen_vectors_[0-9a-f]{16}", table):
            raise VersionDamaged(f"expected a table of vectors, found {table!r}.")
        self._url, self._table = url, table
        self._connection: Any = None
        self._away_until = -math.inf
        self._guard = threading.Lock()

    @classmethod
    def build(cls, vectors: Vectors, url: str) -> PgVectorIndex:
        """Write the vectors and their index, all or nothing, unless they are there. Raises MissingDependency,
        StorageError."""
        index = cls(url, f"autogen_vectors_{_digest(vectors)}")
        with index._guard:
            index._run(index._fill, vectors)
        return index

    @property
    def table(self) -> str:
        return self._table

    def search(self, query: NDArray[np.float32], count: int, passing: Mask | None = None) -> Places:
        """The places of the `count` best by inner product, best first; fewer where fewer are found. `passing`: only
        these. Raises MissingDependency, StorageError."""
        with self._guard:
            places: Places = self._run(self._find, query, count, passing)
        return places

    def close(self) -> None:
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, operation: Any, *arguments: Any) -> Any:
        """Asks, on a new connection where the last one has broken. Who was away a moment ago is not waited for."""
        psycopg = require_psycopg()
        if time.monotonic() < self._away_until:
            raise StorageError(f"PostgreSQL at {_place(self._url)} was away a moment ago.")
        was_connected = self._connection is not None and not self._connection.closed
        try:
            return self._run_once(operation, *arguments)
        except psycopg.OperationalError as error:
            self._connection = None
            if was_connected:
                return self._run(operation, *arguments)
            self._away_until = time.monotonic() + AWAY
            raise StorageError(f"PostgreSQL at {_place(self._url)} cannot be asked: {_one_line(error)}") from error
        except psycopg.Error as error:
            raise StorageError(f"PostgreSQL at {_place(self._url)} refused: {_one_line(error)}") from error

    def _run_once(self, operation: Any, *arguments: Any) -> Any:
        if self._connection is None or self._connection.closed:
            self._connection = require_psycopg().connect(self._url, connect_timeout=PATIENCE)
        with self._connection.transaction():
            return operation(self._connection, *arguments)

    def _fill(self, connection: Any, vectors: Vectors) -> None:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        if connection.execute("SELECT to_regclass(%s)", [self._table]).fetchone()[0] is not None:
            return
        width = vectors.shape[1]
        connection.execute(f"CREATE TABLE {self._table} (place integer PRIMARY KEY, vector halfvec({width}) NOT NULL)")
        with connection.cursor().copy(f"COPY {self._table} (place, vector) FROM STDIN") as rows:
            for start in range(0, len(vectors), BLOCK):
                for at, vector in enumerate(as_float32(vectors[start : start + BLOCK]), start=start):
                    rows.write_row((at, _vector_text(vector)))
        connection.execute(f"CREATE INDEX ON {self._table} USING hnsw (vector halfvec_ip_ops)")

    def _find(self, connection: Any, query: NDArray[np.float32], count: int, passing: Mask | None) -> Places:
        connection.execute(f"SET LOCAL hnsw.ef_search = {min(max(LOOKED_AT, count), MOST_LOOKED_AT)}")
        connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
        condition, parameters = "TRUE", list[object]()
        if passing is not None and passing.sum() <= max(COMPARED, count):
            connection.execute("SET LOCAL enable_indexscan = off")  # not the graph: these are compared one by one
            condition, parameters = "place = ANY(%s)", [np.flatnonzero(passing).tolist()]
        elif passing is not None:
            condition, parameters = "get_bit(%s, place) = 1", [np.packbits(passing, bitorder="little").tobytes()]
        rows = connection.execute(
            f"SELECT place FROM {self._table} WHERE {condition} ORDER BY vector <#> %s::halfvec LIMIT %s",
            [*parameters, _vector_text(query), count],
        )
        return np.array([place for (place,) in rows], np.int64)


def checked_url(url: str) -> str:
    """A `postgresql://` address without a password, which would be kept with every version. Raises ConfigError, which
    does not repeat the address."""
    try:
        parts = urlsplit(url)
        secret = parts.password or {*parse_qs(parts.query)} & {"password", "sslpassword"}
    except ValueError:
        raise ConfigError(f"index: expected {EXPECTED}, found one that cannot be read.") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise ConfigError(f"index: expected {EXPECTED}, found something else.")
    if secret:
        raise ConfigError("index: expected an address without a password: put it into PGPASSWORD or ~/.pgpass.")
    return url


def require_server(url: str) -> None:
    """Raises ConfigError, MissingDependency, StorageError where vectors could not be kept there."""
    index = PgVectorIndex(checked_url(url), f"autogen_vectors_{'0' * 16}")
    with index._guard:
        index._run(lambda connection: connection.execute("CREATE EXTENSION IF NOT EXISTS vector"))
    index.close()


def require_psycopg() -> Any:
    """The library. Raises MissingDependency."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingDependency(f"An index in PostgreSQL needs psycopg: {install_extra('postgres')}.") from error
    return psycopg


def _digest(vectors: Vectors) -> str:
    digest = hashlib.sha256(str(vectors.shape).encode())
    for start in range(0, len(vectors), BLOCK):
        digest.update(np.ascontiguousarray(vectors[start : start + BLOCK]).tobytes())
    return digest.hexdigest()[:16]


def _vector_text(vector: NDArray[np.float32]) -> str:
    return f"[{','.join(map(str, vector.tolist()))}]"


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}{parts.path}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
