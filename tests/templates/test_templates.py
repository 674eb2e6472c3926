"""Every template is a project that can be trained at once, and those with simulated customers say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogen.knowledge.catalogue import Catalogue, Item
from autogen.project import Project
from autogen.skills.recommendation.query_understanding.parser import parse_query
from autogen.skills.recommendation.settings import RecommendationSettings
from autogen.tasks.recommendation.event_files import read_interactions
from autogen.tasks.recommendation.rows import read_catalogue
from autogen.templates import copy_template, template_names

SIMULATED = ("finance-products", "shop")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project of every template."""
    folder = tmp_path_factory.mktemp("projects")
    for name in template_names():
        copy_template(name, folder / name)
    return folder


@pytest.fixture(scope="module")
def catalogues(projects: Path) -> dict[str, Catalogue]:
    by_name = {}
    for name in SIMULATED:
        settings: Any = Project.open(projects / name).config.skills["products"]
        by_name[name] = read_catalogue(projects / name, settings.items, {})[0]
    return by_name


@pytest.mark.parametrize("name", template_names())
def test_a_template_is_a_project_without_problems(name: str, projects: Path) -> None:
    assert [problem for skill in Project.open(projects / name).check() for problem in skill.problems] == []


@pytest.mark.parametrize("name", ["recommendation", *SIMULATED])
def test_the_users_that_a_readme_names_are_in_its_data(name: str, projects: Path) -> None:
    (settings,) = Project.open(projects / name).config.skills.values()
    assert isinstance(settings, RecommendationSettings)
    events, _ = read_interactions(projects / name, settings.interactions, settings.columns)
    named = re.findall(r"--user (\S+)", (projects / name / "README.md").read_text("utf-8"))
    assert named and {*named} <= {*events.users}


@pytest.mark.parametrize("name", SIMULATED)
def test_simulated_customers_are_called_so_where_the_project_is_explained(name: str, projects: Path) -> None:
    assert "SIMULATED" in (projects / name / "agent.toml").read_text("utf-8")
    assert "customers are simulated.**" in (projects / name / "README.md").read_text("utf-8")


def test_the_bank_s_products_are_called_fictional_and_no_advice(projects: Path) -> None:
    for file in ("agent.toml", "README.md"):
        text = (projects / "finance-products" / file).read_text("utf-8").casefold()
        assert "fictional" in text and "investment advice" in text


@pytest.mark.parametrize("name", SIMULATED)
def test_what_is_held_out_comes_after_what_is_learnt_from(name: str, projects: Path) -> None:
    train_events, problems = read_interactions(projects / name, ["data/interactions.csv.gz"], {})
    eval_events, more = read_interactions(projects / name, ["data/eval.csv"], {})
    assert not problems and not more
    assert train_events.time.max() < eval_events.time.min()
    assert {*eval_events.users} <= {*train_events.users}


@pytest.mark.parametrize("name", SIMULATED)
def test_some_products_are_far_more_popular_than_others_and_some_are_new(
    name: str, projects: Path, catalogues: Mapping[str, Catalogue]
) -> None:
    train_events, _ = read_interactions(projects / name, ["data/interactions.csv.gz"], {})
    counts = np.sort(np.bincount(train_events.item))[::-1]
    tenth = len(counts) // 10
    assert counts[:tenth].sum() > 5 * counts[-tenth:].sum()
    assert {*train_events.items} < {*catalogues[name].position}


def test_some_products_of_the_shop_are_sold_out(projects: Path, catalogues: Mapping[str, Catalogue]) -> None:
    settings: Any = Project.open(projects / "shop").config.skills["products"]
    assert (catalogues["shop"].numbers(settings.stock) == 0).sum() == 60


def fitting(query: str, catalogue: Catalogue) -> list[Item]:
    passing = catalogue.mask(parse_query(query, catalogue).filters)
    return [item for item, passes in zip(catalogue.items, passing, strict=True) if passes]


@pytest.mark.parametrize(
    ("name", "wish", "holds"),
    [
        ("shop", "something for the garden under 30 €", lambda of: of["price"] <= 30),
        ("shop", "a gift for my wife, not jewellery", lambda of: of["category"] != "jewelry"),
        ("shop", "shoes for my husband", lambda of: (of["category"], of["gender_affinity"]) == ("footwear", "M")),
        ("shop", "a wooden chair", lambda of: of["style"] == "chairs"),
        (
            "finance-products",
            "a savings account without a monthly fee",
            lambda of: (of["kind"], of["monthly_fee"]) == ("savings account", 0),
        ),
        (
            "finance-products",
            "a free current account",
            lambda of: (of["kind"], of["monthly_fee"]) == ("current account", 0),
        ),
        (
            "finance-products",
            "a credit card under 2 euros, not for students",
            lambda of: of["kind"] == "credit card" and of["monthly_fee"] <= 2 and of["audience"] != "student",
        ),
        ("finance-products", "a pension, nothing risky", lambda of: of["kind"] == "pension plan"),
        (
            "finance-products",
            "a fund without high risk",
            lambda of: of["kind"] == "fund" and of["risk_level"] != "high risk",
        ),
    ],
)
def test_a_wish_finds_what_it_names(
    name: str, wish: str, holds: Callable[[Mapping[str, Any]], bool], catalogues: Mapping[str, Catalogue]
) -> None:
    items = fitting(wish, catalogues[name])
    assert 0 < len(items) < len(catalogues[name])
    assert all(holds(item.values) for item in items)
