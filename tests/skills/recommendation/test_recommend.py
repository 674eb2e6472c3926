"""What clicks move: of people whom somebody vouches for, and of names that anybody can invent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autogen import Agent, Project
from autogen.errors import Refused
from autogen.feedback.forgetting import Selection
from autogen.progress import TrainingProgress
from autogen.project.needs import curation_policy, needs_of
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.recommend import recommend, recommender_of
from autogen.tasks.recommendation.rows import liked_clicks
from autogen.tasks.task import FeedbackOn

QUIET = TrainingProgress(quiet=True)
KNOWN = [f"u{user}" for user in range(80)]
MOST_MORE = 0.02  # of the users, to whom an attack may bring its item


def shown_to(agent: Agent, users: list[str], count: int = 5) -> list[list[str]]:
    skill = recommender_of(agent)[1]
    return [skill.best(ItemRequest(user=user, count=count)) for user in users]


def share_shown(agent: Agent, item: str, users: list[str]) -> float:
    return sum(item in shown for shown in shown_to(agent, users)) / len(users)


def rarest_item(agent: Agent) -> str:
    """The one that the fewest are shown, of those that somebody has chosen."""
    chosen = {*recommender_of(agent)[1].live.model.items[:24]}
    lists = shown_to(agent, KNOWN)
    return min(sorted(chosen), key=lambda item: sum(item in shown for shown in lists))


def click(agent: Agent, names: list[str], item: str, shown: bool = True, vouched: bool = False) -> None:
    """One click of each name over HTTP, in an answer of its own."""
    for name in names:
        exclude = () if shown else (item,)
        answer = recommend(agent, ItemRequest(user=name, count=25, exclude=exclude))
        assert (item in [scored.item.id for scored in answer.items]) == shown
        agent.feedback(answer.id, label=item, user=name, trusted=False, vouched=vouched, source="http")


@pytest.mark.parametrize("names", [20, 100])
@pytest.mark.parametrize(
    ("shown", "vouched"), [(False, False), (True, False), (False, True), (True, True)], ids=lambda value: str(value)
)
def test_clicks_under_invented_names_bring_an_item_to_nobody(
    shop: Path, names: int, shown: bool, vouched: bool
) -> None:
    """Whether an answer had shown it or not, and also where an application vouches for the names: none of them has
    done anything before."""
    agent = Agent.load(shop)
    target = rarest_item(agent)
    everybody = [*KNOWN, "somebody new", "another"]
    before = share_shown(agent, target, everybody)
    click(agent, [f"v{name}" for name in range(names)], target, shown, vouched)
    assert share_shown(agent, target, everybody) <= before + MOST_MORE
    with pytest.raises(Refused, match="No feedback"):
        Project.open(shop).improve(QUIET)


def test_a_stranger_moves_the_answers_of_the_own_conversation_alone(shop: Path) -> None:
    """Not those of the user whom it names, and not those of a user who has the conversation's name."""
    agent = Agent.load(shop)
    before = shown_to(agent, ["u3", "u4", "nobody"])
    first = agent.respond("a comedy", "u3")
    item = first.alternatives[0][0]
    agent.feedback(first.id, label=item, user="u4", trusted=False, vouched=False, source="http")
    assert item not in dict(agent.respond("a comedy", "u3").alternatives)
    assert shown_to(agent, ["u3", "u4", "nobody"]) == before


def test_a_conversation_under_a_name_takes_what_was_clicked_in_it(shop: Path) -> None:
    agent = Agent.load(shop)
    first = agent.respond("a comedy", "talk", user="u4")
    item = first.alternatives[0][0]
    agent.feedback(first.id, label=item, user="u4", trusted=False, vouched=False, source="http")
    assert item not in dict(agent.respond("a comedy", "talk", user="u4").alternatives)
    assert item in dict(agent.respond("a comedy", "elsewhere", user="u4").alternatives)
    agent.feedback(first.id, label=item, rating="down", trusted=False, vouched=False, source="http")
    assert item not in dict(agent.respond("a comedy", "talk", user="u4").alternatives)


def test_a_click_of_a_user_who_is_vouched_for_is_the_user_s_own_everywhere(shop: Path) -> None:
    agent = Agent.load(shop)
    answer = recommend(agent, ItemRequest(user="u4"))
    item = answer.items[0].item.id
    agent.feedback(answer.id, label=item, user="u4", trusted=False, vouched=True, source="http")
    assert item not in shown_to(agent, ["u4"])[0]


@pytest.mark.parametrize("give", [{"trusted": True}, {"trusted": False, "vouched": True}])
def test_people_with_a_history_and_the_owner_make_a_trend(shop: Path, give: dict[str, bool]) -> None:
    agent = Agent.load(shop)
    target, live = rarest_item(agent), recommender_of(agent)[1].live
    place, now = live.place_of[target], live.clock()
    before = live.counts(now)[1, place]
    fans = 0
    for user in KNOWN:
        answer = recommend(agent, ItemRequest(user=user, count=25))
        if target in [scored.item.id for scored in answer.items]:
            agent.feedback(answer.id, label=target, user=user, source="http", **give)
            fans += 1
    assert fans > 40
    live = recommender_of(agent)[1].live
    assert live.counts(live.clock())[1, place] > before + 2


