from __future__ import annotations

import time
from dataclasses import replace

import pytest

from autogen.data.rows import Row
from autogen.knowledge.catalogue import Catalogue
from autogen.skills.recommendation.query_understanding.parsed_query import ParsedQuery
from autogen.skills.recommendation.query_understanding.parser import parse_query

FILMS = [
    ("Alien", 1979, ["Horror", "Sci-Fi"]),
    ("Aliens", 1986, ["Action", "Sci-Fi"]),
    ("It", 1990, ["Horror"]),
    ("Up", 2009, ["Animation", "Comedy"]),
    ("Her", 2013, ["Drama", "Romance"]),
    ("2001: A Space Odyssey", 1968, ["Sci-Fi"]),
    ("The Dark Knight", 2008, ["Action", "Crime"]),
    ("I Am", 2010, ["Documentary"]),
    ("Groundhog Day", 1993, ["Comedy", "Romance"]),
    ("Se7en", 1995, ["Thriller", "Crime"]),
]
GOODS = [
    ("Mauve Leather Daypack", "backpack", 129.99),
    ("Green Canvas Backpack", "backpack", 49.0),
    ("Black Rain Jacket", "jacket", 89.5),
    ("Silver Ring", "ring", 19.99),
    ("Plain Ring", "ring", 9.0),
]


ACCOUNTS = [
    ("Everyday Account", "current account", "student", 0.0, 0.0, "no risk"),
    ("Premium Account", "current account", "family", 14.9, 0.0, "no risk"),
    ("Share Fund", "fund", "family", 0.0, 25.0, "high risk"),
]


@pytest.fixture(scope="module")
def films() -> Catalogue:
    rows = [
        Row({"item": f"f{at}", "title": title, "year": year, "genres": genres}, "films", at)
        for at, (title, year, genres) in enumerate(FILMS)
    ]
    return Catalogue.from_rows(rows)[0]


@pytest.fixture(scope="module")
def goods() -> Catalogue:
    rows = [
        Row({"item": f"g{at}", "title": title, "style": style, "price": price}, "goods", at)
        for at, (title, style, price) in enumerate(GOODS * 4)
    ]
    rows = [Row({**row.values, "item": f"g{at}"}, "goods", at) for at, row in enumerate(rows)]
    return Catalogue.from_rows(rows)[0]


@pytest.fixture(scope="module")
def accounts() -> Catalogue:
    names = ("title", "kind", "audience", "monthly_fee", "minimum_amount", "risk_level")
    rows = [
        Row({"item": f"a{at}", **dict(zip(names, values, strict=True))}, "accounts", at)
        for at, values in enumerate(ACCOUNTS * 4)
    ]
    return Catalogue.from_rows(rows)[0]


def filters_of(parsed_query: ParsedQuery) -> list[str]:
    return [filter_.describe() for filter_ in parsed_query.filters]


