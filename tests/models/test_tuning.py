from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autogen.config.methods import ADDS, OPTIONS, Tuning
from autogen.config.training import TrainingSettings
from autogen.errors import ConfigError
from autogen.models.adapters import weights_digest
from autogen.models.bottleneck import bottlenecks
from autogen.models.tuning import METHODS, trainable_share, tune
from autogen.tasks.text_classification.learning.classifier import Classifier, SequenceClassifier
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.tasks.text_classification.recipe import choose_recipe
from tests.models.conftest import LABELS, owners_model


def tuning(method: str, **options: Any) -> Tuning:
    settings = TrainingSettings.model_validate({"method": method, "freeze_embeddings": False, **options})
    return choose_recipe(settings, LABELS, continued=False, own_head=False).tuning


@pytest.fixture(params=["ours", "the user's"])
def model(request: pytest.FixtureRequest, source: FromBaseModel, tiny_base_model: Path) -> Classifier:
    if request.param == "ours":
        return source.build(LABELS, seed=0)
    return SequenceClassifier(owners_model(tiny_base_model))


def learning(model: Classifier) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_full_tuning_learns_everything(model: Classifier) -> None:
    tune(model, tuning("full"))
    assert learning(model) == {name for name, _ in model.named_parameters()}
    trainable, total = trainable_share(model)
    assert trainable == total == sum(parameter.numel() for parameter in model.parameters())


def test_full_tuning_may_leave_the_word_embeddings_as_they_are(model: Classifier) -> None:
    tune(model, tuning("full", freeze_embeddings=True, frozen_share=0.0))
    words = model.encoder.get_input_embeddings().weight
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    assert len(frozen) == 1 and frozen[0] is words
    trainable, total = trainable_share(model)
    assert total - trainable == words.numel()


def test_head_tuning_learns_the_head_alone(model: Classifier) -> None:
    tune(model, tuning("head"))
    assert learning(model) == {name for name, _ in model.named_parameters() if model.is_head(name)}
    assert 0 < trainable_share(model)[0] < trainable_share(model)[1] / 10


def test_a_method_undoes_another(model: Classifier) -> None:
    tune(model, tuning("head"))
    tune(model, tuning("full"))
    assert trainable_share(model)[0] == trainable_share(model)[1]


def test_last_n_learns_the_top_layers(model: Classifier) -> None:
    tune(model, tuning("last-n", last_n=1))
    assert not [name for name in learning(model) if "layer.0." in name or "embeddings" in name]
    assert [name for name in learning(model) if "layer.1." in name]


def test_bitfit_learns_biases(model: Classifier) -> None:
    tune(model, tuning("bitfit"))
    assert all(name.endswith("bias") or model.is_head(name) for name in learning(model))
    assert [name for name in learning(model) if "layer.0." in name]


@pytest.mark.parametrize("method", sorted(ADDS))
def test_methods_that_add_leave_the_base_model_as_it_is(model: Classifier, method: str) -> None:
    if method == "prompt" and not model.pools_tokens:
        with pytest.raises(ConfigError, match="prefix"):
            tune(model, tuning(method))
        return
    before = {id(parameter) for parameter in model.backbone.parameters()}
    norms = {id(p) for name, p in model.named_parameters() if "norm" in name.lower()}
    tune(model, tuning(method))
    moved = {id(p) for p in model.parameters() if p.requires_grad} & (before - norms)
    heads = {id(p) for name, p in model.named_parameters() if model.is_head(name)}
    assert not moved
    assert heads and all(p.requires_grad for name, p in model.named_parameters() if model.is_head(name))
    assert 0 < trainable_share(model)[0] < trainable_share(model)[1] / 2


def test_the_base_model_is_hashed_only_for_an_adapter_and_before_anything_of_it_can_change(
    source: FromBaseModel,
) -> None:
    plain, adapted = source.build(LABELS, seed=0), source.build(LABELS, seed=0)
    expected = weights_digest(plain.backbone)
    tune(plain, tuning("full"))
    tune(adapted, tuning("adapter"))
    assert plain.base is not None and plain.base.digest == ""
    assert adapted.base is not None and adapted.base.digest == expected


def test_an_untrained_adapter_changes_nothing(source: FromBaseModel, batch: dict[str, Any]) -> None:
    model = source.build(LABELS, seed=0).eval()
    before = model.answer(batch).logits
    tune(model, tuning("adapter", adapter_size=4))
    assert len(bottlenecks(model.backbone)) == 4  # two in each of two layers
    assert (model.answer(batch).logits - before).abs().max() == 0


def test_a_method_that_cannot_be_put_into_a_model_is_refused_with_the_reason(source: FromBaseModel) -> None:
    model = source.build(LABELS, seed=0)
    with pytest.raises(ConfigError, match="nowhere"):
        tune(model, tuning("lora", target_modules="nowhere"))


def test_every_method_of_the_settings_is_one() -> None:
    from typing import get_args

    from autogen.config.training import TuningMethod

    assert set(get_args(TuningMethod)) == set(METHODS) == set(OPTIONS)


def test_full_tuning_may_leave_the_lowest_layers_as_they_are(model: Classifier) -> None:
    tune(model, tuning("full", frozen_share=0.5))
    assert not [name for name in learning(model) if "layer.0." in name or "embeddings" in name]
    assert [name for name in learning(model) if "layer.1." in name]