def test_an_item_that_the_answer_did_not_show_is_not_clicked(shop: Path) -> None:
    agent = Agent.load(shop)
    answer = recommend(agent, ItemRequest(user="u4", count=3))
    other = shown_to(agent, ["u4"], 10)[0][-1]
    agent.feedback(answer.id, label=other, user="u4", trusted=False, vouched=True, source="http")
    assert other in shown_to(agent, ["u4"], 10)[0]


def test_what_is_clicked_in_one_answer_counts_once_whoever_says_it(shop: Path) -> None:
    agent = Agent.load(shop)
    answer = recommend(agent, ItemRequest(user="u4", count=3))
    item = answer.items[0].item.id
    for name in ("u4", "u6", "u8"):
        agent.feedback(answer.id, label=item, user=name, trusted=False, vouched=True, source="http")
    live = recommender_of(agent)[1].live
    gained: Callable[[str], bool] = lambda name: live.place_of[item] in live.query(name)[0].items[-1:]  # noqa: E731
    assert [gained(name) for name in ("u4", "u6", "u8")] == [True, False, False]


def test_a_person_s_review_lets_a_stranger_s_click_teach(shop: Path) -> None:
    agent = Agent.load(shop)
    for number in range(12):
        answer = recommend(agent, ItemRequest(user=f"v{number}"))
        item = answer.items[0].item.id
        feedback = agent.feedback(answer.id, label=item, user=f"v{number}", trusted=False, vouched=False, source="http")
        agent.memory.feedback.decide(feedback.id, "accept" if number else "drop")
    candidate = Project.open(shop).improve(QUIET)
    assert len(candidate.feedback) == 11


GIVERS: dict[str, tuple[list[str], dict[str, bool]]] = {
    "owner": ([""], {"trusted": True}),
    "with a history": (["u1", "u2"], {"trusted": False, "vouched": True}),
    "newcomers": (["v1", "v2"], {"trusted": False, "vouched": True}),
    "strangers": (["w1", "w2"], {"trusted": False, "vouched": False}),
}


def chosen_of_late(agent: Agent, item: str) -> float:
    """By the half-life of 180 days."""
    live = recommender_of(agent)[1].live
    return float(live.counts(live.clock())[5, live.place_of[item]])


def joined(shop: Path) -> set[str | None]:
    """The items whose clicks a training would learn or set aside."""
    project = Project.open(shop)
    (need,), config = needs_of(project.config), curation_policy(project.config)
    champion = Agent.load(shop)._skills["films"].models[need.need.name]
    data = need.task.with_feedback(
        need.task.read(shop, need.need), FeedbackOn(project.memory, "films", policy=config), champion
    )
    return {item.label for item in project.memory.feedback.all() if item.id in data.feedback}


@pytest.mark.parametrize(
    ("learn_from", "who"),
    [
        ("owner", ["owner"]),
        ("reviewed", ["owner", "with a history"]),
        ("trusted-users", ["owner", "with a history", "newcomers"]),
        ("everyone", [*GIVERS]),
    ],
)
def test_whose_clicks_trend_and_are_learnt_is_as_the_setting_says(shop: Path, learn_from: str, who: list[str]) -> None:
    with (shop / "agent.toml").open("a", encoding="utf-8") as config:
        config.write(f'\n[feedback]\nlearn_from = "{learn_from}"\n')
    agent = Agent.load(shop)
    shown = [scored.item.id for scored in recommend(agent, ItemRequest(count=25)).items]
    items = dict(zip(GIVERS, shown, strict=False))
    before = {giver: chosen_of_late(agent, item) for giver, item in items.items()}
    for giver, (names, how) in GIVERS.items():
        for name in names:
            answer = recommend(agent, ItemRequest(count=25))
            agent.feedback(answer.id, label=items[giver], user=name or None, source="http", **how)
    assert [giver for giver, item in items.items() if chosen_of_late(agent, item) > before[giver] + 0.5] == who
    assert joined(shop) == {items[giver] for giver in who}


def test_what_strangers_click_is_learnt_under_no_user_s_name(shop: Path) -> None:
    with (shop / "agent.toml").open("a", encoding="utf-8") as config:
        config.write('\n[feedback]\nlearn_from = "everyone"\n')
    agent = Agent.load(shop)
    answer = agent.respond("a comedy", "u3")
    agent.feedback(answer.id, label=answer.alternatives[0][0], user="u4", trusted=False, vouched=False, source="http")
    (click,) = liked_clicks(agent.memory, "films", learn_from="everyone")
    assert (click.user, click.learner) == ("u3", "conversation u3")


def test_what_was_dropped_trends_no_more_at_once_and_after_a_restart(shop: Path) -> None:
    agent = Agent.load(shop)
    item = recommend(agent, ItemRequest(count=25)).items[0].item.id
    before, histories = chosen_of_late(agent, item), len(recommender_of(agent)[1].live.query("u1")[0].items)
    for name in ("u1", "u2", "u3"):
        answer = recommend(agent, ItemRequest(count=25))
        feedback = agent.feedback(answer.id, label=item, user=name, trusted=False, vouched=True, source="http")
    assert chosen_of_late(agent, item) > before + 2
    assert Project.open(shop).drop_feedback(Selection(user=None, source="http")).dropped == 3
    assert chosen_of_late(agent, item) == pytest.approx(before, abs=0.01)
    assert len(recommender_of(agent)[1].live.query("u1")[0].items) == histories
    assert chosen_of_late(Agent.load(shop), item) == pytest.approx(before, abs=0.01)
    agent.memory.feedback.decide(feedback.id, "accept")
    assert chosen_of_late(agent, item) == pytest.approx(before + 1, abs=0.1)
