"""A tuned model as it answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autogen.data.rows import Row
from autogen.errors import VersionDamaged
from autogen.tasks.task import Predicts
from autogen.tasks.token_classification.model import EntityModel

LONG = "please tell me about the " * 60  # five times what the tiny model reads at once


def predicted(model: EntityModel, text: str) -> list[tuple[str, str]]:
    (entities,) = model.predict([text])
    assert all(text[entity.start : entity.end] == entity.text and 0 <= entity.confidence <= 1 for entity in entities)
    return [(entity.label, entity.text) for entity in entities]


def test_entities_are_found_with_their_labels(model: EntityModel) -> None:
    assert predicted(model, "tell me the exchange please") == [("exchange_rate", "exchange")]
    assert predicted(model, "please tell me about it") == []
    assert model.predict([]) == []


def test_an_entity_at_the_end_of_a_long_text_is_found_and_none_is_found_twice(model: EntityModel) -> None:
    text = LONG + "thief " + LONG + "euro"
    assert len(model.encoder.encode([text])[0].windows) > 5
    assert predicted(model, text) == [("lost_card", "thief"), ("exchange_rate", "euro")]


@pytest.mark.parametrize(
    "text",
    ["my \U0001f469\u200d\U0001f467 was robbed", "m\u00ed caf\u00e9 e\u0301 \U0001f600\U0001f600 robbed", "  robbed\t"],
    ids=["family", "accents", "white space"],
)
def test_offsets_count_characters_whatever_stands_before(model: EntityModel, text: str) -> None:
    start = text.index("robbed")
    (entities,) = model.predict([text])
    assert (start, start + 6, "lost_card", "robbed") in [(e.start, e.end, e.label, e.text) for e in entities]


def test_an_accent_that_the_tokenizer_drops_belongs_to_the_entity(model: EntityModel) -> None:
    assert predicted(model, "the ro\u0301bbed") == [("lost_card", "ro\u0301bbed")]


def test_a_text_without_anything_that_the_tokenizer_knows_has_no_entities(model: EntityModel) -> None:
    assert model.predict(["\u200b", "please"]) == [(), ()]


def test_texts_are_answered_alike_alone_and_together(model: EntityModel) -> None:
    texts = ["euro", LONG + "thief", "please", "my wallet with the thief"]
    together = model.predict(texts)
    for text, entities in zip(texts, together, strict=True):
        (alone,) = model.predict([text])
        assert [entity.span for entity in alone] == [entity.span for entity in entities]


def test_rows_are_answered_with_a_sentence_and_the_entities(model: EntityModel) -> None:
    assert isinstance(model, Predicts)
    rows = [Row({"text": text}, "rows", 1) for text in ("the thief with my euro", "please")]
    some, none = model.predict_rows(rows)
    assert some["prediction"] == "lost_card: thief; exchange_rate: euro"
    assert [entity["text"] for entity in some[model.answer_column]] == ["thief", "euro"]
    assert some["confidence"] == min(entity["confidence"] for entity in some["entities"])
    assert none == {"prediction": "", "confidence": 0.0, "entities": []}


@pytest.mark.parametrize("name", ["task.json", "tokenizer.json", "model.onnx"])
def test_a_damaged_file_is_named(model: EntityModel, name: str, tmp_path: Path) -> None:
    assert model.folder is not None
    copy = Path(shutil.copytree(model.folder, tmp_path / "copy"))
    (copy / name).write_text("{", "utf-8")
    with pytest.raises(VersionDamaged, match="copy"):
        EntityModel.load(copy)
