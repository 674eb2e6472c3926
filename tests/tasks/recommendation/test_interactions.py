from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from autogen.tasks.recommendation.interactions import interactions_of, read_interactions, seconds_of_timestamp


def read(tmp_path: Path, text: str, columns: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    (tmp_path / "log.csv").write_text(text, "utf-8")
    return read_interactions(tmp_path, ["log.csv"], columns or {})


def test_events_come_in_order_of_time_and_ties_as_they_stood(tmp_path: Path) -> None:
    events, problems = read(tmp_path, "user,item,timestamp\nb,y,20\na,x,10\na,z,10\n")
    assert not problems
    assert [(events.users[u], events.items[i]) for u, i in zip(events.user, events.item, strict=True)] == [
        ("a", "x"),
        ("a", "z"),
        ("b", "y"),
    ]
    assert events.time.tolist() == [10, 10, 20]
    assert np.isnan(events.rating).all()


def test_ids_of_mixed_type_are_one_and_the_same(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        '{"user": 1, "item": "7", "timestamp": 5}\n{"user": "1", "item": 7.0, "timestamp": 6}\n', "utf-8"
    )
    events, problems = read_interactions(tmp_path, ["log.jsonl"], {})
    assert (events.users, events.items, len(events), problems) == (("1",), ("7",), 2, [])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (5, 5.0),
        ("5.5", 5.5),
        (1_700_000_000_000, 1_700_000_000.0),  # milliseconds
        ("2024-01-02", datetime(2024, 1, 2, tzinfo=UTC).timestamp()),
        ("2024-01-02T03:04:05+01:00", datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC).timestamp()),
        ("yesterday", None),
        (-1, None),
        (None, None),
        (True, None),
        ("nan", None),
    ],
)
def test_a_time_is_seconds_milliseconds_or_iso(value: object, seconds: float | None) -> None:
    assert seconds_of_timestamp(value) == seconds


def test_what_cannot_be_used_is_left_out_and_counted_by_its_kind(tmp_path: Path) -> None:
    text = "user,item,timestamp,rating\na,x,1,3\na,x,1,3\n,x,2,1\na,y,soon,1\na,y,then,1\na,z,3,good\n"
    events, problems = read(tmp_path, text)
    assert len(events) == 2
    assert {p.kind: p.message.rpartition("(")[2] for p in problems} == {
        "duplicate-event": "1 such rows)",
        "missing-value": "1 such rows)",
        "timestamp": "2 such rows)",
        "rating": "1 such rows)",
    }
    assert {p.severity for p in problems} == {"warning"}


def test_events_to_come_count_as_of_now(tmp_path: Path) -> None:
    events, (problem,) = read(tmp_path, "user,item,timestamp\na,x,99999999999\n")
    assert problem.kind == "future-event"
    assert abs(events.time[0] - time.time()) < 60


def test_an_event_to_come_counts_as_of_the_last_that_has_been(tmp_path: Path) -> None:
    events, (problem,) = read(tmp_path, "user,item,timestamp\nb,y,99999999999\na,x,1700000000\nb,x,1600000000\n")
    assert events.time.tolist() == [1_600_000_000, 1_700_000_000, 1_700_000_000]
    assert (problem.kind, problem.row) == ("future-event", 2)
    assert "(1 such rows)" in problem.message and "as of the last event before" in problem.fix


def test_an_event_years_after_all_others_counts_as_of_the_last_of_those(tmp_path: Path) -> None:
    lines = [f"u{at},x{at},{1_300_000_000 + at}" for at in range(199)]
    events, (problem,) = read(tmp_path, "\n".join(["user,item,timestamp", "b,y,1700000000", *lines]) + "\n")
    assert events.time[-1] == 1_300_000_198
    assert len(events) == 200
    assert (problem.kind, problem.row) == ("late-event", 2)
    assert "2023-11-14 (1 such rows)" in problem.message


def test_a_log_that_goes_on_after_a_pause_is_left_as_it_is(tmp_path: Path) -> None:
    early = [f"u{at},x{at},{1_300_000_000 + at}" for at in range(100)]
    late = [f"u{at},x{at},{1_700_000_000 + at}" for at in range(20)]
    events, problems = read(tmp_path, "\n".join(["user,item,timestamp", *early, *late]) + "\n")
    assert (events.time[-1], problems) == (1_700_000_019, [])


def test_a_rating_that_is_no_number_does_not_lose_the_event(tmp_path: Path) -> None:
    events, problems = read_interactions(tmp_path, [], {})
    assert (len(events), problems) == (0, [])
    (tmp_path / "log.jsonl").write_text('{"user": "a", "item": "x", "timestamp": 1, "rating": NaN}\n', "utf-8")
    events, (problem,) = read_interactions(tmp_path, ["log.jsonl"], {})
    assert (len(events), problem.kind) == (1, "rating")


def test_a_file_without_a_usable_event_is_an_error(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "user,item,timestamp\na,x,soon\n")
    assert [p.kind for p in problems if p.severity == "error"] == ["no-events"]


def test_a_missing_column_is_an_error_with_the_line_to_write(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "user_id,item,timestamp\na,x,1\n")
    assert 'columns = {user = "user_id"' in problems[0].fix
    events, problems = read(tmp_path, "user_id,item,timestamp\na,x,1\n", {"user": "user_id"})
    assert (len(events), problems) == (1, [])


def test_known_items_keep_their_places() -> None:
    events = interactions_of([("u", "b", 1.0, 5.0), ("u", "new", 2.0, 5.0)], items=["a", "b"])
    assert events.items == ("a", "b", "new")
    assert events.item.tolist() == [1, 2]
