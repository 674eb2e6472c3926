from __future__ import annotations

import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from autogen import Agent, Project
from autogen.agents.agent import load_skills
from autogen.feedback.memory import Memory
from autogen.progress import TrainingProgress
from autogen.skills.recommendation.answering import ItemRequest, RecommendationSkill
from autogen.skills.recommendation.off_policy import read_log, slots_of
from autogen.skills.recommendation.recommend import recommend, recommender_of
from autogen.tasks.recommendation.rows import liked_clicks, set_aside
from autogen.versions.off_policy import FEWEST_CLICKS
from autogen.versions.registry import Versions
from tests.shop import FILMS, write_shop

LIKED = 0.6  # how likely a film of one's own taste is clicked
QUIET = TrainingProgress(quiet=True)


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> tuple[Path, float]:
    """A shop that explores and has answered strangers of two tastes; and the clicks per answer that its best items
    would have got from them. Read only."""
    folder = write_shop(tmp_path_factory.mktemp("explored") / "shop", tiny_base_model, more="exploration = 0.4")
    Project.open(folder).train(progress=QUIET)
    agent, chance, best = Agent.load(folder), random.Random(0), []
    skill_of(agent).chance.bit_generator.state = np.random.default_rng(0).bit_generator.state
    for _ in range(400):
        taste = chance.choice("ch")
        request = ItemRequest(history=(f"{taste}{chance.randrange(FILMS)}",), count=3)
        best.append(LIKED * sum(name.startswith(taste) for name in skill_of(agent).best(request)))
        answer = recommend(agent, request)
        for scored in answer.items:
            if scored.item.id.startswith(taste) and chance.random() < LIKED:
                agent.feedback(answer.id, label=scored.item.id, rating="up")
    return folder, sum(best) / len(best)


@pytest.fixture
def shop_that_explores(explored: tuple[Path, float], tmp_path: Path) -> Path:
    return Path(shutil.copytree(explored[0], tmp_path / "shop"))


def skill_of(agent: Agent) -> RecommendationSkill:
    return recommender_of(agent)[1]


def test_the_estimate_of_a_version_is_what_its_best_items_would_have_got(explored: tuple[Path, float]) -> None:
    """Within four standard errors: how often intervals hold is tested where answers are cheap, with the estimator."""
    estimate = Project.open(explored[0]).evaluate().skills["films"].off_policy
    assert estimate is not None
    assert estimate["answers"] == 400
    low, high = estimate["interval"]
    assert abs(estimate["clicks_per_answer"] - explored[1]) < 4 * (high - low) / (2 * 1.96)
    assert estimate["logged_clicks_per_answer"] < low, "what chance shows is clicked less"
    assert estimate["mean_weight"] == pytest.approx(1, abs=0.2)


def test_the_version_that_answered_is_replayed_as_it_was(explored: tuple[Path, float]) -> None:
    """Where its best item stands, it has the propensity of a best item; elsewhere that of another."""
    versions = Versions(explored[0])
    skill = load_skills(versions.folder / "0001", versions.manifest("0001"))["films"]
    assert isinstance(skill, RecommendationSkill)
    slots = slots_of(skill, read_log(Memory.open(explored[0]), "films"))
    first = slots.propensity[::3] > 0.5
    assert (slots.same[::3] == first).all()


def test_improve_shows_what_candidate_and_champion_would_have_been_clicked(shop_that_explores: Path) -> None:
    project = Project.open(shop_that_explores)
    candidate = project.improve(QUIET)
    assert candidate.verdict is not None
    comparison = candidate.verdict["off_policy"]["films"]
    assert comparison["candidate"]["enough_clicks"] and comparison["champion"]["enough_clicks"]
    assert comparison["candidate"]["answers"] == comparison["champion"]["answers"] < 400 / 3, "those set aside"
    low, high = comparison["difference"]["interval"]
    assert low <= comparison["difference"]["clicks_per_answer"] <= high
    assert comparison["said"] in candidate.verdict["summary"]
    assert "it decides nothing" in comparison["said"]
    assert "off" not in {check["name"] for check in candidate.verdict["checks"]}
    json.dumps(candidate.verdict)


def test_an_answer_that_chance_had_a_hand_in_is_set_aside_whole(explored: tuple[Path, float]) -> None:
    """Or those with a click that was learnt would be missing among them, and those without would not."""
    memory = Memory.open(explored[0])
    clicks = liked_clicks(memory, "films")
    answers = read_log(memory, "films").set_aside().answers
    assert {answer.response.id for answer in answers if answer.clicked} == {
        answer.answer for answer in clicks if answer.answer and set_aside(answer.answer)
    }
    assert any(not answer.clicked for answer in answers)


