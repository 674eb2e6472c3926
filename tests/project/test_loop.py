"""The loop on a tiny real model: train, correct, improve, gate, promote, roll back."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autogen import Agent, Project
from autogen.agents.loading import OpenVersion
from autogen.errors import Refused, UsageError
from autogen.progress import TrainingProgress
from autogen.versions.manifest import Manifest
from tests.tiny import TOPICS, rows, sentence, write_csv, write_tiny_project

RIGHT = 120  # rows per label of right corrections


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A champion that has seen too little: there is much to learn from right corrections."""
    folder = write_tiny_project(
        tmp_path_factory.mktemp("beginner") / "project", tiny_base_model, per_label=4, held_out=60, epochs=2
    )
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    return folder


@pytest.fixture
def weak(beginner: Path, tmp_path: Path) -> Project:
    return Project.open(shutil.copytree(beginner, tmp_path / "weak"))


def improve_with(project: Project, labelled: list[tuple[str, str]]) -> Manifest:
    project.import_feedback(write_csv(project.folder / "corrections.csv", labelled))
    config = (project.folder / "agent.toml").read_text("utf-8")
    (project.folder / "agent.toml").write_text(config.replace("epochs = 2", "epochs = 6"), "utf-8")
    return Project.open(project.folder).improve(TrainingProgress(quiet=True))


def trained(project: Project, manifest: Manifest) -> frozenset[str]:
    """Fingerprints of what a version has learnt from."""
    return OpenVersion(project.versions.folder / manifest.version, manifest).trained("support", "intent")


def test_a_candidate_made_from_right_corrections_is_accepted_promoted_and_rolled_back(weak: Project) -> None:
    candidate = improve_with(weak, rows(RIGHT, seed=7))
    assert candidate.passed, candidate.verdict
    assert candidate.parent == "0001" and candidate.version == "0002"
    assert weak.versions.champion() == "0001"  # only promote moves it
    assert weak.promote() == "0002"
    after = weak.evaluate().skills["support"].metrics["accuracy"]
    before = weak.evaluate(version="1").skills["support"].metrics["accuracy"]
    assert after > before
    assert weak.rollback() == ("0002", "0001")
    assert weak.promote() == "0002"  # one rolled back may come again


def test_a_candidate_made_from_random_wrong_labels_is_rejected(project: Path) -> None:
    chance = random.Random(3)
    wrong = [(text, chance.choice([t for t in TOPICS if t != label])) for text, label in rows(60, seed=8)]
    opened_project = Project.open(project)
    opened_project.import_feedback(write_csv(project / "wrong.csv", wrong))
    candidate = opened_project.improve(TrainingProgress(quiet=True))
    assert not candidate.passed
    assert "Rejected" in candidate.verdict["summary"]
    assert opened_project.versions.champion() == "0001"
    with pytest.raises(Refused, match="gate said no"):
        opened_project.promote(candidate.version)
    with pytest.raises(Refused, match="nothing to promote"):
        opened_project.promote()


def test_a_new_intent_comes_by_feedback_and_old_ones_stay(weak: Project) -> None:
    chance = random.Random(5)
    new = [(sentence(chance, ["refund", "returned", "payback"]), "refund") for _ in range(60)]
    candidate = improve_with(weak, [*rows(40, seed=9), *new])
    known = weak.model("support", candidate.version).answers
    assert set(known) == {*TOPICS, "refund"}
    assert known[:4] == tuple(sorted(TOPICS))  # old labels keep their places
    weak.promote(candidate.version, force=True)
    agent = Agent.load(weak.folder)
    assert agent.respond("refund returned payback").alternatives[0][0] == "refund"


def test_set_aside_feedback_is_never_trained_on(weak: Project) -> None:
    candidate = improve_with(weak, rows(40, seed=10))
    learnt = trained(weak, candidate)
    curation = weak.curation()
    from autogen.data.fingerprints import row_fingerprint

    assert len(curation.evaluation) > 10
    assert not {row_fingerprint(e.text) for e in curation.evaluation} & learnt
    assert {row_fingerprint(e.text) for e in curation.train} <= learnt


