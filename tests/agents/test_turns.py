"""What the agent does with any skills: all consider a turn, one replies, and what it keeps comes back to it alone."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from autogen.agents.messages import Message
from autogen.errors import UnknownResponse, UsageError
from autogen.feedback.entities import EntitySpan
from autogen.feedback.memory import Memory
from autogen.skills.skill import Observer, Turn
from autogen.storage.replies import PublicReply, Reply, Response
from tests.agents.skills import Counting, agent_of


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory.open(tmp_path)


def test_only_the_surest_skill_replies(memory: Memory) -> None:
    unsure, sure = Counting(0.3), Counting(0.9)
    agent = agent_of(memory, unsure=unsure, sure=sure)
    assert agent.respond("hello").skill == "sure"
    assert [skill for skill, _ in agent.parse(["hello"])] == ["sure"]
    assert (len(unsure.turns), len(sure.turns)) == (0, 2)


def test_of_equally_sure_skills_the_first_replies_and_one_out_of_scope_comes_last(memory: Memory) -> None:
    assert agent_of(memory, first=Counting(0.5), second=Counting(0.5)).respond("hello").skill == "first"
    assert agent_of(memory, lost=Counting(0.9, in_scope=False), found=Counting(0.1)).respond("hello").skill == "found"


def test_a_skill_s_state_and_last_action_come_back_with_the_conversation_s_next_turn(memory: Memory) -> None:
    skill = Counting()
    agent = agent_of(memory, counting=skill)
    assert [agent.respond("hi", "ann").text for _ in range(3)] == ["turn 1", "turn 2", "turn 3"]
    assert agent.respond("hi", "bob").text == "turn 1"
    assert [turn.last_action for turn in skill.turns] == [None, "act", "act", None]
    assert skill.turns[0].state == {}


def test_the_state_outlives_the_process(memory: Memory, tmp_path: Path) -> None:
    agent_of(memory, counting=Counting()).respond("hi", "ann")
    assert agent_of(Memory.open(tmp_path), counting=Counting()).respond("hi", "ann").text == "turn 2"


def test_a_state_is_seen_by_no_other_skill(memory: Memory) -> None:
    other = Counting(0.1)
    agent_of(memory, counting=Counting(0.9), other=other).respond("hi", "ann")
    assert agent_of(memory, counting=Counting(0.05), other=other).respond("hi", "ann").text == "turn 1"
    assert (other.turns[0].state, other.turns[0].last_action) == ({}, None)


def test_details_are_handed_out_and_what_is_kept_beside_them_is_not(memory: Memory) -> None:
    response = agent_of(memory, counting=Counting()).respond("hi there")
    assert response.details == {"entities": [{"start": 0, "end": 8, "label": "all"}]}
    assert response.action == "act"
    stored = memory.responses.get(response.id)
    assert (stored.details, stored.state, stored.log) == (response.details, {"count": 1}, {"secret": "hi there"})
    public_json = json.dumps(asdict(response))
    assert "secret" not in public_json and '"count"' not in public_json


def test_whoever_writes_is_known_to_the_skill_and_parsing_is_told_apart(memory: Memory) -> None:
    skill = Counting()
    agent = agent_of(memory, counting=skill)
    agent.respond("hi", user="ann")
    agent.parse(["hi"])
    assert [(turn.user, turn.kept) for turn in skill.turns] == [("ann", True), (None, False)]


def test_the_skill_that_feedback_is_on_says_what_its_sender_should_know(memory: Memory) -> None:
    agent = agent_of(memory, counting=Counting())
    response = agent.respond("hi")
    assert agent.note_on(agent.feedback(response.id, label="x")) == "x is noted"
    assert agent.note_on(agent.feedback(response.id, rating="up")) is None
    assert agent_of(memory, other=Counting()).note_on(agent.feedback(response.id, label="x")) is None


def test_skills_are_found_by_what_they_are(memory: Memory) -> None:
    skill = Counting()
    agent = agent_of(memory, counting=skill)
    assert agent.skills(Counting) == {"counting": skill}
    assert agent.skills(Observer) == {}  # type: ignore[type-abstract]


def test_what_a_skill_says_outside_of_a_conversation_is_kept_for_feedback(memory: Memory) -> None:
    agent = agent_of(memory, counting=Counting())
    response = agent.keep("counting", Reply("here", "answer", 0.5, log={"k": 1}), "a wish", "ann")
    stored = memory.responses.get(response.id)
    assert (stored.text, stored.message, stored.user, stored.skill, stored.log) == (
        "here",
        "a wish",
        "ann",
        "counting",
        {"k": 1},
    )
    assert agent.feedback(response.id, rating="up").message == "a wish"
    with pytest.raises(UsageError, match="surrogate"):
        agent.keep("counting", Reply("here", "answer", 0.5), "half \ud83d")
    with pytest.raises(UsageError, match="user"):
        agent.keep("counting", Reply("here", "answer", 0.5), "a wish", "x" * 500)


def test_corrected_entities_are_kept_with_the_response(memory: Memory) -> None:
    agent = agent_of(memory, counting=Counting())
    response = agent.respond("from Rome")
    stored = agent.feedback(response.id, entities=[EntitySpan(5, 9, "city")])
    assert memory.feedback.get(stored.id).entities == (EntitySpan(5, 9, "city"),)


def test_a_reply_s_public_fields_are_a_response_s(memory: Memory) -> None:
    """A field that is added to `PublicReply` is in every response, without another edit."""
    own = {"id", "conversation_id", "version", "skill"}
    assert {field_.name for field_ in fields(Response)} == {field_.name for field_ in fields(PublicReply)} | own
    reply = Counting().reply(Turn("hi"))
    response = agent_of(memory, counting=Counting()).respond("hi")
    assert all(getattr(response, field_.name) == getattr(reply, field_.name) for field_ in fields(PublicReply))


def test_a_message_after_a_response_that_was_never_given_is_refused_before_a_skill_sees_it(memory: Memory) -> None:
    skill = Counting()
    with pytest.raises(UnknownResponse):
        agent_of(memory, counting=skill).respond_all([Message("hi", after="resp-unknown")])
    assert skill.turns == []
