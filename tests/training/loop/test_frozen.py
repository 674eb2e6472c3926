from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autogen.models.tuning import tune
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.learning.classifier import Classifier
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.tasks.text_classification.recipe import ClassifierRecipe
from autogen.training.loop import frozen
from autogen.training.loop.answers import network_outputs
from autogen.training.loop.frozen import cache_hidden_states, frozen_layers, rest_frozen_layers
from autogen.training.loop.trainer import fit
from tests.training.conftest import LABELS, QUIET, encoded, examples, fit_of, recipe


def tuned_model(source: FromBaseModel, settings_: ClassifierRecipe) -> Classifier:
    model = source.build(LABELS, 0)
    tune(model, settings_.tuning)
    return model


def train(source: FromBaseModel, encoder: TextEncoder, settings_: ClassifierRecipe, state: Path) -> Classifier:
    model = tuned_model(source, settings_)
    rows = encoded(encoder, examples(8, seed=1))
    eval_rows = [row.encoded for row in encoded(encoder, examples(3, seed=2))]
    fit(fit_of(model, settings_, rows, encoder, state, eval_rows, lambda outputs: float(outputs[0].mean())), QUIET)
    return model


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({"method": "head"}, 3),
        ({"method": "last-n", "last_n": 1}, 2),
        ({"method": "full"}, 0),
        ({"method": "lora"}, 0),
        ({"method": "prefix"}, 0),
    ],
)
def test_the_embeddings_and_the_layers_below_the_first_that_learns_are_frozen(
    source: FromBaseModel, settings: dict[str, object], layers: int
) -> None:
    assert len(frozen_layers(tuned_model(source, recipe(**settings)))) == layers


@pytest.mark.parametrize("settings", [{"method": "head"}, {"method": "last-n", "last_n": 1}])
@pytest.mark.parametrize("room", [2**30, 0], ids=["in memory", "in a file"])
def test_a_model_learns_the_same_from_kept_hidden_states(
    source: FromBaseModel,
    encoder: TextEncoder,
    settings: dict[str, object],
    room: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings_ = recipe(epochs=2, lora_dropout=0.0, **settings)
    monkeypatch.setattr(frozen, "IN_MEMORY", room)
    cached = train(source, encoder, settings_, tmp_path / "kept")
    assert not (tmp_path / "kept/hidden.bin").exists()  # the file goes when the run is over
    monkeypatch.setattr(frozen, "IN_MEMORY", -1)
    monkeypatch.setattr(frozen, "SHARE_OF_DISK", 0.0)
    recomputed = train(source, encoder, settings_, tmp_path / "asked")
    for name, value in cached.state_dict().items():
        assert torch.allclose(value, recomputed.state_dict()[name], atol=1e-4), name
    rows = [row.encoded for row in encoded(encoder, examples(2, seed=3))]
    assert network_outputs(cached, encoder, rows, False)[0] == pytest.approx(
        network_outputs(recomputed, encoder, rows, False)[0], abs=1e-3
    )


def test_frozen_layers_have_no_dropout_while_the_rest_trains(source: FromBaseModel) -> None:
    model = tuned_model(source, recipe(method="head"))
    with rest_frozen_layers(model) as layers:
        model.train()
        assert model.training and not any(layer.training for layer in layers)
    model.train()
    assert all(layer.training for layer in frozen_layers(model))


def test_where_the_parts_are_not_used_as_usual_nothing_is_kept(
    source: FromBaseModel, encoder: TextEncoder, tmp_path: Path
) -> None:
    model = tuned_model(source, recipe(method="head"))
    rows = [row.encoded for row in encoded(encoder, examples(2, seed=3))]
    layers = frozen_layers(model)
    assert cache_hidden_states(model, layers, rows, encoder, False, 8, tmp_path) is not None
    model.encoder.encoder.register_forward_pre_hook(lambda _module, given: (-given[0], *given[1:]))  # between them
    assert cache_hidden_states(model, layers, rows, encoder, False, 8, tmp_path) is None
