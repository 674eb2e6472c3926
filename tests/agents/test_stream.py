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
    pieces = list(agent.stream("once upon a time", "ann"))
    assert [piece.text for piece in pieces] == ["once", " upon", " a", " time"]
    assert [piece.response.text for piece in pieces][:2] == ["once", "once upon"]
    whole = pieces[-1].response
    assert (whole.text, whole.details["words"], whole.conversation_id) == ("once upon a time", 4, "ann")
    assert len({(piece.response.id, piece.response.conversation_id) for piece in pieces}) == 1
    kept = memory.responses.get(whole.id)
    assert (kept.text, kept.message, kept.state) == ("once upon a time", "once upon a time", {"at": 3})
    assert agent.feedback(whole.id, rating="up").message == "once upon a time"


def test_each_piece_is_asked_for_when_it_is_read(memory: Memory) -> None:
    skill = Telling()
    pieces = agent_of(memory, telling=skill).stream("once upon a time")
    assert skill.told == []
    next(pieces)
    assert skill.told == ["once"]


def test_whoever_goes_away_cancels_it_and_what_was_said_is_kept(memory: Memory) -> None:
    skill = Telling()
    for piece in agent_of(memory, telling=skill).stream("once upon a time", "ann"):
        if piece.text == " upon":
            break
    del piece
    assert (skill.told, skill.ended) == (["once", "upon"], ["cancelled"])
    kept = memory.responses.last_of("ann")
    assert kept is not None and (kept.text, kept.details["words"], kept.state) == ("once upon", 2, {"at": 1})


def test_a_stream_that_nobody_reads_does_nothing(memory: Memory) -> None:
    skill = Telling()
    (pieces,) = agent_of(memory, telling=skill).stream_all([Message("once upon", "ann")])
    pieces.close()
    assert (skill.told, memory.responses.last_of("ann")) == ([], None)


def test_where_it_fails_what_was_said_is_kept_and_the_error_is_seen(memory: Memory) -> None:
    skill = Telling()
    pieces = agent_of(memory, telling=skill).stream("once upon fail", "ann")
    assert [next(pieces).text, next(pieces).text] == ["once", " upon"]
    with pytest.raises(RuntimeError, match="it failed"):
        next(pieces)
    kept = memory.responses.last_of("ann")
    assert kept is not None and kept.text == "once upon"
    assert skill.ended == ["failed"]


def test_a_skill_that_takes_back_what_it_said_or_says_nothing_is_at_fault(memory: Memory) -> None:
    with pytest.raises(ValueError, match="took back what it had said"):
        list(agent_of(memory, telling=TakingBack()).stream("hi", "ann"))
    kept = memory.responses.last_of("ann")
    assert kept is not None and kept.text == "It is so"
    with pytest.raises(ValueError, match="said nothing"):
        list(agent_of(memory, telling=Mute()).stream("hi", "bob"))
    assert memory.responses.last_of("bob") is None


def test_a_skill_that_does_not_stream_answers_in_one_piece_that_is_kept_by_then(memory: Memory) -> None:
    pieces = agent_of(memory, counting=Counting()).stream("hi", "ann", user="bob")
    piece = next(pieces)
    kept = memory.responses.get(piece.response.id)
    assert (piece.text, kept.text, kept.user, kept.state) == ("turn 1", "turn 1", "bob", {"count": 1})
    assert list(pieces) == []


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
    (piece,) = Agent.load(project).stream("my card is lost stolen missing block")
    assert piece.text == piece.response.text == "lost_card by 0002"