def test_without_new_feedback_there_is_nothing_to_improve(project: Path) -> None:
    with pytest.raises(Refused, match="No feedback"):
        Project.open(project).improve(TrainingProgress(quiet=True))


def test_too_few_rows_for_a_verdict_is_a_no(untrained: Path) -> None:
    write_csv(untrained / "data/eval.csv", rows(5, seed=11))
    opened_project = Project.open(untrained)
    (warned,) = opened_project.check()[0].problems
    assert (warned.severity, warned.kind) == ("warning", "few-held-out-rows") and "--force" in warned.fix
    opened_project.train(progress=TrainingProgress(quiet=True))
    opened_project.import_feedback(write_csv(untrained / "more.csv", rows(5, seed=12)))
    candidate = opened_project.improve(TrainingProgress(quiet=True))
    assert not candidate.passed
    assert "too few rows" in candidate.verdict["summary"]


def test_the_same_seed_gives_the_same_weights(untrained: Path) -> None:
    opened_project = Project.open(untrained)
    first = opened_project.train(progress=TrainingProgress(quiet=True))
    second = opened_project.train(progress=TrainingProgress(quiet=True))

    def weights(manifest: object) -> dict[str, str]:
        return {name: f.sha256 for name, f in manifest.files.items() if name.endswith(".safetensors")}

    assert weights(first) == weights(second)
    assert first.skills["support"].metrics == second.skills["support"].metrics


def test_few_rows_without_eval_data_are_cross_validated(untrained: Path) -> None:
    write_csv(untrained / "data/train.csv", rows(8, seed=13, oos=6))
    config = (untrained / "agent.toml").read_text("utf-8").replace('eval = "data/eval.csv"\n', "")
    (untrained / "agent.toml").write_text(config, "utf-8")
    manifest = Project.open(untrained).train(progress=TrainingProgress(quiet=True))
    record = manifest.skills["support"].models["intent"]
    assert record.cross_validated and record.train_rows == 38 and record.held_out_rows == 0
    assert {"accuracy", "oos_recall"} <= record.metrics.keys()


def test_rows_to_spare_are_held_out_and_never_learnt(untrained: Path) -> None:
    config = (untrained / "agent.toml").read_text("utf-8").replace('eval = "data/eval.csv"\n', "")
    (untrained / "agent.toml").write_text(config, "utf-8")
    record = Project.open(untrained).train(progress=TrainingProgress(quiet=True)).skills["support"].models["intent"]
    assert (record.train_rows, record.held_out_rows) == (80, 20)


def test_feedback_on_one_of_two_skills_waits_and_teaches_there_only(untrained: Path) -> None:
    config = (untrained / "agent.toml").read_text("utf-8")
    (untrained / "agent.toml").write_text(config + config.partition("\n\n")[2].replace("support", "second"), "utf-8")
    opened_project = Project.open(untrained)
    opened_project.train(progress=TrainingProgress(quiet=True))
    new = write_csv(untrained / "new.csv", [("refund returned payback", "refund")])
    opened_project.import_feedback(new, skill="second")
    assert [item.reason for item in opened_project.review()] == ["new-label"]
    assert opened_project.curation("support").proposed == {}
    assert opened_project.curation("second").proposed == {"refund": 1}


def test_protected_rows_that_cannot_be_read_are_found_by_check(untrained: Path) -> None:
    with (untrained / "agent.toml").open("a", encoding="utf-8") as file:
        file.write('\n[gate]\nprotected = "data/protectd.csv"\n')
    (skill_check,) = Project.open(untrained).check()
    assert any("protectd.csv" in problem.source + problem.message for problem in skill_check.errors)