def titles(parsed_query: ParsedQuery, films: Catalogue) -> list[str]:
    return [films.items[films.position[name]].title for name in parsed_query.like]


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("not horror", ["genres not Horror"]),
        ("a scary movie after 2005", ["year at least 2006", "genres Horror"]),
        ("comedies from the 80s, no romance", ["year 1980–1989", "genres Comedy, genres not Romance"]),
        ("something funny from the nineties", ["year 1990–1999", "genres Comedy"]),
        ("films of the 1990s", ["year 1990–1999"]),
        ("movies before 1980", ["year at most 1979"]),
        ("since 2000", ["year at least 2000"]),
        ("between 1990 and 1995", ["year 1990–1995"]),
        ("from 1994", ["year at least 1994"]),
        ("in 1994", ["year 1994"]),
        ("sci-fi but not horror or drama", ["genres Sci-Fi, genres not Horror or Drama"]),
        ("science fiction", ["genres Sci-Fi"]),
        ("I hate romance", ["genres not Romance"]),
        ("anything but documentaries", ["genres not Documentary"]),
        ("recent thrillers", ["year at least 2011", "genres Thriller"]),
        ("classic crime", ["year at most 1988", "genres Crime"]),
        ("I am 30 years old and want a comedy", ["genres Comedy"]),
        ("under the sea", []),
        ("for two people", []),
    ],
)
def test_constraints_on_films_are_read_from_a_sentence(text: str, filters: list[str], films: Catalogue) -> None:
    assert filters_of(parse_query(text, films)) == filters


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("a backpack under 60 euros", ["price at most 60", "style backpack"]),
        ("cheaper than $20", ["price at most 20"]),
        ("between $10 and $20", ["price 10–20"]),
        ("20-30 euros", ["price 20–30"]),
        ("at least 100", ["price at least 100"]),
        ("rings around 50 €", ["price 40–60", "style ring"]),
        ("no more than 1,299.00 dollars", ["price at most 1299"]),
        ("under 19,99 €", ["price at most 19.99"]),
        ("price below 30", ["price at most 30"]),
        ("no jackets", ["style not jacket"]),
        ("a backpack, not black", ["style backpack", "not mentioning black"]),
        ("a gift for two people", []),
        ("no jackets, a ring", ["style ring, style not jacket"]),
        ("no jackets, rings or backpacks", ["style not jacket or ring or backpack"]),
    ],
)
def test_constraints_on_goods_are_read_from_a_sentence(text: str, filters: list[str], goods: Catalogue) -> None:
    assert filters_of(parse_query(text, goods)) == filters


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("cheapest", "least price first"),
        ("the cheapest ring", "style ring; least price first"),
        ("the most expensive backpacks under 100 euros", "price at most 100; style backpack; most price first"),
        ("lowest price", "least price first"),
        ("the highest price, no rings", "style not ring; most price first"),
        ("not the cheapest ring", "style ring"),
    ],
)
def test_superlatives_of_goods_are_an_order(text: str, described: str, goods: Catalogue) -> None:
    parsed_query = parse_query(text, goods)
    assert replace(parsed_query, free_text="").describe().removesuffix("; not mentioning cheapest") == described
    assert not parsed_query.problem


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("the newest", "most year first"),
        ("the latest comedies", "genres Comedy; most year first"),
        ("oldest horror from the 80s", "year 1980–1989; genres Horror; least year first"),
    ],
)
def test_superlatives_of_films_are_an_order(text: str, described: str, films: Catalogue) -> None:
    assert parse_query(text, films).describe() == described


def test_a_superlative_of_a_number_that_is_named_is_an_order_by_it(accounts: Catalogue) -> None:
    assert parse_query("the fund with the lowest minimum amount", accounts).describe() == (
        "kind fund; least minimum amount first"
    )
    assert parse_query("highest monthly fee", accounts).describe() == "most monthly fee first"


def test_a_superlative_of_what_no_item_has_is_not_understood(goods: Catalogue) -> None:
    parsed_query = parse_query("the newest ring", goods)
    assert (parsed_query.describe(), parsed_query.unmet) == ("style ring", ("newest",))
    assert parse_query("the newest", goods).problem.startswith("What would you like?")


def test_a_superlative_alone_orders_what_was_asked_for(goods: Catalogue) -> None:
    earlier = parse_query("a ring", goods)
    parsed_query = parse_query("and the cheapest?", goods, ["g3"], earlier)
    assert (parsed_query.describe(), parsed_query.follows) == ("style ring; least price first", False)
    assert (
        parse_query("the cheapest backpack", goods, ["g3"], earlier).describe() == "style backpack; least price first"
    )
    assert parse_query("something else", goods, ["g4"], parsed_query).describe() == "style ring; least price first"


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("a current account without a monthly fee", ["kind current account", "monthly fee at most 0"]),
        ("no fees", ["monthly fee at most 0"]),
        ("a free current account", ["kind current account", "monthly fee at most 0"]),
        ("a fund with no minimum amount", ["kind fund", "minimum amount at most 0"]),
        ("a free account without monthly fee", ["monthly fee at most 0"]),
        ("minimum amount under 100 euros", ["minimum amount at most 100"]),
        ("under 5 euros", ["monthly fee at most 5"]),
        ("fees below 5", ["monthly fee at most 5"]),
        ("risk free", ["risk level no risk"]),
        ("without risk, for my children", ["risk level no risk", "audience family"]),
    ],
)
def test_what_shall_cost_nothing_is_read_from_a_sentence(text: str, filters: list[str], accounts: Catalogue) -> None:
    assert filters_of(parse_query(text, accounts)) == filters


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("something for my wife", ["made for F"]),
        ("for him", ["made for M"]),
        ("not for men", ["made for not M"]),
        ("f", []),
    ],
)
def test_codes_of_a_catalogue_are_meant_by_words_for_them(text: str, filters: list[str]) -> None:
    rows = [Row({"item": f"g{at}", "title": f"Coat {at}", "made_for": "FM"[at % 2]}, "coats", at) for at in range(8)]
    assert filters_of(parse_query(text, Catalogue.from_rows(rows)[0])) == filters


