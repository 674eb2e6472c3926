"""The user's own interface, on real transformers models."""

from __future__ import annotations

import random
from pathlib import Path

import pandas
import polars
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from autogen import AutoGen
from autogen.errors import ConfigError, DataError, UsageError
from autogen.versions.registry import Versions
from tests.tiny import TOPICS, rows, write_csv

TRAIN, DEV, TEST = rows(20, seed=31), rows(10, seed=32), rows(15, seed=33)


def dicts(labelled: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in labelled]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A folder with a BERT for classification, with two placeholder labels, and its vocabulary."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("own") / "bert"
    BertForSequenceClassification(BertConfig.from_pretrained(tiny_base_model)).save_pretrained(folder)
    BertTokenizer.from_pretrained(tiny_base_model).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def fitted(own: Path) -> AutoGen:
    from transformers import BertForSequenceClassification, BertTokenizer

    model = BertForSequenceClassification.from_pretrained(own)
    tokenizer = BertTokenizer.from_pretrained(own)
    auto_gen = AutoGen(model, tokenizer, quiet=True)
    auto_gen.config.learning_rate = 5e-3
    auto_gen.config.epochs = 12
    return auto_gen.fit(TRAIN, DEV, TEST)


def test_the_sample_runs_word_for_word(own: Path) -> None:
    from transformers import BertForSequenceClassification, BertTokenizer

    model = BertForSequenceClassification.from_pretrained(own)
    tokenizer = BertTokenizer.from_pretrained(own)
    train_data, dev_data, test_data = dicts(TRAIN), dicts(DEV), dicts(TEST)
    from autogen import AutoGen

    auto_gen = AutoGen(model, tokenizer)  # a transformers model and tokenizer  # fmt: skip
    auto_gen.config.learning_rate = 2e-5  # also train_batch_size, eval_batch_size, epochs  # fmt: skip
    auto_gen.fit(train_data, dev_data, test_data)
    metrics = auto_gen.evaluate(test_data)
    assert {"accuracy", "precision", "recall", "f1"} <= metrics.keys()
    assert set(auto_gen.labels) == set(TOPICS)


def test_the_metrics_are_scikit_learn_s(fitted: AutoGen) -> None:
    metrics = fitted.evaluate(TEST)
    gold = [label for _, label in TEST]
    predicted = [
        max(probabilities, key=probabilities.get) for probabilities in fitted.predict_proba([text for text, _ in TEST])
    ]
    expected = precision_recall_fscore_support(gold, predicted, average="macro", zero_division=0)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(gold, predicted)) and metrics["accuracy"] > 0.5
    assert [metrics[name] for name in ("precision", "recall", "f1")] == pytest.approx(list(expected[:3]))


def test_pairs_of_texts_are_predicted_with_both(fitted: AutoGen) -> None:
    probabilities = fitted.predict_proba("card delivery", "exchange rate euro currency convert")
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert probabilities != fitted.predict_proba("card delivery")
    assert len(fitted.predict(["card", "euro"], ["post", "rate"])) == 2
    with pytest.raises(DataError, match="a second text for each of 2, found 1"):
        fitted.predict(["card", "euro"], ["post"])


def test_probabilities_sum_to_one_and_one_text_gives_one_answer(fitted: AutoGen) -> None:
    shares = fitted.predict_proba("card delivery by post")
    assert set(shares) == set(TOPICS) and sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert isinstance(fitted.predict("card delivery by post"), str)
    assert fitted.predict([]) == []


def test_what_is_saved_predicts_the_same_and_can_be_fitted_on(fitted: AutoGen, tmp_path: Path) -> None:
    texts = [text for text, _ in TEST]
    fitted.save(tmp_path / "kept")
    loaded = AutoGen.load(tmp_path / "kept", quiet=True)
    assert loaded.predict(texts) == fitted.predict(texts)
    assert loaded.config == fitted.config
    assert Versions(tmp_path / "kept").manifest("0001").agent == "kept"
    loaded.config.epochs = 1
    loaded.fit(TRAIN, DEV)
    assert loaded.labels == fitted.labels


def test_an_agent_answers_and_takes_feedback_though_nobody_holds_the_fitted_object(fitted: AutoGen) -> None:
    agent = fitted.agent()
    response = agent.respond("my card was stolen by a thief")
    assert response.id and agent.feedback(response.id, label="lost_card").label == "lost_card"