def test_a_batch_that_was_rejected_does_not_vote_for_itself_when_tried_again(weak: Project) -> None:
    first = improve_with(weak, rows(40, seed=21))
    again = Project.open(weak.folder).improve(TrainingProgress(quiet=True))
    counted = [
        next(
            check["figures"]["rows"]
            for check in manifest_.verdict["checks"]
            if check["name"].endswith("held out before")
        )
        for manifest_ in (first, again)
    ]
    assert counted[0] == counted[1]


def test_a_decision_made_while_improve_ran_is_news_to_what_it_made(weak: Project) -> None:
    manifest = improve_with(weak, rows(40, seed=22))
    weak.promote(manifest.version, force=True)
    with pytest.raises(Refused, match="No feedback"):
        Project.open(weak.folder).improve(TrainingProgress(quiet=True))
    assert manifest.feedback_until < manifest.created_at


def test_training_anew_is_a_way_out_of_a_damaged_champion(project: Path) -> None:
    (project / ".autogen/versions/0001/models/support/intent/model.onnx").unlink()
    opened_project = Project.open(project)
    manifest = opened_project.train(progress=TrainingProgress(quiet=True))
    assert not manifest.passed and "damaged" in manifest.verdict["summary"]
    opened_project.promote(manifest.version, force=True)
    assert Agent.load(project).respond("my card was stolen").version == "0002"


def test_predicting_with_several_skills_needs_to_be_told_which(project: Path) -> None:
    config = (project / "agent.toml").read_text("utf-8")
    (project / "agent.toml").write_text(config + config.partition("\n\n")[2].replace("support", "second"), "utf-8")
    with pytest.raises(UsageError, match="support, second"):
        Project.open(project).predict(str(project / "data/eval.csv"), project / "out.csv")


def test_what_was_learnt_stays_learnt_when_the_data_shrinks(weak: Project) -> None:
    before = trained(weak, weak.versions.manifest("0001"))
    data = weak.folder / "data/train.csv"
    lines = data.read_text("utf-8").splitlines(keepends=True)
    data.write_text("".join([lines[0], *lines[2:]]), "utf-8")
    manifest = improve_with(weak, rows(40, seed=23))
    assert before <= trained(weak, manifest)


def test_a_candidate_that_has_lost_a_skill_is_rejected_and_a_new_skill_is_an_improvement(untrained: Path) -> None:
    quiet = TrainingProgress(quiet=True)
    one_skill = (untrained / "agent.toml").read_text("utf-8")
    two_skills = one_skill + one_skill.partition("\n\n")[2].replace("support", "second")
    gate = "\n[gate]\nmargin = 1.0\n"
    for config in (one_skill, two_skills, one_skill):
        (untrained / "agent.toml").write_text(config + gate, "utf-8")
        manifest = Project.open(untrained).train(progress=quiet)
        if config == two_skills:
            assert manifest.passed and "New skill second" in manifest.verdict["summary"]
            Project.open(untrained).promote()
    assert not manifest.passed and "lost what the champion can do (second)" in manifest.verdict["summary"]


def test_eval_data_added_to_a_cross_validated_project_is_measured(untrained: Path) -> None:
    write_csv(untrained / "data/train.csv", rows(8, seed=13))
    config = (untrained / "agent.toml").read_text("utf-8")
    (untrained / "agent.toml").write_text(config.replace('eval = "data/eval.csv"\n', ""), "utf-8")
    Project.open(untrained).train(progress=TrainingProgress(quiet=True))
    (untrained / "agent.toml").write_text(config, "utf-8")
    assert Project.open(untrained).evaluate().skills["support"].source.endswith("held-out rows")


