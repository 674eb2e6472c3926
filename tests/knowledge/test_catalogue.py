from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogen.data.rows import Row
from autogen.errors import UsageError, VersionDamaged
from autogen.knowledge.catalogue import Catalogue, Filter
from autogen.knowledge.filters import filters_from_json

NAN = float("nan")


def catalogue_of(*values: dict[str, Any]) -> Catalogue:
    return Catalogue.from_rows([Row(row, "items.csv", at) for at, row in enumerate(values, start=2)])[0]


@pytest.fixture(scope="module")
def shop() -> Catalogue:
    kinds = ["ring", "bag", "Hat"]
    return catalogue_of(
        *(
            {
                "item": at,
                "title": f"The {kinds[at % 3]} number {at}",
                "kind": kinds[at % 3],
                "genres": "Comedy|Drama" if at % 2 else "Horror",
                "price": f"{at}.50 €",
                "year": 1990 + at,
                "about": f"A long text on number {at}, made of {'wood' if at % 4 else 'gold'} by hand in a small town.",
                "stock": at % 3,
            }
            for at in range(24)
        )
    )


def ids(catalogue: Catalogue, *filters: Filter) -> list[str]:
    return [item.id for item, passes in zip(catalogue.items, catalogue.mask(filters), strict=True) if passes]


def test_columns_are_numbers_categories_or_text_by_what_they_hold(shop: Catalogue) -> None:
    kinds = {name: (attribute.kind, attribute.role) for name, attribute in shop.attributes.items()}
    assert kinds["price"] == ("number", "money")
    assert kinds["year"] == ("number", "year")
    assert kinds["kind"] == ("category", "")
    assert kinds["genres"] == ("category", "")
    assert kinds["about"] == ("text", "")
    assert shop.attributes["genres"].several
    assert shop.items[1].values["genres"] == ("Comedy", "Drama")
    assert shop.items[3].values["price"] == 3.5


def test_filters_hold_in_any_case(shop: Catalogue) -> None:
    assert ids(shop, Filter("price", at_most=2.5)) == ["0", "1", "2"]
    assert ids(shop, Filter("price", at_least=1, at_most=2.5)) == ["1", "2"]
    assert ids(shop, Filter("kind", any_of=("hat",)), Filter("year", at_least=2010)) == ["20", "23"]
    assert ids(shop, Filter("genres", none_of=("HORROR",)), Filter("price", at_most=4)) == ["1", "3"]
    assert len(ids(shop, Filter("mentions", any_of=("gold",)))) == 6


def test_an_item_without_the_attribute_passes_a_refusal_only() -> None:
    some = catalogue_of({"item": "a", "title": "A", "price": 3}, {"item": "b", "title": "B", "price": None})
    assert ids(some, Filter("price", at_most=5)) == ["a"]
    assert ids(some, Filter("price", at_least=0)) == ["a"]
    assert ids(some, Filter("kind", any_of=("x",))) == []
    assert ids(some, Filter("kind", none_of=("x",))) == ["a", "b"]


def test_what_is_wrong_with_rows_is_said_and_the_rest_is_kept() -> None:
    rows = [{"item": "a", "title": "A"}, {"item": "a", "title": "again"}, {"item": None, "title": "B"}, {"item": "c"}]
    rows.append({"item": "d", "title": NAN})
    catalogue, problems = Catalogue.from_rows([Row(row, "items.csv", at) for at, row in enumerate(rows, start=2)])
    assert [(item.id, item.title) for item in catalogue.items] == [("a", "A"), ("c", "c"), ("d", "d")]
    assert [(p.kind, p.row) for p in problems] == [
        ("duplicate-item", 3),
        ("missing-id", 4),
        ("missing-title", 5),
        ("missing-title", 6),
    ]


@pytest.mark.parametrize("unknown", ["n/a", "N/A", "-", "unknown"])
def test_a_price_that_is_not_known_is_not_given_and_is_counted(unknown: str) -> None:
    rows = [{"item": at, "title": f"T{at}", "price": unknown if at % 3 == 1 else f"{at}.50"} for at in range(30)]
    catalogue, (problem,) = Catalogue.from_rows([Row(row, "items.csv", at) for at, row in enumerate(rows, start=2)])
    assert (catalogue.attributes["price"].kind, catalogue.attributes["price"].rows) == ("number", 20)
    assert "price" not in catalogue.items[1].values
    assert (problem.severity, problem.kind, problem.row) == ("warning", "unknown-number", 3)
    assert f'"{unknown}" (10 such rows)' in problem.message


