from __future__ import annotations

from pathlib import Path

import pytest

from autogen.models.classifier import Classifier, SequenceClassifier
from autogen.models.sources import FromBaseModel
from autogen.models.tuning import METHODS, trainable_share
from tests.models.conftest import LABELS, owners_model


@pytest.fixture(params=["ours", "the user's"])
def model(request: pytest.FixtureRequest, source: FromBaseModel, tiny_base_model: Path) -> Classifier:
    if request.param == "ours":
        return source.build(LABELS, seed=0)
    return SequenceClassifier(owners_model(tiny_base_model))


def learning(model: Classifier) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_full_tuning_learns_everything(model: Classifier) -> None:
    METHODS["full"](model, False)
    assert learning(model) == {name for name, _ in model.named_parameters()}
    found, every = trainable_share(model)
    assert found == every == sum(parameter.numel() for parameter in model.parameters())


def test_full_tuning_may_leave_the_word_embeddings_as_they_are(model: Classifier) -> None:
    METHODS["full"](model, True)
    words = model.encoder.get_input_embeddings().weight
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    assert len(frozen) == 1 and frozen[0] is words
    found, every = trainable_share(model)
    assert every - found == words.numel()


def test_head_tuning_learns_the_head_alone(model: Classifier) -> None:
    METHODS["head"](model, True)
    assert learning(model) == {name for name, _ in model.named_parameters() if model.is_head(name)}
    assert 0 < trainable_share(model)[0] < trainable_share(model)[1] / 10


def test_a_method_undoes_another(model: Classifier) -> None:
    METHODS["head"](model, False)
    METHODS["full"](model, False)
    assert trainable_share(model)[0] == trainable_share(model)[1]
