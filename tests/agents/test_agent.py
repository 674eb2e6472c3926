from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autogen.agents.agent import Agent, Message
from autogen.errors import ProjectNotFound, UnknownResponse, UnknownVersion, UsageError, VersionDamaged
from autogen.feedback.events import MAX_NAME_LENGTH, MAX_TEXT_LENGTH
from autogen.feedback.memory import Memory
from autogen.versions.registry import Versions
from tests.agents.conftest import add_version
from tests.tiny import rows

LOST = "my card is lost stolen missing block"


@pytest.fixture
def agent(project: Path) -> Agent:
    return Agent.load(project)


@pytest.fixture
def asking(project: Path) -> Agent:
    """It asks back whatever it is told."""
    return Agent.load(project, "4")


def test_a_message_gets_a_response(agent: Agent) -> None:
    response = agent.respond(LOST)
    assert (response.text, response.action, response.intent) == ("lost_card by 0002", "answer", "lost_card")
    assert (response.version, response.skill, agent.name) == ("0002", "support", "tiny")
    assert response.alternatives[0] == ("lost_card", response.confidence) and 0 < response.confidence <= 1
    assert agent.respond(LOST).id != response.id


def test_a_response_is_kept_when_it_is_returned(agent: Agent, project: Path) -> None:
    response = agent.respond(LOST, "ann")
    stored = Memory.open(project).responses.get(response.id)  # another connection, as another process has
    assert (stored.message, stored.text, stored.conversation_id) == (LOST, response.text, "ann")
    assert (stored.intent, stored.confidence, stored.alternatives, stored.version) == (
        response.intent,
        response.confidence,
        response.alternatives,
        "0002",
    )


def test_a_conversation_that_is_not_known_is_opened_and_goes_on(agent: Agent) -> None:
    assert agent.respond(LOST, "never heard of").conversation_id == "never heard of"
    conversation_id = agent.respond(LOST).conversation_id
    assert conversation_id and conversation_id != agent.respond(LOST).conversation_id
    assert agent.respond(LOST, conversation_id).conversation_id == conversation_id


def test_a_question_back_is_answered_by_number_and_the_answer_is_about_the_question(asking: Agent) -> None:
    question = asking.respond(LOST, "ann")
    assert question.action == "clarify"
    response = asking.respond("2", "ann")
    assert (response.action, response.intent) == ("answer", question.alternatives[1][0])
    assert asking.memory.responses.get(response.id).message == LOST
    assert asking.respond("2", "ann").action == "clarify"  # nothing was asked just before


def test_a_choice_belongs_to_its_own_conversation(asking: Agent) -> None:
    asking.respond(LOST, "ann")
    assert asking.respond("1", "bob").action == "clarify"
    assert asking.respond("1").action == "clarify"


def test_a_message_may_follow_an_earlier_response_than_the_last(asking: Agent) -> None:
    question = asking.respond(LOST, "ann")
    asking.respond("1", "ann")
    (response,) = asking.respond_all([Message("2", "ann", after=question.id)])
    assert (response.action, response.intent) == ("answer", question.alternatives[1][0])
    with pytest.raises(UnknownResponse):
        asking.respond_all([Message("2", "ann", after="resp-unknown")])