def test_a_bare_encoder_gets_a_head(tiny_base_model: Path, tmp_path: Path) -> None:
    import datasets
    from transformers import AutoModel, AutoTokenizer

    auto_gen = AutoGen(
        AutoModel.from_pretrained(tiny_base_model), AutoTokenizer.from_pretrained(tiny_base_model), quiet=True
    )
    auto_gen.config.epochs = 1
    frame = pandas.DataFrame(dicts(TRAIN))
    auto_gen.fit(frame, polars.DataFrame(dicts(DEV)), datasets.Dataset.from_list(dicts(TEST)))
    path = write_csv(tmp_path / "test.csv", TEST)
    assert auto_gen.evaluate(path) == auto_gen.evaluate(TEST) == auto_gen.evaluate(dicts(TEST))


def test_a_misspelt_setting_is_named_with_the_nearest(fitted: AutoGen) -> None:
    with pytest.raises(ConfigError, match="learning_rate"):
        fitted.config.lerning_rate = 1.0
    with pytest.raises(ConfigError, match="epochs"):
        fitted.config.epochs = 0


def test_bad_data_is_named_and_nothing_is_fitted(own: Path) -> None:
    from transformers import BertForSequenceClassification, BertTokenizer

    auto_gen = AutoGen(BertForSequenceClassification.from_pretrained(own), BertTokenizer.from_pretrained(own))
    with pytest.raises(UsageError, match="fit"):
        auto_gen.predict("hello")
    with pytest.raises(DataError, match="text"):
        auto_gen.fit([{"utterance": "hi", "label": "a"}])
    with pytest.raises(DataError, match="two labels"):
        auto_gen.fit([(f"hello {at}", "only") for at in range(30)])
    shuffled = random.Random(0).sample(TRAIN, 10)
    with pytest.raises(DataError):
        auto_gen.fit(shuffled, [("what", "unheard-of")])


def test_labels_that_number_the_models_outputs_are_these_outputs(own: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    names = dict(enumerate(sorted(TOPICS)))
    model = BertForSequenceClassification(BertConfig.from_pretrained(own, id2label=names))
    numbers = {label: at for at, label in names.items()}
    auto_gen = AutoGen(model, BertTokenizer.from_pretrained(own), quiet=True)
    auto_gen.config.epochs = 1
    auto_gen.fit([(text, numbers[label]) for text, label in TRAIN], [(text, numbers[label]) for text, label in DEV])
    assert auto_gen.labels == ("0", "1", "2", "3")


@pytest.mark.parametrize("texts", [5, ["a", None], "", ["a", "  "]])
def test_what_is_no_text_is_refused_with_its_place(fitted: AutoGen, texts: object) -> None:
    with pytest.raises(DataError, match="xpected a text"):
        fitted.predict(texts)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="xpected a text"):
        fitted.predict_proba(texts)  # type: ignore[arg-type]


def test_in_jupyter_it_shows_tables_and_pictures(fitted: AutoGen) -> None:
    metrics = fitted.evaluate(TEST)
    assert metrics == dict(metrics) and isinstance(metrics, dict)
    assert "<table>" in metrics._repr_html_()
    assert "learning_rate = 0.005" in fitted._repr_html_()
    shown = fitted.show()
    assert shown.parts[0].metrics == metrics, "the rows given as test_data"
    assert "<svg" in shown._repr_html_()
    assert "chosen on these very rows" not in shown.html()


def test_its_training_log_is_saved_with_the_version(fitted: AutoGen, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    assert list(tmp_path.glob(".autogen/runs/0001/main/intent/events.*"))


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("text-clasification", 'Did you mean "text-classification"?'),
        ("no such task", "Expected a task among text-classification"),
        ("recommendation", "It tunes no transformers model: learn it in a project."),
    ],
)
def test_a_task_that_tunes_no_transformers_model_is_refused_with_those_that_do(
    own: Path, task: str, words: str
) -> None:
    from transformers import BertForSequenceClassification, BertTokenizer

    model, tokenizer = BertForSequenceClassification.from_pretrained(own), BertTokenizer.from_pretrained(own)
    with pytest.raises(ConfigError, match="Expected a task among") as raised:
        AutoGen(model, tokenizer, task)
    assert words in str(raised.value) and "text-classification" in str(raised.value)
    assert "among recommendation" not in str(raised.value)
