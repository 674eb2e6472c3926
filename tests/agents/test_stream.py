"""Answers in pieces: kept when they are whole, and as far as they came when they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from autogen.agents.agent import Agent
from autogen.agents.messages import Message
from autogen.errors import UsageError
from autogen.feedback.memory import Memory
from tests.agents.skills import Counting, Mute, TakingBack, Telling, agent_of


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory.open(tmp_path)


def test_an_answer_comes_in_pieces_and_is_kept_when_it_is_whole(memory: Memory) -> None:
    agent = agent_of(memory, telling=Telling())
    chunks = list(agent.stream("once upon a time", "ann"))
    assert [chunk.text for chunk in chunks] == ["once", " upon", " a", " time"]
    assert [chunk.response.text for chunk in chunks][:2] == ["once", "once upon"]
    whole = chunks[-1].response
    assert (whole.text, whole.details["words"], whole.conversation_id) == ("once upon a time", 4, "ann")
    assert len({(chunk.response.id, chunk.response.conversation_id) for chunk in chunks}) == 1
    stored = memory.responses.get(whole.id)
    assert (stored.text, stored.message, stored.state) == ("once upon a time", "once upon a time", {"at": 3})
    assert agent.feedback(whole.id, rating="up").message == "once upon a time"


def test_each_piece_is_asked_for_when_it_is_read(memory: Memory) -> None:
    skill = Telling()
    chunks = agent_of(memory, telling=skill).stream("once upon a time")
    assert skill.spoken_words == []
    next(chunks)
    assert skill.spoken_words == ["once"]


def test_whoever_goes_away_cancels_it_and_what_was_said_is_kept(memory: Memory) -> None:
    skill = Telling()
    for chunk in agent_of(memory, telling=skill).stream("once upon a time", "ann"):
        if chunk.text == " upon":
            break
    del chunk
    assert (skill.spoken_words, skill.ended) == (["once", "upon"], ["cancelled"])
    stored = memory.responses.last_of("ann")
    assert stored is not None and (stored.text, stored.details["words"], stored.state) == ("once upon", 2, {"at": 1})


def test_a_stream_that_nobody_reads_does_nothing(memory: Memory) -> None:
    skill = Telling()
    (chunks,) = agent_of(memory, telling=skill).stream_all([Message("once upon", "ann")])
    chunks.close()
    assert (skill.spoken_words, memory.responses.last_of("ann")) == ([], None)


def test_where_it_fails_what_was_said_is_kept_and_the_error_is_seen(memory: Memory) -> None:
    skill = Telling()
    chunks = agent_of(memory, telling=skill).stream("once upon fail", "ann")
    assert [next(chunks).text, next(chunks).text] == ["once", " upon"]
    with pytest.raises(RuntimeError, match="it failed"):
        next(chunks)
    stored = memory.responses.last_of("ann")
    assert stored is not None and stored.text == "once upon"
    assert skill.ended == ["failed"]


def test_a_skill_that_takes_back_what_it_said_or_says_nothing_is_at_fault(memory: Memory) -> None:
    with pytest.raises(ValueError, match="took back what it had said"):
        list(agent_of(memory, telling=TakingBack()).stream("hi", "ann"))
    stored = memory.responses.last_of("ann")
    assert stored is not None and stored.text == "It is so"
    with pytest.raises(ValueError, match="said nothing"):
        list(agent_of(memory, telling=Mute()).stream("hi", "bob"))
    assert memory.responses.last_of("bob") is None


def test_a_skill_that_does_not_stream_answers_in_one_piece_that_is_kept_by_then(memory: Memory) -> None:
    chunks = agent_of(memory, counting=Counting()).stream("hi", "ann", user="bob")
    chunk = next(chunks)
    stored = memory.responses.get(chunk.response.id)
    assert (chunk.text, stored.text, stored.user, stored.state) == ("turn 1", "turn 1", "bob", {"count": 1})
    assert list(chunks) == []


def test_the_conversation_goes_on_after_a_stream(memory: Memory) -> None:
    agent = agent_of(memory, counting=Counting())
    list(agent.stream("hi", "ann"))
    assert agent.respond("hi", "ann").text == "turn 2"


def test_without_streaming_a_skill_that_could_answers_whole(memory: Memory) -> None:
    skill = Telling()
    assert agent_of(memory, telling=skill).respond("once upon a time").text == "once upon a time"
    assert skill.ended == ["whole"]


def test_what_cannot_be_answered_is_refused_at_once(memory: Memory) -> None:
    with pytest.raises(UsageError, match="empty"):
        agent_of(memory, telling=Telling()).stream(" ")


def test_a_trained_project_streams_too(project: Path) -> None:
    (chunk,) = Agent.load(project).stream("my card is lost stolen missing block")
    assert chunk.text == chunk.response.text == "lost_card by 0002"
