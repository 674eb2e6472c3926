"""Every tuning method through the whole of fine-tuning: learn, export, save, load, go on, answer the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogen.config.methods import ADDS
from autogen.config.training import TrainingSettings
from autogen.errors import BaseModelError, ConfigError
from autogen.models.base_models import find_base_model
from autogen.models.tuning import METHODS
from autogen.tasks.text_classification.learning.fine_tune import FineTuning
from autogen.tasks.text_classification.learning.sources import FromBaseModel, FromOwner, FromVersion, ModelSource
from autogen.tasks.text_classification.model import TunedModel
from autogen.training.loop.answers import network_outputs
from tests.choosing import quick_and_slow
from tests.models.conftest import owners_model
from tests.tiny import write_tiny_base_model
from tests.training.conftest import LABELS, QUIET, examples

RATES = {"bitfit": 2e-2, "lora": 1e-2, "adapter": 1e-2, "ia3": 5e-2, "prefix": 5e-2, "prompt": 5e-2}


def job(folder: Path, source: ModelSource, method: str, epochs: int = 3) -> FineTuning:
    settings = TrainingSettings.model_validate(
        {"method": method, "epochs": epochs, "learning_rate": RATES.get(method, 5e-3), "precision": "fp32"}
    )
    return FineTuning(
        train=examples(20, seed=1),  # not so few that only the top layers learn
        held_out=examples(8, seed=2),
        settings=settings,
        source=source,
        folder=folder / "model",
        state=folder / "state",
    )


def version_of(work: FineTuning, exported: str) -> FromVersion:
    model = TunedModel.load(work.folder)
    return FromVersion(work.folder, model.card.base_model, model.task, 64, 0, exported)


@pytest.fixture(params=["ours", "the user's"])
def any_source(request: pytest.FixtureRequest, source: FromBaseModel, tiny_base_model: Path) -> ModelSource:
    if request.param == "ours":
        return source
    from transformers import AutoTokenizer

    return FromOwner(owners_model(tiny_base_model, LABELS), AutoTokenizer.from_pretrained(tiny_base_model))


@pytest.mark.parametrize("method", quick_and_slow(METHODS, quick=("full", "lora", "prefix")))
def test_a_method_learns_is_exported_saved_loaded_and_goes_on(
    any_source: ModelSource, method: str, tmp_path: Path
) -> None:
    work = job(tmp_path, any_source, method)
    if method == "prompt" and any_source.own_head:
        with pytest.raises(ConfigError, match="Use another method"):
            work.run(QUIET)
        return
    report = work.run(QUIET)
    assert report.recipe.method == method and 0 < report.trainable <= report.parameters
    answering = TunedModel.load(work.folder)
    texts = [example.text for example in work.held_out]
    exported = answering.logits(texts)

    version = version_of(work, report.exported)
    loaded = version.build(answering.task.labels, seed=5)
    rows = answering.encoder.encode(texts)
    again, _ = network_outputs(loaded, answering.encoder, rows, bf16=False)
    tolerance = 0.05 if report.exported == "fp32" else 2.0
    assert np.abs(again - exported).max() < tolerance

    more = job(tmp_path / "more", version, method, epochs=1)
    assert more.run(QUIET).labels == answering.task.labels


@pytest.mark.parametrize("method", quick_and_slow(sorted(ADDS), quick=("lora",)))
def test_what_is_kept_of_an_adapter_is_small_and_needs_its_own_base_model(method: str, tmp_path: Path) -> None:
    base = write_tiny_base_model(tmp_path / "base")
    work = job(tmp_path, FromBaseModel(find_base_model(str(base))), method, epochs=1)
    report = work.run(QUIET)
    weights = work.folder / "weights"
    assert not (weights / "encoder").exists()
    assert {path.name for path in (weights / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    from transformers import BertConfig, BertModel

    BertModel(BertConfig.from_pretrained(base)).save_pretrained(base)  # other weights of the same name
    with pytest.raises(BaseModelError, match="was trained on the base model"):
        version_of(work, report.exported).build(LABELS, seed=0)


def test_a_lora_version_may_go_on_with_full_tuning_and_a_prefix_may_not(source: FromBaseModel, tmp_path: Path) -> None:
    for method, goes_on in (("lora", True), ("prefix", False)):
        work = job(tmp_path / method, source, method, epochs=1)
        report = work.run(QUIET)
        more = job(tmp_path / method / "more", version_of(work, report.exported), "full", epochs=1)
        if goes_on:
            assert more.run(QUIET).trainable > report.trainable
        else:
            with pytest.raises(ConfigError, match="go on with the same method"):
                more.run(QUIET)
