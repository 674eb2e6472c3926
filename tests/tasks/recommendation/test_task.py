from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogen import Agent, Project
from autogen.agents.loading import load_skills
from autogen.errors import DataError, Refused, UsageError, VersionDamaged
from autogen.knowledge.half_precision import as_float32
from autogen.knowledge.pgvector_index import PgVectorIndex
from autogen.progress import TrainingProgress
from autogen.project.needs import needs_of
from autogen.skills.recommendation.answering import RecommendationSkill
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.recommend import recommend, recommender_of
from autogen.tasks.recommendation import TASK
from autogen.tasks.recommendation.clicks import Click
from autogen.tasks.recommendation.rows import Behaviour, hold_out, lag_of, read_behaviour, set_aside, with_clicks
from autogen.tasks.task import Need
from autogen.versions.fingerprints import earlier_eval_rows
from autogen.versions.manifest import Manifest
from autogen.versions.registry import Versions
from tests.servers import postgres_server
from tests.shop import BEGAN, DAY, NEW, events, write_events, write_shop

QUIET = TrainingProgress(quiet=True)
TINY = {"language-not-covered"}  # the tiny base model knows hardly a word


def need_of(project: Path) -> Need:
    return needs_of(Project.open(project).config)[0].need


def click(project: Path, items: Mapping[str, list[str]]) -> None:
    """What each user clicked, by the owner's word, all in one answer."""
    agent = Agent.load(project)
    for user, wanted in items.items():
        answer = recommend(agent, ItemRequest(user=user)).id
        for item in wanted:
            agent.feedback(answer, label=item, rating="up", user=user, trusted=True)


def checks(manifest: Manifest) -> dict[str, dict[str, Any]]:
    assert manifest.verdict is not None
    return {check["name"]: check for check in manifest.verdict["checks"]}


def test_the_whole_loop_from_events_to_a_better_model_and_back(shop: Path) -> None:
    project, agent = Project.open(shop), Agent.load(shop)
    first = project.evaluate().skills["films"]
    assert first.metrics["ndcg_at_10"] > first.needs["items"].baselines["most popular this week"]["ndcg_at_10"]
    assert 0 < first.metrics["hit_rate_at_10"] <= 1
    for user in range(30):
        found = recommend(agent, ItemRequest(user=f"u{user}"))
        agent.feedback(found.id, label=found.items[0].item.id, rating="up", user=f"u{user}")
    candidate = project.improve(TrainingProgress(quiet=True))
    assert candidate.version == "0002"
    assert len(candidate.feedback) == 30
    record = candidate.skills["films"].models["items"]
    aside = sum(set_aside(name) for name in candidate.feedback)
    before = project.versions.manifest("0001").skills["films"].models["items"]
    assert record.train_rows == before.train_rows + 30 - aside
    assert record.held_out_rows == before.held_out_rows + aside
    assert candidate.verdict is not None
    assert [check["name"] for check in candidate.verdict["checks"]] == [
        "enough rows",
        "not inferior, overall",
        "not inferior, held out before",
        "better at something",
        "no group worse",
        "protected rows",
        "latency",
        "size",
        "parity",
    ]
    assert project.promote("0002", force=not candidate.passed) == "0002"
    assert recommend(Agent.load(shop), ItemRequest(user="u0")).version == "0002"
    assert project.rollback() == ("0002", "0001")
    with pytest.raises(Refused, match="No feedback"):
        Project.open(_improved(shop)).improve(QUIET)


def _improved(shop: Path) -> Path:
    Project.open(shop).promote("0002", force=True)
    return shop


def test_feedback_on_a_recommendation_is_its_user_s_own(shop: Path) -> None:
    agent = Agent.load(shop)
    found = recommend(agent, ItemRequest(user="u3"))
    agent.feedback(found.id, label=found.items[0].item.id)
    after = recommend(agent, ItemRequest(user="u3", count=24))
    assert found.items[0].item.id not in [one.item.id for one in after.items]
    assert found.items[0].item.id in [
        one.item.id for one in recommend(Agent.load(shop), ItemRequest(user="stranger", count=50)).items
    ]


