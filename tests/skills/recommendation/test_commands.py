from __future__ import annotations

import json
from pathlib import Path

from tests.cli.process import autogen, called


def test_items_are_recommended_with_the_evidence_for_each(shop: Path) -> None:
    result = called("recommend", "-p", shop, "--user", "u1", "-k", "3", "--json")
    assert result.code == 0, result.err
    answer = result.json
    assert len(answer["items"]) == 3
    assert all(item["reason"] for item in answer["items"])
    shown = called("recommend", "-p", shop, "--query", "a comedy under 10 euros")
    assert shown.code == 0
    assert "of comedy" in shown.out and "understood" in shown.err


def test_what_cannot_be_asked_is_said_in_one_line(shop: Path, trained: Path) -> None:
    for words in (["--filters", "{"], ["--filters", '{"colour": "red"}'], ["--skill", "none"]):
        result = called("recommend", "-p", shop, *words)
        assert result.code == 2 and result.err.startswith("error:"), result.err
    assert called("recommend", "-p", trained).code == 2
    nothing = called("recommend", "-p", shop, "--filters", '{"price": {"max": -1}}')
    assert nothing.code == 0 and "Nothing passes" in nothing.out


def test_in_chat_a_number_clicks_on_a_card(shop: Path) -> None:
    result = autogen("chat", "-p", shop, "--json", typed="a comedy\n2\nsomething else\n/new\n2\n")
    assert result.code == 0, result.err
    first, click, other, *rest = [json.loads(line) for line in result.out.splitlines()]
    assert click["item"] == first["alternatives"][1][0]
    assert click["feedback"].startswith("fb-")
    assert other["conversation_id"] == first["conversation_id"]
    assert "item" not in rest[-1], "after /new no card is shown"


def test_in_chat_a_card_that_does_not_interest_is_not_shown_again(shop: Path) -> None:
    result = autogen(
        "chat", "-p", shop, "--json", typed="a comedy\n/down 1\na comedy\n/up 2\n/down\n/down 99\n/up c3\n"
    )
    assert result.code == 0, result.err
    assert "Expected a number from 1 to" in result.err
    first, _, again, *_ = result.objects
    turned_down = first["alternatives"][0][0]
    assert turned_down not in dict(again["alternatives"])
    feedback = called("feedback", "list", "-p", shop, "--json").json["feedback"]
    assert [(entry["rating"], entry["label"]) for entry in feedback] == [
        (0.0, turned_down),
        (1.0, again["alternatives"][1][0]),
        (0.0, None),
    ]


def test_where_exploration_is_on_evaluate_says_what_a_version_would_have_been_clicked(shop: Path) -> None:
    text = (shop / "agent.toml").read_text("utf-8")
    (shop / "agent.toml").write_text(text.replace("[gate]", "exploration = 0.1\n[gate]"), "utf-8")
    measured = called("evaluate", "-p", shop, "--json").json["skills"]["films"]["off_policy"]
    assert (measured["enough_clicks"], measured["answers"]) == (False, 0)
    shown = " ".join(called("evaluate", "-p", shop).out.split())
    assert "Off-policy, clicks per answer on 0 logged answers: too few clicks to tell" in shown


def test_check_and_evaluate_show_what_matters_here(shop: Path) -> None:
    checked = called("check", "-p", shop)
    assert checked.code == 0 and "events of 80 users" in checked.out
    measured = called("evaluate", "-p", shop, "--json")
    assert measured.code == 0
    metrics = measured.json["skills"]["films"]["metrics"]
    assert {"ndcg_at_10", "hit_rate_at_10", "recall_at_10", "coverage_at_10", "novelty_at_10"} <= set(metrics)
    shown = called("evaluate", "-p", shop)
    assert "popular this week" in " ".join(shown.out.split()) and "ndcg_at_10" in shown.out