def test_too_few_clicks_are_said_and_nothing_is_where_nothing_was_explored(shop: Path) -> None:
    project, agent = Project.open(shop), Agent.load(shop)
    assert project.evaluate().skills["films"].off_policy is None
    assert "off_policy" not in project.evaluate().to_json()["skills"]["films"]
    text = (shop / "agent.toml").read_text("utf-8")
    (shop / "agent.toml").write_text(text.replace("[gate]", "exploration = 0.1\n[gate]"), "utf-8")
    answer = recommend(agent, ItemRequest())
    agent.feedback(answer.id, label=answer.items[0].item.id)
    project = Project.open(shop)
    evaluated = project.evaluate().to_json()["skills"]["films"]["off_policy"]
    assert evaluated["said"] == f"too few clicks to tell (0 of {FEWEST_CLICKS} needed, in 0 answers)"
    assert "clicks_per_answer" not in evaluated
    candidate = project.improve(QUIET)
    assert candidate.verdict is not None
    assert "too few clicks to tell" in candidate.verdict["summary"]
    assert "difference" not in candidate.verdict["off_policy"]["films"]
    assert candidate.skills["films"].answering["exploration"] == 0.1


def test_chat_is_explored_too_and_what_is_only_parsed_is_not(shop_that_explores: Path) -> None:
    agent = Agent.load(shop_that_explores)
    response = agent.respond("a comedy", user="u1")
    stored = agent.memory.responses.get(response.id)
    assert stored.log is not None
    assert len(stored.log["propensities"]) == len(stored.alternatives) > 0
    assert ItemRequest.from_json(stored.log["asked"]).user == "u1"
    assert "propensities" not in json.dumps(asdict(response)), "it is kept, and not handed out"
    parsed = {tuple(dict(agent.parse(["a comedy"])[0][1].alternatives)) for _ in range(20)}
    assert len(parsed) == 1
    assert read_log(agent.memory, "films").answers[-1].response.id == response.id


def test_what_was_turned_down_or_looked_at_briefly_is_no_click(shop_that_explores: Path) -> None:
    agent = Agent.load(shop_that_explores)
    answer = recommend(agent, ItemRequest(user="u1", count=5))
    names = [scored.item.id for scored in answer.items]
    agent.feedback(answer.id, label=names[0], rating=20 / 30)
    agent.feedback(answer.id, label=names[1], rating=5 / 30)
    agent.feedback(answer.id, label=names[2], rating="up")
    agent.feedback(answer.id, label=names[2], rating="down")
    agent.feedback(answer.id, label=names[3])
    agent.feedback(answer.id, label="an item that was not shown")
    last = read_log(agent.memory, "films").answers[-1]
    assert last.response.id == answer.id
    assert last.clicked == {names[0], names[3]}


def test_answers_that_an_earlier_version_logged_are_found_beside_new_ones(shop_that_explores: Path) -> None:
    """Their database had one column more by another name, and neither state nor details."""
    memory = Memory.open(shop_that_explores)
    before = read_log(memory, "films").answers
    with memory.database.durable() as connection:
        connection.exec_driver_sql("UPDATE responses SET state = NULL, details = NULL")
    memory.database.close()
    agent = Agent.load(shop_that_explores)
    answer = recommend(agent, ItemRequest(user="u1"))
    after = read_log(agent.memory, "films").answers
    assert [(logged.request, logged.propensities, logged.clicked) for logged in after[:-1]] == [
        (logged.request, logged.propensities, logged.clicked) for logged in before
    ]
    assert after[-1].response.id == answer.id


def test_a_conversation_that_an_earlier_version_began_goes_on(shop: Path) -> None:
    agent = Agent.load(shop)
    first = agent.respond("a comedy", "ann")
    with agent.memory.database.durable() as connection:
        connection.exec_driver_sql("UPDATE responses SET state = NULL, details = NULL")
    cheaper = agent.respond("something else", "ann")
    assert cheaper.alternatives and not {name for name, _ in first.alternatives} & {
        name for name, _ in cheaper.alternatives
    }
    assert {name[0] for name, _ in cheaper.alternatives} == {"c"}
    assert agent.memory.responses.get(cheaper.id).message == "a comedy; something else"
