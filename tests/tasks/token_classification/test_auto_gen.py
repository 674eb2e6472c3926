"""`AutoGen` with the task, through the skill that answers with any task."""

from __future__ import annotations

from pathlib import Path

from autogen import Agent, AutoGen
from tests.tasks.token_classification.annotated import annotated


def test_auto_gen_fits_saves_loads_and_answers_as_an_agent(tiny_base_model: Path, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(tiny_base_model), AutoTokenizer.from_pretrained(tiny_base_model)
    auto_gen = AutoGen(model, tokenizer, task="token-classification", quiet=True)
    auto_gen.config.epochs, auto_gen.config.learning_rate = 4, 5e-3
    auto_gen.config.freeze_embeddings = False  # the tiny model's were never learnt
    auto_gen.config.precision = "fp32"
    auto_gen.fit(annotated(40, seed=1), annotated(8, seed=2))
    assert auto_gen.evaluate(annotated(8, seed=3))["entity_f1"] > 0.9
    text = "please tell me about the thief"
    assert [(entity["label"], entity["text"]) for entity in auto_gen.predict(text)] == [("lost_card", "thief")]
    auto_gen.save(tmp_path / "saved")
    assert AutoGen.load(tmp_path / "saved", quiet=True).predict(text) == auto_gen.predict(text)
    reply = auto_gen.agent().respond(text)
    assert reply.text == "lost_card: thief" and reply.details["entities"][0]["start"] == 25
    assert Agent.load(tmp_path / "saved").respond(text).text == reply.text
