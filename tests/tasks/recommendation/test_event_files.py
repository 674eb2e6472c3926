from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogen.data.problems import Problem
from autogen.tasks.recommendation.event_files import EventFiles, read_events, read_interactions
from autogen.tasks.recommendation.interactions import Interactions

START = 1_700_000_000


def read(tmp_path: Path, text: str, columns: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    (tmp_path / "log.csv").write_text(text, "utf-8")
    return read_interactions(tmp_path, ["log.csv"], columns or {})


def test_events_come_in_order_of_time_and_ties_as_they_stood(tmp_path: Path) -> None:
    events, problems = read(tmp_path, "user,item,timestamp\nb,y,1700000020\na,x,1700000010\na,z,1700000010\n")
    assert not problems
    assert [(events.users[u], events.items[i]) for u, i in zip(events.user, events.item, strict=True)] == [
        ("a", "x"),
        ("a", "z"),
        ("b", "y"),
    ]
    assert events.time.tolist() == [START + 10, START + 10, START + 20]
    assert np.isnan(events.rating).all()


def test_ids_of_mixed_type_are_one_and_the_same(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        '{"user": 1, "item": "7", "timestamp": 1700000005}\n{"user": "1", "item": 7.0, "timestamp": 1700000006}\n',
        "utf-8",
    )
    events, problems = read_interactions(tmp_path, ["log.jsonl"], {})
    assert (events.users, events.items, len(events), problems) == (("1",), ("7",), 2, [])


def test_what_cannot_be_used_is_left_out_and_counted_by_its_kind(tmp_path: Path) -> None:
    rows = [
        "a,x,1700000001,3",
        "a,x,1700000001,3",
        ",x,1700000002,1",
        "a,y,soon,1",
        "a,y,then,1",
        "a,z,1700000003,good",
    ]
    text = "\n".join(["user,item,timestamp,rating", *rows, ""])
    events, problems = read(tmp_path, text)
    assert len(events) == 2
    assert {p.kind: p.message.rpartition("(")[2] for p in problems} == {
        "duplicate-event": "1 such rows)",
        "missing-value": "1 such rows)",
        "timestamp": "2 such rows)",
        "rating": "1 such rows)",
    }
    assert {p.severity for p in problems} == {"warning"}


def test_an_event_to_come_counts_as_of_the_last_that_has_been(tmp_path: Path) -> None:
    events, (problem,) = read(tmp_path, "user,item,timestamp\nb,y,4000000000\na,x,1700000000\nb,x,1600000000\n")
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
    (tmp_path / "log.jsonl").write_text('{"user": "a", "item": "x", "timestamp": 1700000001, "rating": NaN}\n', "utf-8")
    events, (problem,) = read_interactions(tmp_path, ["log.jsonl"], {})
    assert (len(events), problem.kind) == (1, "rating")


def test_a_file_without_a_usable_event_is_an_error(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "user,item,timestamp\na,x,soon\n")
    assert [p.kind for p in problems if p.severity == "error"] == ["no-events"]


def test_a_missing_column_is_an_error_with_the_line_to_write(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "user_id,item,timestamp\na,x,1700000001\n")
    assert 'columns = {user = "user_id"' in problems[0].fix
    events, problems = read(tmp_path, "user_id,item,timestamp\na,x,1700000001\n", {"user": "user_id"})
    assert (len(events), problems) == (1, [])


def log(times: list[object], rest: str = "") -> str:
    header = "user,item,timestamp" + (rest and ",rating")
    return header + "\n" + "".join(f"u{at},x{at},{time}{rest}\n" for at, time in enumerate(times))


def kinds(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.severity, problem.kind) for problem in problems]


def read_files(tmp_path: Path, text: str, *, join: bool = False, items: tuple[str, ...] = ()) -> EventFiles:
    (tmp_path / "log.csv").write_text(text, "utf-8")
    return read_events(tmp_path, ["log.csv"], {}, items, join)


def pairs(events: Interactions) -> list[tuple[str, str]]:
    return [(events.users[user], events.items[item]) for user, item in zip(events.user, events.item, strict=True)]


MOMENTS = [1_709_251_200 + 86_400 * day for day in range(6)]  # from 1 March 2024


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        ([f"{moment}000" for moment in MOMENTS], "Unix milliseconds"),
        ([f"{moment}000000" for moment in MOMENTS], "Unix microseconds"),
        ([f"{moment}000000000" for moment in MOMENTS], "Unix nanoseconds"),
        ([f"2024030{day}" for day in range(1, 7)], "YYYYMMDD"),
        ([f"2024030{day}000000" for day in range(1, 7)], "YYYYMMDDhhmmss"),
        ([f"{45352 + day}.0" for day in range(6)], "a spreadsheet's days"),
    ],
)
def test_a_column_of_times_is_read_in_its_unit_which_is_said(times: list[object], unit: str, tmp_path: Path) -> None:
    files = read_files(tmp_path, log(times))
    assert files.problems == []
    assert np.allclose(files.events.time, MOMENTS)
    assert len(files.notes) == 1 and unit in files.notes[0]


def test_seconds_and_iso_times_need_no_word(tmp_path: Path) -> None:
    files = read_files(tmp_path, log([*MOMENTS, "2024-03-09", "2024-03-10T00:00:00Z"]))
    assert (files.problems, files.notes) == ([], ())


def test_times_in_two_units_are_each_read_and_said(tmp_path: Path) -> None:
    files = read_files(tmp_path, log([*MOMENTS[:4], f"{MOMENTS[4]}000", f"{MOMENTS[5]}000"]))
    assert kinds(files.problems) == [("warning", "mixed-times")]
    assert "2 such rows" in files.problems[0].message
    assert files.events.time.tolist() == MOMENTS