def test_several_messages_are_answered_as_they_are_one_by_one(asking: Agent) -> None:
    questions = [asking.respond(LOST, name) for name in ("ann", "bob")]
    messages = [Message(text, f"conv-{at}") for at, (text, _) in enumerate(rows(3, seed=9, oos=2))]
    messages += [Message("1", "ann"), Message("lost card please", "bob")]
    together = asking.respond_all(messages)
    assert [item.conversation_id for item in together] == [item.conversation_id for item in messages]
    assert together[-2].action == "answer" and together[-2].intent == questions[0].intent
    for message, response in zip(messages[:-2], together, strict=False):
        single = asking.respond(message.text)
        assert (single.action, single.intent) == (response.action, response.intent)
        assert response.confidence == pytest.approx(single.confidence, abs=0.05)
    assert asking.respond_all([]) == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message(""), "found an empty one"),
        (Message(" \n"), "found an empty one"),
        (Message("x" * (MAX_TEXT_LENGTH + 1)), r"at most 10,000 characters, found 10,001"),
        (Message("x", ""), "conversation id of 1 to"),
        (Message("x", "x" * (MAX_NAME_LENGTH + 1)), "conversation id of 1 to"),
        (Message("half \ud83d"), "surrogate"),
        (Message("x", "\udc00"), "surrogate"),
    ],
)
def test_a_message_that_cannot_be_answered_is_refused_and_none_of_its_batch_kept(
    agent: Agent, message: Message, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        agent.respond_all([Message(LOST, "ann"), message])
    assert agent.memory.responses.last_of("ann") is None


def test_the_longest_message_is_answered(agent: Agent) -> None:
    assert agent.respond("lost " * (MAX_TEXT_LENGTH // 5)).intent == "lost_card"
    assert agent.respond("🙃" * 100).conversation_id


def test_parsing_keeps_nothing(agent: Agent) -> None:
    ((skill, reply),) = agent.parse([LOST])
    assert (skill, reply.intent) == ("support", "lost_card")
    assert agent.memory.responses.between("", "\uffff") == []
    with pytest.raises(UsageError):
        agent.parse([""])


def test_feedback_is_kept_with_the_response_it_is_about(agent: Agent) -> None:
    response = agent.respond(LOST)
    stored = agent.feedback(response.id, rating="up", label="top_up", text="Better so.", comment="hm", user="ann")
    assert (stored.response_id, stored.message, stored.intent) == (response.id, LOST, "lost_card")
    assert (stored.rating, stored.label, stored.answer, stored.comment) == (1.0, "top_up", "Better so.", "hm")
    assert (stored.user, stored.trusted) == ("ann", False)
    assert agent.feedback(response.id, rating=0.25).trusted
    assert agent.feedback(response.id, rating="down", user="ann", trusted=True).trusted


def test_a_program_vouches_for_the_users_it_names_unless_it_says_otherwise(agent: Agent) -> None:
    response = agent.respond("lost card")
    assert agent.feedback(response.id, rating="up", user="ann").vouched
    assert not agent.feedback(response.id, rating="up", user="ann", vouched=False).vouched
    assert not agent.feedback(response.id, rating="up").vouched


def test_feedback_on_a_response_that_was_never_given_is_refused(agent: Agent) -> None:
    with pytest.raises(UnknownResponse):
        agent.feedback("resp-unknown", rating="up")


def test_a_version_that_was_named_answers_though_it_is_not_champion(project: Path) -> None:
    assert Agent.load(project, "3").respond(LOST).text == "lost_card by 0003"
    assert Versions(project).champion() == "0002"


def test_a_folder_without_a_trained_project_says_what_to_do(tmp_path: Path, untrained: Path, project: Path) -> None:
    for folder in (tmp_path, untrained, tmp_path / "nothing"):
        with pytest.raises(ProjectNotFound, match="autogen train"):
            Agent.load(folder)
    with pytest.raises(UnknownVersion, match="0001, 0002"):
        Agent.load(project, "9")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "task.json"])
def test_a_version_with_an_altered_file_does_not_answer(project: Path, name: str) -> None:
    path = Versions(project).folder / "0002/models/support/intent" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(VersionDamaged, match=f"{name} was altered"):
        Agent.load(project)


def test_a_project_file_that_cannot_be_read_stops_no_answers(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    (project / "agent.toml").write_text("[agent\n", "utf-8")
    assert Agent.load(project).respond("my card was stolen").text
    assert "only the owner's clicks" in caplog.text


def test_several_threads_may_talk_to_one_agent(agent: Agent) -> None:
    texts = [text for text, _ in rows(5, seed=4)]
    expected = [reply.intent for _, reply in agent.parse(texts)]

    def respond_often(thread: int) -> list[str | None]:
        return [agent.respond(text, f"conv-{thread}").intent for text in texts]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(respond_often, range(4))) == [expected] * 4


def test_an_agent_answers_without_torch(project: Path) -> None:
    script = (
        "import json, sys; from autogen import Agent; response = Agent.load(sys.argv[1]).respond('lost stolen card');"
        "print(json.dumps([response.intent, [n for n in ('torch', 'transformers', 'scipy') if n in sys.modules]]))"
    )
    result = subprocess.run([sys.executable, "-c", script, str(project)], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == ["lost_card", []]


def test_a_number_chooses_for_the_skill_that_asked(trained: Path, tmp_path: Path) -> None:
    project = two_skills(trained, tmp_path / "project")
    agent = Agent.load(project)
    question = agent.respond(LOST, "ann")
    assert (question.skill, question.action) == ("support", "clarify")
    choice = agent.respond("2", "ann")
    assert (choice.skill, choice.intent) == ("support", question.alternatives[1][0])


def two_skills(trained: Path, folder: Path) -> Path:
    """A project whose first skill declines everything and whose second always asks back."""
    shutil.copytree(trained, folder)
    versions = Versions(folder)
    skill = versions.manifest(add_version(folder)).skills["support"]
    declines = skill.model_copy(update={"answering": {**skill.answering, "threshold": 1000}})
    asks = skill.model_copy(update={"answering": {**skill.answering, "clarify_margin": 1}})
    with versions.draft() as draft:
        shutil.copytree(versions.folder / "0002/models", draft / "models")
        values = {"version": "0003", "skills": {"billing": declines, "support": asks}}
        versions.publish(draft, versions.manifest("2").model_copy(update=values))
    versions.promote("3")
    return folder
