from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autogen.errors import DataError, UsageError
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Decision, Feedback, FeedbackStore, new_id
from autogen.feedback.exchange import (
    COLUMNS,
    Format,
    ImportResult,
    export_feedback,
    feedback_as_text,
    import_feedback,
)
from autogen.storage.database import Database

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
WORDS = TEXT.filter(lambda text: bool(text.strip()))
NAME = WORDS.map(str.strip)
MOMENT = st.datetimes(min_value=datetime(1970, 1, 2)).map(lambda moment: moment.replace(tzinfo=UTC))
FEEDBACK = st.builds(
    Feedback,
    id=st.builds(new_id),
    response_id=st.none() | NAME,
    message=WORDS,
    skill=st.none() | NAME,
    version=st.none() | st.just("0007"),
    intent=st.none() | NAME,
    confidence=st.none() | st.floats(0, 1),
    rating=st.floats(0, 1),
    label=st.none() | NAME,
    answer=st.none() | WORDS,
    comment=st.none() | WORDS,
    user=st.none() | NAME,
    trusted=st.booleans(),
    source=st.sampled_from(["http", "python", "cli", "import", "clarification"]),
    created_at=MOMENT,
    action=st.none() | st.sampled_from(["answer", "clarify"]),
)
FEEDBACK = st.one_of(FEEDBACK, FEEDBACK.map(lambda item: replace(item, vouched=item.user is not None)))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def fresh(path: Path) -> FeedbackStore:
    return FeedbackStore(Database.open(path / new_id() / "autogen.db"))


