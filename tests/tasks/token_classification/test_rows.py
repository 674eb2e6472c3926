from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogen.data.readers.files import read_rows
from autogen.data.rows import Row
from autogen.tasks.token_classification.rows import (
    AnnotatedText,
    Span,
    read_example,
    read_examples,
    spans_of_tags,
)

TEXT = "fly from New York to Zürich"


def row(**values: object) -> Row:
    return Row(values, "train.csv", 3)


def kinds(**values: object) -> list[str]:
    """What is wrong with a row that has no example."""
    example, problems = read_example(row(**values))
    assert example is None
    assert all((p.severity, p.source, p.row) == ("error", "train.csv", 3) for p in problems)
    return [problem.kind for problem in problems]


def entity(start: object, end: object, label: object = "city", **others: object) -> dict[str, object]:
    return {"start": start, "end": end, "label": label, **others}


CITIES = [entity(21, 27), entity(9, 17)]
EXPECTED = AnnotatedText(TEXT, (Span(9, 17, "city"), Span(21, 27, "city")))


@pytest.mark.parametrize("entities", [CITIES, json.dumps(CITIES), np.array(CITIES)])
def test_entities_come_as_a_list_an_array_or_json_and_are_put_in_order(entities: object) -> None:
    assert read_example(row(text=TEXT, entities=entities)) == (EXPECTED, [])


@pytest.mark.parametrize(
    "tags",
    [
        "O O B-city I-city O B-city",
        "O O I-city I-city O I-city",  # IOB1
        "O O B-city E-city O S-city",  # BIOES
        "O O B-city L-city O U-city",  # BILOU
    ],
)
def test_tags_of_every_scheme_give_the_same_example(tags: str) -> None:
    tokens = TEXT.split()
    forms: list[tuple[object, object]] = [(tokens, tags.split()), (json.dumps(tokens), json.dumps(tags.split()))]
    for given_tokens, given_tags in [*forms, (TEXT, tags), (np.array(tokens), np.array(tags.split()))]:
        assert read_example(row(tokens=given_tokens, tags=given_tags)) == (EXPECTED, [])


def test_adjacent_entities_of_one_label_stay_two() -> None:
    assert spans_of_tags(["B-a", "B-a", "I-a", "S-a", "I-a"]) == [
        Span(0, 1, "a"),
        Span(1, 3, "a"),
        Span(3, 4, "a"),
        Span(4, 5, "a"),
    ]


def test_a_label_may_have_dashes_in_it_and_a_tag_of_another_label_begins_an_entity() -> None:
    assert spans_of_tags(["B-creative-work", "I-creative-work", "I-person"]) == [
        Span(0, 2, "creative-work"),
        Span(2, 3, "person"),
    ]


@st.composite
def flat_spans(draw: st.DrawFn) -> tuple[int, list[Span]]:
    """A number of tokens, and spans of them that do not overlap."""
    cuts = draw(st.lists(st.integers(0, 12), unique=True, max_size=8).map(sorted))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return 12, [Span(start, end, draw(st.sampled_from(["a", "b-c"]))) for start, end in pairs]


@given(flat_spans())
def test_what_is_written_as_bio_is_read_back(drawn: tuple[int, list[Span]]) -> None:
    length, spans = drawn
    tags = ["O"] * length
    for span in spans:
        tags[span.start : span.end] = [f"B-{span.label}"] + [f"I-{span.label}"] * (span.end - span.start - 1)
    assert spans_of_tags(tags) == spans


@pytest.mark.parametrize("tag", ["", "B", "B-", "B- ", "X-city", "city", "o", "B_city", "BI-city"])
def test_a_tag_that_is_none_is_named_with_its_place(tag: str) -> None:
    example, problems = read_example(row(tokens=["to", "Bern"], tags=["O", tag or " "]))
    assert example is None
    assert [p.kind for p in problems] == ["not-a-tag" if tag else "not-text"]
    if tag:
        assert "as tag 2" in problems[0].message


def test_offsets_count_code_points() -> None:
    text = "😀 Zürich"
    example, problems = read_example(row(text=text, entities=[entity(2, 8, text="Zürich")]))
    assert (example, problems) == (AnnotatedText(text, (Span(2, 8, "city"),)), [])
    # the same place in UTF-16 units and in bytes
    assert kinds(text=text, entities=[entity(3, 9)]) == ["offset-out-of-range"]
    assert kinds(text=text, entities=[entity(3, 8, text="Zürich")]) == ["other-text"]