@pytest.mark.parametrize("times", [list(range(100, 110)), [2020, 2021, 2022]])
def test_times_that_are_all_before_1990_are_an_error(times: list[object], tmp_path: Path) -> None:
    (problem,) = read_files(tmp_path, log(times)).problems
    assert (problem.severity, problem.kind) == ("error", "early-events")
    assert "1970-01-01" in problem.message


def test_times_that_are_mostly_to_come_are_an_error(tmp_path: Path) -> None:
    (problem,) = read_files(tmp_path, log([START, 4_000_000_000, 4_000_000_001])).problems
    assert (problem.severity, problem.kind) == ("error", "future-events")
    assert "2 of 3" in problem.message and "2096" in problem.message


@pytest.mark.parametrize("moment", [0, START])
def test_events_that_are_all_of_one_moment_are_a_warning(moment: int, tmp_path: Path) -> None:
    assert kinds(read_files(tmp_path, log([moment] * 10)).problems) == [("warning", "one-moment")]


def test_files_of_one_day_each_are_no_log_of_one_moment(tmp_path: Path) -> None:
    for day in (1, 2):
        (tmp_path / f"{day}.csv").write_text(log([f"2024030{day}"] * 6), "utf-8")
    files = read_events(tmp_path, ["1.csv", "2.csv"], {})
    assert files.problems == []
    assert len({*files.events.time}) == 2


@pytest.mark.parametrize("word", ["nan", "None", "NULL", "N/A", "-"])
def test_a_user_who_is_a_word_for_nothing_is_none(word: str, tmp_path: Path) -> None:
    text = f"user,item,timestamp\n{word},x,{START}\nann,x,{START + 1}\n{word},y,{START + 2}\n"
    files = read_files(tmp_path, text)
    assert files.events.users == ("ann",)
    assert kinds(files.problems) == [("warning", "no-user")]
    assert "2 such rows" in files.problems[0].message


def test_an_item_of_the_catalogue_may_be_called_as_nothing_is(tmp_path: Path) -> None:
    text = f"user,item,timestamp\nann,NA,{START}\nann,null,{START + 1}\nann,none,{START + 2}\n"
    files = read_files(tmp_path, text, items=("NA", "none"))
    assert pairs(files.events) == [("ann", "NA"), ("ann", "none")]
    assert kinds(files.problems) == [("warning", "no-item")]


def test_users_and_items_are_the_same_whatever_cannot_be_seen(tmp_path: Path) -> None:
    names = ["7", "7.0", " 7 ", "7\u200b", "\ufeff7"]
    rows = "".join(f"{name},{name},{START + at}\n" for at, name in enumerate(names))
    files = read_files(tmp_path, "user,item,timestamp\n" + rows)
    assert (files.events.users, files.events.items, files.problems) == (("7",), ("7",), [])
    assert [note.split(",")[0] for note in files.notes] == [
        "Names read as plain: 1 of users",
        "Names read as plain: 1 of items",
    ]


CASES = "".join(
    f"{user},{item},{START + at}\n"
    for at, (user, item) in enumerate([("Ann", "tea"), ("Ann", "mug"), ("ANN", "Tea"), ("bob", "TEA")])
)


def test_users_and_items_that_differ_in_case_alone_are_asked_about(tmp_path: Path) -> None:
    files = read_files(tmp_path, "user,item,timestamp\n" + CASES)
    assert kinds(files.problems) == [("warning", "similar-names")] * 2
    assert '"Ann" (2 events), "ANN" (1 events)' in files.problems[0].message
    assert "join_names = true" in files.problems[0].fix
    assert len(files.events.users) == 3


def test_users_and_items_that_differ_in_case_alone_are_joined_where_it_is_set(tmp_path: Path) -> None:
    files = read_files(tmp_path, "user,item,timestamp\n" + CASES, join=True, items=("Tea", "cup"))
    assert files.problems == []
    assert pairs(files.events) == [("Ann", "Tea"), ("Ann", "mug"), ("Ann", "Tea"), ("bob", "Tea")]
    assert files.events.items[:2] == ("Tea", "cup")


@pytest.mark.parametrize(
    "event", ["return", "Returned", "dislike", "thumbs_down", "remove_from_cart", "not interested"]
)
def test_an_event_that_turns_an_item_down_is_left_out_and_said(event: str, tmp_path: Path) -> None:
    text = f"user,item,timestamp,event\nann,tea,{START},purchase\nbob,mug,{START + 1},{event}\n"
    files = read_files(tmp_path, text)
    assert pairs(files.events) == [("ann", "tea")]
    assert kinds(files.problems) == [("warning", "dislike")]


@pytest.mark.parametrize("rating", ["-1", "thumbs_down", "dislike", "👎"])
def test_a_rating_that_turns_an_item_down_leaves_its_event_out(rating: str, tmp_path: Path) -> None:
    text = f"user,item,timestamp,rating\nann,tea,{START},1\nbob,mug,{START + 1},{rating}\n"
    files = read_files(tmp_path, text)
    assert pairs(files.events) == [("ann", "tea")]
    assert kinds(files.problems) == [("warning", "dislike")]


def test_what_was_only_shown_is_said_to_count_as_chosen(tmp_path: Path) -> None:
    text = f"user,item,timestamp,event\nann,tea,{START},click\nbob,mug,{START + 1},impression\n"
    files = read_files(tmp_path, text)
    assert len(files.events) == 2
    assert kinds(files.problems) == [("warning", "shown-event")]