def test_rows_of_text_and_label_are_the_owners_and_trusted(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label\nmy card is gone,lost_card\nwhat a day,oos\n")
    assert import_feedback(store, path) == ImportResult(2, 0)
    first, second = store.all()
    assert (first.message, first.label, first.trusted, first.source) == (
        "my card is gone",
        "lost_card",
        True,
        "import",
    )
    assert (first.response_id, first.intent, first.rating) == (None, None, None)
    assert second.label == "oos"


def test_rows_with_a_user_are_not_trusted(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label,user\na b,x,ann\nc d,y,\n")
    import_feedback(store, path)
    assert [(feedback.user, feedback.trusted) for feedback in store.all()] == [("ann", False), (None, True)]


def test_the_owners_file_vouches_for_its_users_unless_it_says_otherwise(store: FeedbackStore, tmp_path: Path) -> None:
    rows = "text,label,user,vouched,source\na,x,ann,,\nb,x,bob,false,\nc,x,,,\nd,x,eve,,http\ne,x,fay,true,http\n"
    import_feedback(store, write(tmp_path / "rows.csv", rows))
    assert [item.vouched for item in store.all()] == [True, False, False, False, True]


def test_json_lines_may_rate_and_comment(store: FeedbackStore, tmp_path: Path) -> None:
    rows = [
        {"text": "a", "rating": "up", "intent": "x", "trusted": False},
        {"text": "b", "label": 7, "user": 42, "confidence": 0.5, "created_at": "2026-01-31T09:30:00Z"},
        {"text": "c", "label": None, "comment": "no idea"},
    ]
    path = write(tmp_path / "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert import_feedback(store, path).imported == 3
    first, second, third = store.all()
    assert (first.rating, first.taught_label, first.trusted) == (1.0, "x", False)
    assert (second.label, second.user, second.confidence) == ("7", "42", 0.5)
    assert second.created_at == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    assert third.comment == "no idea"


def test_all_malformed_rows_are_reported_at_once_and_nothing_is_stored(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(
        tmp_path / "rows.csv",
        "id,text,label,rating,trusted,source,created_at,decision\n"
        "1,fine,x,,,,,\n"
        "2,,x,,,,,\n"
        "3,great,x,seven,,,,\n"
        "4,hm,,,,,,\n"
        "5,hm,x,,perhaps,,,\n"
        "6,hm,x,,,fax,,\n"
        "7,hm,x,,,,yesterday,\n"
        "1,hm,x,,,,,\n"
        "9,hm,x,,,,,maybe\n"
        "10,hm,x,,,,,relabel\n"
        f"11,{'m' * 10_001},x,,,,,\n"
        "12,too,many,cells,,,,,,\n",
    )
    with pytest.raises(DataError) as caught:
        import_feedback(store, path)
    message = str(caught.value)
    for number in range(3, 14):
        assert f"row {number}:" in message
    assert "row 2:" not in message
    for word in ("seven", "perhaps", "fax", "yesterday", "of row 2 again", "maybe", "decided_label"):
        assert word in message
    assert store.all() == []


def test_decided_entities_beyond_their_text_are_malformed_too(store: FeedbackStore, tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 99, "label": "city"}]
    row = {"text": "to Rome", "entities": [], "decision": "relabel", "decided_entities": spans}
    with pytest.raises(DataError, match=r"row 1: .*within the message's 7 characters"):
        import_feedback(store, write(tmp_path / "rows.jsonl", json.dumps(row) + "\n"))
    assert store.all() == []


def test_a_broken_json_line_is_named_with_its_number(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", '{"text": "a", "label": "x"}\n{"text": \n')
    with pytest.raises(DataError, match="row 2"):
        import_feedback(store, path)
    assert store.all() == []


@pytest.mark.parametrize(
    "header", ["text,intent", "utterance,label", "text,lable", "text,label,usr", "text,label,user_id"]
)
def test_a_column_that_was_meant_for_a_field_is_named(store: FeedbackStore, tmp_path: Path, header: str) -> None:
    cells = ",".join("abc"[: header.count(",") + 1])
    with pytest.raises(DataError) as caught:
        import_feedback(store, write(tmp_path / "rows.csv", f"{header}\n{cells}\n"))
    for name in header.split(","):
        if name not in ("text", "label"):
            assert f'"{name}"' in str(caught.value)
    assert store.all() == []


def test_columns_called_otherwise_are_found_by_the_names_given(store: FeedbackStore, tmp_path: Path) -> None:
    columns = {"text": "utterance", "label": "category"}
    path = write(tmp_path / "rows.csv", "utterance,category\nmy card is gone,lost_card\n")
    assert import_feedback(store, path, columns).imported == 1
    assert (store.all()[0].message, store.all()[0].label) == ("my card is gone", "lost_card")
    export_feedback(store, tmp_path / "out.csv")
    assert import_feedback(fresh(tmp_path), tmp_path / "out.csv", columns).imported == 1


def test_columns_of_other_matters_are_no_fault(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label,text_length,weekday\na b,x,3,Monday\n")
    assert import_feedback(store, path).imported == 1


def test_rows_that_are_known_already_are_counted_and_left_alone(store: FeedbackStore, tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    store.record("r1", label="lost_card", trusted=False, source="http")
    export_feedback(store, export)
    with export.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, COLUMNS).writerow({"id": "mine", "text": "new", "label": "x"})
    assert import_feedback(store, export) == ImportResult(1, 1)
    assert import_feedback(store, export) == ImportResult(0, 2)
    assert [feedback.label for feedback in store.all()] == ["lost_card", "x"]


def test_a_response_to_nothing_comes_back_too(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label,response_id\n,greeting,r9\n")
    import_feedback(store, path)
    assert store.all()[0].message == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
@given(
    feedback=st.lists(FEEDBACK, min_size=1, max_size=5),
    verdict=st.none() | st.builds(Decision, st.just("relabel"), NAME, MOMENT),
    format=st.sampled_from(["csv", "tsv", "jsonl"]),
)
def test_an_export_comes_back_into_an_empty_project_unchanged(
    tmp_path: Path, feedback: list[Feedback], verdict: Decision | None, format: Format
) -> None:
    first, second = fresh(tmp_path), fresh(tmp_path)
    decisions = {feedback[0].id: verdict} if verdict else {}
    first.add_many(feedback, decisions)
    path = tmp_path / f"export.{format}"
    assert export_feedback(first, path) == len(feedback)
    assert import_feedback(second, path) == ImportResult(len(feedback), 0)
    assert second.all() == feedback
    assert second.decisions() == decisions
    assert feedback_as_text(second, format) == path.read_bytes().decode()


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
def test_entities_go_out_and_come_back(tmp_path: Path, format: Format) -> None:
    first, second = fresh(tmp_path), fresh(tmp_path)
    path = write(
        tmp_path / "rows.csv",
        'text,entities\nfrom Zürich,"[{""start"": 5, ""end"": 11, ""label"": ""city, or Ort""}]"\nnothing,[]\n',
    )
    assert import_feedback(first, path).imported == 2
    with_entities, without_entities = first.all()
    assert (with_entities.entities, without_entities.entities) == ((EntitySpan(5, 11, "city, or Ort"),), ())
    first.decide(with_entities.id, "relabel", entities=[EntitySpan(0, 4, "from")])
    agreed = replace(with_entities, id=new_id(), rating=1.0, entities=None, answered_entities=with_entities.entities)
    first.add_many([agreed])
    export_feedback(first, tmp_path / f"export.{format}")
    import_feedback(second, tmp_path / f"export.{format}")
    assert second.all() == first.all()
    assert second.decisions() == first.decisions() != {}


@pytest.mark.parametrize(
    "cell", ["{", "[1]", '[{"start": 0}]', '[{"start": 0.5, "end": 2, "label": "x"}]', "[" * 50_000, '"x"']
)
def test_entities_that_are_none_are_named_with_their_row(store: FeedbackStore, tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "rows.jsonl", json.dumps({"text": "hello", "entities": cell}) + "\n")
    with pytest.raises(DataError, match=r'row 1: expected a list such as .* in "entities"'):
        import_feedback(store, path)
    path = write(tmp_path / "far.jsonl", '{"text": "hello", "entities": [{"start": 0, "end": 9, "label": "x"}]}\n')
    with pytest.raises(DataError, match="within the message's 5 characters"):
        import_feedback(store, path)
    assert store.all() == []


def test_cells_that_look_like_formulas_stay_as_they_are(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label\n=1+1,@x\n")
    import_feedback(store, path)
    assert "=1+1" in feedback_as_text(store, "csv")


def test_a_compressed_file_is_read_as_well(store: FeedbackStore, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\na b,x\n"))
    assert import_feedback(store, path).imported == 1


def test_an_export_of_an_unknown_format_is_refused(store: FeedbackStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv, \.tsv or \.jsonl"):
        export_feedback(store, tmp_path / "export.xlsx")


def test_a_missing_file_is_a_data_error(store: FeedbackStore, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent"):
        import_feedback(store, tmp_path / "absent.csv")


def test_with_several_skills_every_row_says_or_is_told_whose_it_is(store: FeedbackStore, tmp_path: Path) -> None:
    skills = ("cards", "loans")
    path = write(tmp_path / "rows.csv", "text,label,skill\na b,x,cards\nc d,y,\n")
    with pytest.raises(DataError, match=r"expected a skill \(cards, loans\), found none.*--skill"):
        import_feedback(store, path, skills=skills)
    assert store.all() == []
    import_feedback(store, path, skills=skills, skill="loans")
    assert [feedback.skill for feedback in store.all()] == ["cards", "loans"]
    misspelt = write(tmp_path / "misspelt.csv", "text,label,skill\ne f,x,card\n")
    with pytest.raises(DataError, match=r'found "card".*Did you mean "cards"'):
        import_feedback(store, misspelt, skills=skills)


def test_the_same_file_twice_counts_once_and_two_alike_rows_of_it_twice(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label\na,x\na,x\nb,x\n")
    assert import_feedback(store, path) == ImportResult(3, 0)
    longer = write(tmp_path / "longer.csv", "label,text\nx,b\nx,c\nx,a\nx,a\n")
    assert import_feedback(store, longer) == ImportResult(1, 3)


def test_the_same_file_for_another_skill_is_feedback_of_its_own(store: FeedbackStore, tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "text,label\na,x\n")
    for skill in ("cards", "loans"):
        assert import_feedback(store, path, skills=("cards", "loans"), skill=skill) == ImportResult(1, 0)