@pytest.mark.parametrize(("every", "kind"), [(30, "number"), (3, "category")])
def test_what_is_no_number_among_mostly_numbers_is_counted(every: int, kind: str) -> None:
    rows = [{"item": at, "title": "T", "price": "on request" if at % every == 1 else 5 + at % 7} for at in range(30)]
    catalogue, (problem,) = Catalogue.from_rows([Row(row, "items.csv", at) for at, row in enumerate(rows, start=2)])
    assert catalogue.attributes["price"].kind == kind
    assert (problem.severity, problem.kind, problem.row) == ("warning", "no-number", 3)
    assert f'"on request" ({30 // every} such rows)' in problem.message


def test_unknown_is_a_category_where_the_others_are() -> None:
    rows = [{"item": at, "title": "T", "kind": ("ring", "unknown")[at % 2]} for at in range(8)]
    catalogue, problems = Catalogue.from_rows([Row(row, "items.csv", at) for at, row in enumerate(rows, start=2)])
    assert (set(catalogue.attributes["kind"].counts), problems) == ({"ring", "unknown"}, [])


@pytest.mark.parametrize("title", [None, "", "None", "nan", "NULL"])
def test_an_item_without_a_title_is_called_by_its_id_whatever_a_file_writes_there(title: str | None) -> None:
    catalogue, (problem,) = Catalogue.from_rows([Row({"item": 7, "title": title}, "items.csv", 2)])
    assert (catalogue.items[0].title, problem.kind) == ("7", "missing-title")


def test_ids_that_are_numbers_and_texts_are_the_same_item() -> None:
    catalogue, problems = Catalogue.from_rows(
        [Row({"item": 7, "title": "x"}, "i", 1), Row({"item": "7", "title": "y"}, "i", 2)]
    )
    assert [item.id for item in catalogue.items] == ["7"]
    assert [problem.kind for problem in problems] == ["duplicate-item"]


def test_what_an_item_says_of_itself_is_one_line_without_ids_and_stock(shop: Catalogue) -> None:
    text = shop.text_of(shop.items[1])
    assert text.startswith("The bag number 1 (1991)")
    assert "Comedy, Drama" in text
    assert "\n" not in text
    assert "stock" not in text


def test_a_catalogue_comes_back_as_it_was_saved(shop: Catalogue, tmp_path: Path) -> None:
    shop.save(tmp_path / "catalogue.json")
    loaded = Catalogue.load(tmp_path / "catalogue.json")
    assert loaded.items == shop.items
    assert loaded.attributes == shop.attributes
    assert (loaded.mask([Filter("price", at_most=5)]) == shop.mask([Filter("price", at_most=5)])).all()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99, "items": [], "attributes": {}}'])
def test_a_damaged_catalogue_is_noticed(text: str, tmp_path: Path) -> None:
    (tmp_path / "catalogue.json").write_text(text, "utf-8")
    with pytest.raises(VersionDamaged, match="catalogue"):
        Catalogue.load(tmp_path / "catalogue.json")
    with pytest.raises(VersionDamaged, match="no file"):
        Catalogue.load(tmp_path / "none.json")


def test_json_becomes_filters(shop: Catalogue) -> None:
    conditions = {"Genres": "comedy", "year": {"min": 1992, "max": 2000}, "kind": ["ring", "HAT"], "price": {"max": 9}}
    filters = filters_from_json(conditions, shop)
    assert {condition.attribute for condition in filters} == {"genres", "year", "kind", "price"}
    assert all(item in ("3", "5") for item in ids(shop, *filters))
    assert filters_from_json(None, shop) == ()


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([], "an object of attributes"),
        ({"pric": {"max": 1}}, "price"),
        ({"price": {"maximum": 1}}, "min"),
        ({"price": {"max": "cheap"}}, "a number"),
        ({"price": {"min": 5, "max": 1}}, "at most"),
        ({"kind": "rnig"}, "ring"),
        ({"kind": {"max": 3}}, "no number"),
        ({"price": {}}, "found {}"),
        ({"kind": []}, "at least one value"),
    ],
)
def test_what_cannot_be_filtered_by_is_said(conditions: object, words: str, shop: Catalogue) -> None:
    with pytest.raises(UsageError, match=words):
        filters_from_json(conditions, shop)


def test_a_large_catalogue_is_filtered_in_columns() -> None:
    large = catalogue_of(*({"item": at, "title": f"t{at}", "price": at, "kind": "ab"[at % 2]} for at in range(20_000)))
    passing = large.mask([Filter("price", at_least=100, at_most=199), Filter("kind", any_of=("a",))])
    assert isinstance(passing, np.ndarray)
    assert passing.sum() == 50
