from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autogen.errors import StorageError, UnknownResponse, UsageError
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore, StoredResponse


def response(id: str, conversation_id: str = "c", **changes: object) -> StoredResponse:
    values: dict[str, object] = {
        "message": "where is my card",
        "text": "It is on its way.",
        "action": "answer",
        "intent": "card_arrival",
        "confidence": 0.93,
        "alternatives": (("card_arrival", 0.93), ("lost_card", 0.04)),
        "skill": "support",
        "version": "0001",
        "created_at": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    }
    return StoredResponse(id=id, conversation_id=conversation_id, **{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> ResponseStore:
    return ResponseStore(Database.open(tmp_path / "autogen.db"))


def test_a_response_reads_back_as_it_was(store: ResponseStore) -> None:
    declined = response("b", intent=None, alternatives=(), action="decline", confidence=0.1 + 0.2)
    store.add([response("a"), declined])
    assert store.get("a") == response("a")
    assert store.get("b") == declined


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    message=st.text(),
    confidence=st.floats(0, 1),
    alternatives=st.lists(st.tuples(st.text(), st.floats(0, 1))).map(tuple),
    created_at=st.datetimes(min_value=datetime(1900, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
)
def test_any_text_number_and_time_reads_back_exactly(
    store: ResponseStore,
    message: str,
    confidence: float,
    alternatives: tuple[tuple[str, float], ...],
    created_at: datetime,
) -> None:
    original = response(
        f"r{datetime.now(UTC).timestamp()}",
        message=message,
        confidence=confidence,
        alternatives=alternatives,
        created_at=created_at,
    )
    store.add([original])
    assert store.get(original.id) == original


def test_the_last_response_of_a_conversation_is_the_one_added_last(store: ResponseStore) -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    store.add([response("a", created_at=moment), response("b", "other")])
    store.add([response("c", created_at=moment - timedelta(seconds=5))])  # the clock went back
    last = store.last_of("c")
    assert last is not None and last.id == "c"


def test_what_a_skill_keeps_with_an_answer_reads_back_as_it_was(store: ResponseStore) -> None:
    log = {
        "propensities": [0.9 + 0.05 / 3, 1e-4],
        "asked": {"user": "Ä", "filters": [{"a": "year"}], "k": None},
    }
    rich = response("b", log=log, state={"slots": {"city": "Zürich"}}, details={"items": [{"item": "Ä", "score": 0.1}]})
    store.add([response("a"), rich, response("c", skill="other")])
    store.add([response("d", skill="other", log=log)])
    assert store.get("b") == rich
    assert (store.get("a").log, store.get("a").state, store.get("a").details) == (None, {}, {})
    assert [item.id for item in store.with_log("support")] == ["b"]


def test_a_new_conversation_has_no_last_response(store: ResponseStore) -> None:
    assert store.last_of("new") is None


def test_the_last_response_is_found_by_the_index(store: ResponseStore) -> None:
    with store._database.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {store._last._sql}", ("c", 1, 0)).all()
    assert [step[-1] for step in plan] == ["SEARCH responses USING INDEX responses_of_conversation (conversation_id=?)"]


def test_an_unknown_response_is_named(store: ResponseStore) -> None:
    with pytest.raises(UnknownResponse, match='"nobody"'):
        store.get("nobody")


def test_all_responses_are_kept_or_none(store: ResponseStore) -> None:
    store.add([response("a")])
    with pytest.raises(StorageError):
        store.add([response("b"), response("a")])
    with pytest.raises(UnknownResponse):
        store.get("b")


def test_nothing_to_add_is_no_error(store: ResponseStore) -> None:
    store.add([])


def test_a_time_of_another_zone_is_the_same_moment(store: ResponseStore) -> None:
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    store.add([response("a", created_at=moment)])
    assert store.get("a").created_at == moment


def test_a_time_without_a_zone_is_refused(store: ResponseStore) -> None:
    with pytest.raises(ValueError, match="time zone"):
        store.add([response("a", created_at=datetime(2026, 1, 31))])


def test_half_a_character_is_a_usage_error(store: ResponseStore) -> None:
    with pytest.raises(UsageError, match="valid Unicode"):
        store.add([response("a", message="\ud83d")])


def test_threads_add_and_read_at_once(store: ResponseStore) -> None:
    def converse(number: int) -> None:
        for turn in range(20):
            store.add([response(f"{number}-{turn}", f"c{number}")])
            last = store.last_of(f"c{number}")
            assert last is not None and last.id == f"{number}-{turn}"

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(converse, range(16)))


def test_responses_survive_a_killed_process(tmp_path: Path) -> None:
    script = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore, StoredResponse
store = ResponseStore(Database.open(Path(sys.argv[1])))
number = 0
while True:
    of = {"id": f"r{number}", "conversation_id": "c", "skill": "support", "version": "0001"}
    store.add([StoredResponse("hello", "answer", 0.5, message="hi", created_at=datetime.now(UTC), **of)])
    print(f"r{number}", flush=True)
    number += 1
"""
    path = tmp_path / "autogen.db"
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline().strip() for _ in range(100)]
        child.kill()
        acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
    store = ResponseStore(Database.open(path))
    assert [store.get(id).id for id in acknowledged] == acknowledged


def test_what_responses_offered_is_told_by_their_ids(store: ResponseStore) -> None:
    offers = [
        response(f"r{number}", f"c{number}", alternatives=((f"x{number}", 0.5), ("y", 0.1))) for number in range(3)
    ]
    store.add(offers)
    offered = store.offered({"r0", "r2", "unheard", *(f"more {number}" for number in range(1_200))})
    assert {name: (entry.conversation_id, entry.names) for name, entry in offered.items()} == {
        "r0": ("c0", {"x0", "y"}),
        "r2": ("c2", {"x2", "y"}),
    }
    assert store.offered(set()) == {}