def test_a_conversation_without_a_user_s_name_remembers_its_clicks(shop: Path) -> None:
    agent = Agent.load(shop)
    answer = agent.respond("a comedy")
    item = answer.alternatives[0][0]
    agent.feedback(answer.id, label=item, rating="up")
    second = agent.respond("a comedy", answer.conversation_id)
    assert item not in dict(second.alternatives)
    assert item in dict(agent.respond("a comedy").alternatives)


def test_what_does_not_interest_is_neither_learnt_nor_shown_by_the_next_version(shop: Path) -> None:
    project, agent = Project.open(shop), Agent.load(shop)
    for user in range(12):
        found = recommend(agent, ItemRequest(user=f"u{user}"))
        agent.feedback(found.id, label=found.items[0].item.id, rating=25 / 30, user=f"u{user}")
        agent.feedback(found.id, label=found.items[1].item.id, rating=5 / 30, user=f"u{user}")
    found = recommend(agent, ItemRequest(user="picky"))
    first, second, third = [one.item.id for one in found.items[:3]]
    agent.feedback(found.id, label=first, rating="down")
    agent.feedback(found.id, label=second, rating="up")
    agent.feedback(found.id, label=second, rating="down")
    agent.feedback(found.id, label=third, rating="up")
    candidate = project.improve(QUIET)
    assert len(candidate.feedback) == 13, "long looks and what was not taken back"
    project.promote(candidate.version, force=True)
    after = Agent.load(shop)
    assert not {first, second, third} & {
        one.item.id for one in recommend(after, ItemRequest(user="picky", count=50)).items
    }
    live = recommender_of(after)[1].live
    assert [live.model.items[at] for at in live.query("picky")[0].items] == [third], (
        "learnt, or set aside and seen live"
    )


def test_feedback_that_says_nothing_of_an_item_is_nothing_to_improve_with(shop: Path) -> None:
    agent = Agent.load(shop)
    found = recommend(agent, ItemRequest(user="u1"))
    agent.feedback(found.id, label=found.items[0].item.id, rating=5 / 30)
    agent.feedback(found.id, label=found.items[1].item.id, rating="down")
    with pytest.raises(Refused, match="No feedback"):
        Project.open(shop).improve(QUIET)


def test_check_says_what_would_be_learnt_from(untrained_shop: Path) -> None:
    (check,) = Project.open(untrained_shop).check()
    assert {problem.kind for problem in check.problems} <= TINY
    words, eval_line = check.needs[0].summary.lines
    assert words.endswith("with 24 of the catalogue's 25 items.")
    assert "a tenth of those" in eval_line
    assert check.to_json()["learns_from"] + "." == words


def test_events_with_items_that_are_not_in_the_catalogue_teach_but_are_not_shown(untrained_shop: Path) -> None:
    more = [(f"u{user}", "gone", BEGAN + 70 * DAY + user, 5) for user in range(80)]
    write_events(untrained_shop / "data/interactions.csv", [*events(), *more])
    project = Project.open(untrained_shop)
    (check,) = project.check()
    assert {problem.kind for problem in check.problems} - TINY == {"unknown-item"}
    assert "24 of the catalogue's 25 items and 1 that it does not have" in check.needs[0].summary.lines[0]
    project.train(progress=TrainingProgress(quiet=True))
    shown = recommend(Agent.load(untrained_shop), ItemRequest(count=50)).items
    assert len(shown) == 25
    assert "gone" not in [entry.item.id for entry in shown]


def test_without_a_catalogue_the_events_are_one(tmp_path: Path, tiny_base_model: Path) -> None:
    folder = write_shop(tmp_path / "shop", tiny_base_model, items=False)
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    found = recommend(Agent.load(folder), ItemRequest(user="u1"))
    assert found.items[0].item.title == found.items[0].item.id