@pytest.mark.parametrize(
    ("entities", "kind"),
    [
        ([entity(-1, 3)], "offset-out-of-range"),
        ([entity(0, 28)], "offset-out-of-range"),
        ([entity(5, 3)], "offset-out-of-range"),
        ([entity(10**30, 10**31)], "offset-out-of-range"),
        ([entity(4, 4)], "empty-span"),
        ([entity(3, 4)], "empty-span"),
        ([entity(9, 17), entity(13, 19)], "overlapping-spans"),
        ([entity(9, 17), entity(9, 17)], "overlapping-spans"),
        ([entity(9, 17), entity(9, 12, "name")], "overlapping-spans"),
        ([entity("9", 17)], "not-an-offset"),
        ([entity(9.5, 17)], "not-an-offset"),
        ([entity(True, 17)], "not-an-offset"),
        ([entity(9, 17, 7)], "not-text"),
        ([entity(9, 17, " ")], "missing-value"),
        ([entity(9, 17, "x" * 201)], "too-long"),
        ([entity(9, 17, "\ud83d")], "broken-character"),
        ([entity(9, 17, type="city")], "unknown-field"),
        ([{"start": 9, "end": 17, "entity": "city"}], "unknown-field"),
        ([{"start": 9, "label": "city"}], "missing-value"),
        ([entity(9, None)], "missing-value"),
        ([[9, 17, "city"]], "not-an-entity"),
        (["New York"], "not-an-entity"),
        ({"start": 9}, "not-entities"),
        ("New York", "not-entities"),
        ("[[" * 5000, "not-entities"),
        (7, "not-entities"),
        (None, "missing-value"),
        ("", "missing-value"),
    ],
)
def test_every_fault_of_entities_is_an_error_of_its_own(entities: object, kind: str) -> None:
    assert kinds(text=TEXT, entities=entities) == [kind]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("Cafe\u0301 Bern", 0, 4),  # before a combining accent
        ("e\u0301a", 1, 3),
        ("👩\u200d🚀 left", 0, 1),  # before and behind a joiner
        ("👩\u200d🚀 left", 2, 8),
        ("👍🏽 ok", 0, 1),  # before a skin tone
        ("❤\ufe0f ok", 0, 1),  # before a variation selector
    ],
)
def test_a_span_that_cuts_a_character_is_an_error(text: str, start: int, end: int) -> None:
    assert kinds(text=text, entities=[entity(start, end)]) == ["cut-character"]


def test_a_lone_surrogate_in_a_text_is_an_error() -> None:
    assert kinds(text="\ud83d left", entities=[]) == ["broken-character"]
    assert kinds(tokens=["\ud83d", "left"], tags=["O", "O"]) == ["broken-character"]


def test_white_space_at_the_ends_of_a_span_is_taken_off_with_a_warning() -> None:
    example, problems = read_example(row(text=TEXT, entities=[entity(8, 18)]))
    assert example == AnnotatedText(TEXT, (Span(9, 17, "city"),))
    assert [(p.severity, p.kind) for p in problems] == [("warning", "span-edges")]


def test_a_text_without_entities_is_an_example_when_it_says_so() -> None:
    assert read_example(row(text="hello", entities="[]")) == (AnnotatedText("hello", ()), [])
    assert kinds(text="hello") == ["missing-value"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"tokens": ["to", "Bern"], "tags": ["O"]}, "tags-and-tokens"),
        ({"tokens": ["to", "Bern"]}, "missing-value"),
        ({"tags": ["O"]}, "missing-value"),
        ({"tokens": [], "tags": ["O"]}, "missing-value"),
        ({"tokens": ["to", " "], "tags": ["O", "O"]}, "not-text"),
        ({"tokens": ["to", "Bern"], "tags": [0, 3]}, "not-text"),
        ({"tokens": 7, "tags": ["O"]}, "missing-value"),
        ({"text": TEXT, "entities": [], "tokens": ["a"], "tags": ["O"]}, "two-annotations"),
    ],
)
def test_every_fault_of_tokens_and_tags_is_an_error(values: dict[str, object], kind: str) -> None:
    assert kinds(**values) == [kind]


def test_all_faults_of_a_row_are_named_at_once() -> None:
    assert kinds(text=" ", entities=None) == ["missing-value", "missing-value"]
    assert kinds(text=TEXT, entities=[entity(0, 99), entity(4, 4)]) == ["offset-out-of-range", "empty-span"]


def test_errors_say_what_was_found_and_what_to_do() -> None:
    _, problems = read_example(row(text=TEXT, entities=[{"start": 9, "end": 17, "lable": "city"}]))
    assert str(problems[0]) == (
        'train.csv, row 3: expected an entity with start, end and label, found the field "lable"; '
        'rename or remove it. Did you mean "label"?'
    )
    _, problems = read_example(row(text=TEXT, entities=[entity(9, 17), entity(13, 19)]))
    assert '"New York" (9 to 17, city) and "York t" (13 to 19, city)' in str(problems[0])


def test_good_rows_are_read_beside_bad_ones(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "train.csv"
    good, bad = json.dumps(CITIES).replace('"', '""'), json.dumps([entity(0, 99)]).replace('"', '""')
    path.write_text(f'text,entities\n{TEXT},"{good}"\n{TEXT},"{bad}"\nhello,[]\n', "utf-8")
    rows, _ = read_rows(path)
    examples, sources, problems = read_examples(rows)
    assert examples == [EXPECTED, AnnotatedText("hello", ())]
    assert [source.number for source in sources] == [2, 4]
    assert [(problem.kind, problem.row) for problem in problems] == [("offset-out-of-range", 3)]


CELLS = st.sampled_from(["", " ", "a b", "[]", "[{}]", "B-a O", "\ud83d", "start", "end", "label", "O", "[1]", "{"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["text", "entities", "tokens", "tags"]), ANYTHING))
def test_whatever_stands_in_a_row_is_an_example_or_a_problem(values: dict[str, object]) -> None:
    example, problems = read_example(row(**values))
    assert (example is None) == any(problem.severity == "error" for problem in problems)
    assert all(str(problem) for problem in problems)