@pytest.mark.parametrize("text", ["a free ring", "a ring, no price limit", "sugar free"])
def test_where_nothing_is_free_the_word_is_no_limit(text: str, goods: Catalogue) -> None:
    assert not any(
        "price" in filter_.describe() for filter_ in parse_query(text, goods).filters if filter_.at_most is not None
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("something like Alien but funnier", ["Alien"]),
        ("similar to aliens", []),  # one small word may be no title
        ("similar to Aliens", ["Aliens"]),
        ('films like "It"', ["It"]),
        ("like Up", ["Up"]),
        ("hurry up, show it to her", []),
        ("2001: A Space Odyssey", ["2001: A Space Odyssey"]),
        ("like 2001 a space odyssey", ["2001: A Space Odyssey"]),
        ("I loved The Dark Knight", ["The Dark Knight"]),
        ("like dark knight", ["The Dark Knight"]),
        ("I am looking for a comedy", []),
        ("I Am bored", []),
        ("Groundhog Day again", ["Groundhog Day"]),
    ],
)
def test_titles_are_told_from_words(text: str, named: list[str], films: Catalogue) -> None:
    assert titles(parse_query(text, films), films) == named


def test_what_is_left_is_sought_by_its_meaning(films: Catalogue) -> None:
    assert parse_query("a comedy about time travel", films).free_text.endswith("about time travel")
    assert parse_query("recommend me a good movie please, a comedy", films).free_text == ""


@pytest.mark.parametrize("text", ["", "   ", "?!", "recommend", "something good", "🎬"])
def test_an_empty_wish_is_asked_back(text: str, films: Catalogue) -> None:
    assert parse_query(text, films).problem.startswith("What would you like?")


@pytest.mark.parametrize("text", ["over 20 and under 10 euros", "a ring at least 50 €, at most 20 €"])
def test_a_contradiction_is_asked_back(text: str, goods: Catalogue) -> None:
    assert "at once" in parse_query(text, goods).problem


def test_horror_that_is_not_horror_is_asked_back(films: Catalogue) -> None:
    assert "at once" in parse_query("horror but not horror", films).problem


def test_a_follow_up_keeps_what_was_asked_for_and_the_newer_word_wins(goods: Catalogue) -> None:
    earlier, shown = parse_query("a backpack under 60 euros", goods), ["g0", "g1", "g2"]
    cheaper = parse_query("cheaper", goods, shown, earlier)
    assert cheaper.follows
    assert filters_of(cheaper) == ["style backpack", "price at most 89.49"]
    assert filters_of(parse_query("something else", goods, shown, earlier)) == filters_of(earlier)
    assert parse_query("more like the second", goods, shown, earlier).like == ("g1",)
    assert parse_query("not the first", goods, shown, earlier).unlike == ("g0",)
    assert parse_query("more like number 3", goods, shown, earlier).like == ("g2",)


def test_a_number_that_was_not_shown_is_asked_back(goods: Catalogue) -> None:
    assert "3" in parse_query("more like the ninth", goods, ["g0", "g1", "g2"]).problem
    assert "not shown" in parse_query("more like the second", goods).problem


def test_an_endless_wish_in_any_script_is_read_in_no_time(films: Catalogue) -> None:
    started = time.perf_counter()
    for text in ("not " * 3000, "like " * 2000, "1990 and " * 1500, "类似 Alien 的喜剧 " * 500, "(" * 10_000):
        parse_query(text, films)
    assert time.perf_counter() - started < 5


def test_a_wish_is_told_in_one_line(films: Catalogue) -> None:
    assert parse_query("like Alien but funnier, from the nineties", films).describe() == (
        "like f0; year 1990–1999; genres Comedy"
    )
