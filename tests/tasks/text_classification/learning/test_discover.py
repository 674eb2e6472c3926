from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from autogen import Agent, Project
from autogen.errors import UsageError
from autogen.skills.customer_service.commands import UNSURE
from autogen.tasks.text_classification.learning.discover import Discovery, IntentSearch, write_proposals
from tests.tiny import FILLERS, OUTSIDE, rows, write_csv


def of_a_new_intent(count: int) -> list[str]:
    """Sentences about one thing that no label is about."""
    chance = random.Random(5)
    sentences: dict[str, None] = {}
    while len(sentences) < count:
        sentences[" ".join([*chance.sample(OUTSIDE[:4], 3), *chance.sample(FILLERS, 2)])] = None
    return list(sentences)


def write_log(folder: Path, new: int = 30) -> Path:
    known = [text for text, _ in rows(20, seed=9)]
    return write_csv(folder / "log.csv", [(text, "") for text in [*known, *of_a_new_intent(new)]])


def discover(project: Project, source: str | None = None) -> Discovery:
    """As the command asks."""
    opened = project.skill("customer-service")
    return IntentSearch(
        skill=opened.name,
        need=opened.need,
        data=opened.data,
        project=opened.project,
        cache=opened.project / ".autogen/embeddings/discover",
        source=source,
        unsure=opened.memory.responses.messages(opened.name, UNSURE) if opened.memory else (),
        version=opened.version,
        model=opened.model,
    ).run()


def test_texts_that_fit_no_label_become_a_proposal(project: Path, tmp_path: Path) -> None:
    discovery = discover(Project.open(project), source=str(write_log(tmp_path)))
    assert (discovery.skill, discovery.version, discovery.texts) == ("support", "0001", 110)
    new = set(of_a_new_intent(30))
    first = discovery.proposals[0]
    assert first.size == len(first.texts) >= 10 and set(first.texts) <= new
    assert set(first.name.split("_")) <= set(OUTSIDE)
    assert first.nearest_label in {"card_arrival", "exchange_rate", "lost_card", "top_up"}
    assert sum(text in new for text in discovery.strange) > 0.7 * len(new)


def test_without_a_champion_the_base_model_alone_tells(untrained: Path, tmp_path: Path) -> None:
    discovery = discover(Project.open(untrained), source=str(write_log(tmp_path)))
    assert discovery.version is None and discovery.proposals
    assert not (untrained / ".autogen/versions").exists()


def test_the_skill_s_own_texts_and_what_the_agent_was_unsure_of_are_looked_at(project: Path) -> None:
    config = project / "agent.toml"
    config.write_text(config.read_text("utf-8").replace("responses =", 'unlabelled = "log.csv"\nresponses ='), "utf-8")
    write_log(project, new=12)
    texts = of_a_new_intent(40)[12:]
    agent = Agent.load(project)
    unsure = [text for text in texts if agent.respond(text).action in ("decline", "clarify")]
    assert unsure
    discovery = discover(Project.open(project))
    assert discovery.texts == 92 + len(unsure)


def test_rows_are_written_for_a_person_to_correct(project: Path, tmp_path: Path) -> None:
    discovery = discover(Project.open(project), source=str(write_log(tmp_path)))
    before = (project / "data/train.csv").read_bytes()
    target = tmp_path / "out/proposed.csv"
    written = write_proposals(discovery, target, {"text": "utterance"})
    with target.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == written == sum(proposal.size for proposal in discovery.proposals)
    assert read[0] == {"utterance": discovery.proposals[0].texts[0], "label": discovery.proposals[0].name}
    assert (project / "data/train.csv").read_bytes() == before
    with pytest.raises(UsageError, match=r"ending in \.csv"):
        write_proposals(discovery, tmp_path / "proposed.xlsx", {})


def test_without_texts_it_says_where_to_put_them(untrained: Path) -> None:
    with pytest.raises(UsageError, match="--input, or as `unlabelled`"):
        discover(Project.open(untrained))