def test_changed_responses_alone_make_a_version_that_may_replace_the_champion(project: Path) -> None:
    first = Project.open(project).versions.all()[0].skills["support"].models["intent"].training
    config = (project / "agent.toml").read_text("utf-8")
    # what training found out about this machine may not change in between; nor is its speed what is tested
    config += f'precision = "{first["precision"]}"\n[gate]\nlatency_ratio = 100\n'
    (project / "agent.toml").write_text(config, "utf-8")
    responses = project / "data/responses.toml"
    responses.write_text(responses.read_text("utf-8").replace("About top up.", "Top up in the app."), "utf-8")
    candidate = Project.open(project).train(progress=TrainingProgress(quiet=True))
    assert candidate.passed, candidate.verdict
    findings = [check["finding"] for check in candidate.verdict["checks"]]
    assert "better: answers changed: responses" in findings
    assert "overall: the same model as the champion's" in findings
    Project.open(project).promote()
    again = Project.open(project).train(progress=TrainingProgress(quiet=True))
    assert not again.passed and "better at nothing" in again.verdict["summary"]


def test_a_correction_goes_to_the_skill_that_owns_the_label(untrained: Path) -> None:
    card_rows = [row for row in rows(25, seed=1) if row[1] in ("card_arrival", "lost_card")]
    rest = [row for row in rows(25, seed=1) if row[1] in ("exchange_rate", "top_up")]
    write_csv(untrained / "data/train.csv", card_rows)
    write_csv(untrained / "data/money.csv", rest)
    base = next(line for line in (untrained / "agent.toml").read_text("utf-8").splitlines() if "base_model" in line)
    (untrained / "agent.toml").write_text(
        f"""[agent]
name = "two"
{base}
[skills.cards]
type = "customer-service"
train = "data/train.csv"
[skills.money]
type = "customer-service"
train = "data/money.csv"
""",
        "utf-8",
    )
    for name in ("cards", "money"):
        with (untrained / "agent.toml").open("a", encoding="utf-8") as file:
            file.write(f"[skills.{name}.training]\nepochs = 2\nlearning_rate = 5e-3\n")
    opened_project = Project.open(untrained)
    opened_project.train(progress=TrainingProgress(quiet=True))
    opened_project.import_feedback(
        write_csv(untrained / "one.csv", [("swap euro for yen now", "exchange_rate")]), skill="cards"
    )
    opened_project.import_feedback(write_csv(untrained / "two.csv", [("payback the refund", "refund")]), skill="cards")
    opened_project.import_feedback(write_csv(untrained / "three.csv", [("is it about the moon", "oos")]), skill="cards")
    first = opened_project.memory.feedback.all()[0]
    old = replace(first, id="fb-old", message="top up more funds", label="top_up", skill=None)
    opened_project.memory.feedback.add_many([old])
    money, cards = opened_project.curation("money"), opened_project.curation("cards")
    assert {e.label for e in (*money.train, *money.evaluation)} == {"exchange_rate", "top_up"}
    assert {e.label for e in (*cards.train, *cards.evaluation)} == {"oos"}
    assert dict(cards.proposed) == {"refund": 1} and not money.proposed


def corrections_in_other_case(folder: Path) -> Path:
    return write_csv(folder / "corrections.csv", [(f"my wallet was taken away {at}", "Lost_Card") for at in range(6)])


def test_a_known_label_in_another_case_is_asked_about_in_review(project: Path) -> None:
    opened = Project.open(project)
    opened.import_feedback(corrections_in_other_case(project))
    items = opened.review()
    assert len(items) == 6
    assert 'differs from "lost_card" in case or width alone' in items[0].explanation
    with pytest.raises(UsageError, match='Write "lost_card"'):
        opened.decide(items[0].feedback_id, "relabel", label="LOST_CARD")
    opened.decide(items[0].feedback_id, "relabel", label="lost_card")
    assert len(opened.review()) == 5


def test_a_known_label_in_another_case_is_that_label_where_names_are_joined(project: Path) -> None:
    config = project / "agent.toml"
    config.write_text(
        config.read_text("utf-8").replace("[skills.support]", "[skills.support]\njoin_names = true"), "utf-8"
    )
    opened = Project.open(project)
    opened.import_feedback(corrections_in_other_case(project))
    assert opened.review() == []
    assert {example.label for example in opened.curation().train} == {"lost_card"}