def test_a_catalogue_that_changed_since_is_learnt_anew(shop: Path) -> None:
    rows = [json.loads(line) for line in (shop / "data/items.jsonl").read_text("utf-8").splitlines()]
    rows = [row | {"title": "Renamed"} if row["item"] == "c1" else row for row in rows if row["item"] != "h1"]
    rows.append({"item": "c-later", "title": "A later comedy", "genres": ["Comedy"], "year": 2004})
    (shop / "data/items.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    project = Project.open(shop)
    project.train(progress=TrainingProgress(quiet=True))
    agent = Agent.load(shop, "0002")
    titles = {one.item.id: one.item.title for one in recommend(agent, ItemRequest(count=100)).items}
    assert titles["c1"] == "Renamed"
    assert "h1" not in titles
    assert "c-later" in titles


def test_rows_of_users_become_rows_with_their_best_items(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user\nu1\nnobody\n", "utf-8")
    assert Project.open(shop).predict(str(tmp_path / "users.csv"), tmp_path / "out.jsonl") == 2
    one, two = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert len(one["predictions"].split()) == 10
    assert one["prediction"] == one["predictions"].split()[0]
    assert two["user"] == "nobody"
    (tmp_path / "bad.csv").write_text("name\nu1\n", "utf-8")
    with pytest.raises(DataError, match="user"):
        Project.open(shop).predict(str(tmp_path / "bad.csv"), tmp_path / "out.csv")


def test_a_file_of_events_measures_a_version(shop: Path, tmp_path: Path) -> None:
    path = write_events(
        tmp_path / "later.csv", [("u1", "c1", BEGAN + 90 * DAY, 5), ("u1", "unheard", BEGAN + 91 * DAY, 5)]
    )
    evaluation = Project.open(shop).evaluate(str(path)).skills["films"]
    assert evaluation.needs["items"].rows == 1
    assert "does not know" in evaluation.warnings[0]
    (shop / "data/interactions.csv").unlink()
    assert Project.open(shop).evaluate(str(path)).skills["films"].metrics == evaluation.metrics


def test_a_damaged_recommender_is_noticed(shop: Path) -> None:
    path = next((shop / ".autogen/versions/0001").rglob("readings.npz"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(VersionDamaged):
        Agent.load(shop)


@pytest.mark.parametrize("command", ["tune", "curation", "discover"])
def test_what_is_for_labels_is_refused_with_the_reason(shop: Path, command: str) -> None:
    from autogen.training.search.study import Budget

    project = Project.open(shop)
    calls = {
        "tune": lambda: project.tune(None, Budget(1.0, 1), TrainingProgress(quiet=True)),
        "curation": lambda: project.curation(),
        "discover": lambda: project.skill("customer-service"),
    }
    with pytest.raises(UsageError, match="films"):
        calls[command]()
    assert project.review() == []
    assert project.deep_check(TrainingProgress(quiet=True)) == {}


def test_a_user_with_a_hundred_thousand_events_is_read_like_any_other(untrained_shop: Path) -> None:
    many = [("busy", f"c{at % 12}", BEGAN + at, 5) for at in range(100_000)]
    write_events(untrained_shop / "data/interactions.csv", [*events(20), *many])
    data = read_behaviour(untrained_shop, need_of(untrained_shop))
    assert len(data.events) + len(data.eval_events) > 100_000
    _, last_events = hold_out(data.events, 0)
    assert len(last_events) <= 2


def test_data_that_ended_long_ago_goes_on_from_its_end() -> None:
    assert lag_of(2e9 * 10, None) == 0
    assert lag_of(0.0, None) > 1e9


def test_texts_in_postgresql_are_wished_for_as_here_and_the_last_shown_is_new(
    untrained_shop: Path, tmp_path: Path
) -> None:
    with postgres_server(tmp_path) as url:
        config = untrained_shop / "agent.toml"
        more = f'new_items = 1\nindex = "{url}"\n[gate]'
        config.write_text(config.read_text("utf-8").replace("[gate]", more), "utf-8")
        Project.open(untrained_shop).train(progress=QUIET)
        versions = Versions(untrained_shop)
        films = load_skills(versions.folder / "0001", versions.manifest("0001"))["films"]
        assert isinstance(films, RecommendationSkill)
        assert films.shortlist is not None
        assert isinstance(films.shortlist.texts, PgVectorIndex)
        for request in (
            ItemRequest(user="u1", count=5),
            ItemRequest(like=("c3",), count=5),
            ItemRequest(query="horror", count=5),
        ):
            assert films.best(request) == replace(films, shortlist=None).best(request)
            assert films.best(request)[-1] == NEW, "nobody has chosen it"
        sought = as_float32(films.texts[3]) if films.texts is not None else np.empty(0, np.float32)
        assert films.shortlist.texts.search(sought, 1).tolist() == [3]
        films.shortlist.texts.close()
    found = films.best(ItemRequest(like=("c3",), count=5))
    assert found, "without the database what else is known answers"


def test_an_index_whose_address_will_not_do_is_refused_before_training(untrained_shop: Path) -> None:
    config = untrained_shop / "agent.toml"
    config.write_text(config.read_text("utf-8").replace("[gate]", 'index = "somewhere"\n[gate]'), "utf-8")
    project = Project.open(untrained_shop)
    (check,) = project.check()
    assert "index" in {problem.kind for problem in check.problems}
    with pytest.raises(DataError, match="embedded"):
        project.train(progress=QUIET)


def test_held_out_by_time_are_the_last_events_of_people_known_before(untrained_shop: Path) -> None:
    config = untrained_shop / "agent.toml"
    config.write_text(config.read_text("utf-8").replace("[gate]", 'split = "time"\n[gate]'), "utf-8")
    data = read_behaviour(untrained_shop, need_of(untrained_shop))
    assert data.events.time.max() < data.eval_events.time.min()
    assert 0 < len(data.eval_events) <= 0.1 * (len(data.events) + len(data.eval_events)) + 1
    assert set(data.eval_events.user.tolist()) <= set(data.events.user.tolist())
    assert "10% of all" in data.split


def test_a_poisoned_batch_of_clicks_cannot_vote_for_itself(shop: Path) -> None:
    """Everyone, those with held-out events too, clicks what is not to their taste: of these clicks some are set aside,
    and by them alone the candidate would be much better. Among them are users' own clicks, not the owner's alone."""
    chance = random.Random(0)
    click(shop, {f"u{user}": [f"{'hc'[user % 2]}{at}" for at in chance.sample(range(12), 9)] for user in range(80)})
    agent = Agent.load(shop)
    for user in range(10):
        answer = recommend(agent, ItemRequest(user=f"u{user}"))
        agent.feedback(answer.id, label=answer.items[-1].item.id, rating="up", user=f"u{user}", trusted=False)
    candidate = Project.open(shop).improve(QUIET)
    results = checks(candidate)
    assert results["better at something"]["passed"] and results["not inferior, overall"]["passed"]
    assert [name for name, check in results.items() if not check["passed"]] == ["not inferior, held out before"]
    before = results["not inferior, held out before"]["figures"]
    assert before["rows"] == 8 and before["candidate"] < before["champion"]


def test_clicks_that_were_set_aside_before_this_batch_are_held_out_before(shop: Path) -> None:
    project = Project.open(shop)
    click(shop, {f"v{user}": ["c1", "c2"] for user in range(15)})
    first = project.improve(QUIET)
    assert checks(first)["not inferior, held out before"]["figures"]["rows"] == 8
    aside = checks(first)["enough rows"]["figures"]["rows"] - 8
    assert aside > 0
    third = Project.open(shop).improve(QUIET)
    assert checks(third)["not inferior, held out before"]["figures"]["rows"] == 8, "a batch that was turned down"
    project.promote("0002", force=True)
    click(shop, {f"w{user}": ["c1", "c2"] for user in range(15)})
    second = checks(Project.open(shop).improve(QUIET))
    assert second["not inferior, held out before"]["figures"]["rows"] == 8 + aside
    assert second["enough rows"]["figures"]["rows"] > 8 + aside


def test_clicks_set_aside_are_queries_of_their_own_that_change_with_what_is_to_be_found(untrained_shop: Path) -> None:
    data = TASK.read(untrained_shop, need_of(untrained_shop))
    user = data.eval_events.users[int(data.eval_events.user[0])]
    asides = [name for name in map(str, range(40)) if set_aside(name)][:2]

    def clicked(*items: str) -> Behaviour:
        made = [Click(user, item, BEGAN + 90 * DAY, True, name) for item, name in zip(items, asides, strict=False)]
        return with_clicks(data, made, 0.0)

    before, one, two = (rows.fingerprints() for rows in (data, clicked("c1"), clicked("c1", "h2")))
    assert one[:-1] == two[:-1] == before, "held-out events are as they were"
    assert one[-1] != two[-1], "another click is another question"
    assert clicked("c1", "h2").identity().eval_rows == data.identity().eval_rows + 2
    assert clicked("c1").identity().eval != data.identity().eval


def test_a_retrained_version_lags_as_its_champion_does(shop: Path) -> None:
    project = Project.open(shop)
    project.train(progress=QUIET)
    one, two = (project.model("films", version) for version in ("0001", "0002"))
    assert one.card.lag == two.card.lag > 0
    assert checks(project.versions.manifest("0002"))["not inferior, overall"]["finding"].endswith(
        "the same model as the champion's"
    )


def test_protected_events_must_all_be_found(shop: Path) -> None:
    """Those of another skill in another file are not its own."""
    later = BEGAN + 90 * DAY
    items = [item for item, _ in ranked(shop, "u1", later)]
    write_events(shop / "data/protected.csv", [("u1", item, later, 5) for item in items[:2]])
    config = (shop / "agent.toml").read_text("utf-8")
    (shop / "agent.toml").write_text(f'{config}protected = "data/protected.csv"\n', "utf-8")
    results = checks(Project.open(shop).train(progress=QUIET))
    assert results["protected rows"]["finding"] == "all 1 protected rows right"
    write_events(shop / "data/protected.csv", [("u1", item, later, 5) for item in (items[0], items[-1])])
    results = checks(Project.open(shop).train(progress=QUIET))
    assert results["protected rows"]["finding"] == "1 of 1 protected rows wrong"


def ranked(project: Path, user: str, now: float) -> list[tuple[str, float]]:
    """All items that the champion would show this user then, best first."""
    model = Project.open(project).model("films")
    place = model.user_at[user]
    scores = model.scores(model.histories.query(place, now), model.trend().at(now))
    had = set(model.histories.all_of(place)[0].tolist())
    pairs = zip(model.answers, map(float, scores), strict=True)
    offered = [pair for at, pair in enumerate(pairs) if at not in had]
    return sorted(offered, key=lambda pair: -pair[1])


def test_what_a_recommender_was_measured_on_is_kept_with_it(shop: Path) -> None:
    versions = Versions(shop)
    assert earlier_eval_rows(versions, versions.manifest("0001")) == set(TASK.read(shop, need_of(shop)).fingerprints())


def test_questions_for_the_latency_ratio_are_the_same_whatever_the_model(shop: Path) -> None:
    model, data = Project.open(shop).model("films"), TASK.read(shop, need_of(shop))
    with_new = with_clicks(data, [Click("stranger", "c1", BEGAN, True, "fb")], 0.0)
    users = ("stranger", *with_new.events.users)
    with_stranger = replace(with_new, events=replace(with_new.events, users=users))
    assert len(TASK.timed(model, with_stranger)) == len(TASK.timed(model, data)) == 30
    assert all(len(np.asarray(question())) == len(model.items) for question in TASK.timed(model, with_stranger))


def test_events_without_any_item_of_the_catalogue_are_an_error_with_a_guess(untrained_shop: Path) -> None:
    write_events(untrained_shop / "data/interactions.csv", [(u, f"shop/{i}", t, r) for u, i, t, r in events()])
    (check,) = Project.open(untrained_shop).check()
    (error,) = check.errors
    assert error.kind == "no-known-item"
    assert "none of its 25" in error.message
    assert "only the end of the other's ids" in error.fix


def test_a_unit_of_times_and_low_ratings_are_said_by_check(untrained_shop: Path) -> None:
    path = untrained_shop / "data/interactions.csv"
    write_events(path, [(user, item, time * 1000, rating) for user, item, time, rating in events()])
    config = untrained_shop / "agent.toml"
    config.write_text(config.read_text("utf-8").replace("[skills.films]", "[skills.films]\nmin_rating = 4"), "utf-8")
    (check,) = Project.open(untrained_shop).check()
    assert {problem.kind for problem in check.problems} - TINY == {"low-rating"}
    assert "read as Unix milliseconds" in check.to_json()["notes"][0]
