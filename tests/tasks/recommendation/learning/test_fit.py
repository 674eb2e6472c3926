from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from autogen.config.training import TrainingSettings
from autogen.errors import ParityError
from autogen.progress import TrainingProgress
from autogen.runtime.session import ExportedModel
from autogen.tasks.recommendation.interactions import Interactions, interactions_of
from autogen.tasks.recommendation.learning.export import export_sequence
from autogen.tasks.recommendation.learning.fit import FitReport, RecommenderFit, check_sequence, last_events, steps_for
from autogen.tasks.recommendation.learning.linear import fit_linear
from autogen.tasks.recommendation.learning.mixing import columns_of
from autogen.tasks.recommendation.learning.sequence import (
    SequenceSettings,
    Trends,
    WindowDataset,
    batch_loss,
    item_frequencies,
    train_sequence,
)
from autogen.tasks.recommendation.learning.sequential import SequentialModel, SequentialModelSizes
from autogen.tasks.recommendation.model import Recommender, SequenceReading, linear_reading
from autogen.tasks.recommendation.trend import Histories, Query
from tests.shop import catalogue, events

NONE = float("nan")


@pytest.fixture(scope="module")
def shop_events() -> Interactions:
    items = [str(item["item"]) for item in catalogue()]
    return interactions_of([(u, i, float(t), float(r)) for u, i, t, r in events()], items=items)


def of_one_user(count: int) -> Interactions:
    return interactions_of([("u", str(at), 1000.0 * at, NONE) for at in range(count)])


@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 74, 75, 76, 130, 1000])
def test_every_event_of_a_history_is_asked_for_once_with_a_past(count: int) -> None:
    events = of_one_user(count)
    windows = WindowDataset(events, SequentialModelSizes(count), Trends(events, count))
    targets = np.concatenate([window.targets[window.targets >= 0] for window in windows])
    assert sorted(targets.tolist()) == list(range(count))
    for window in windows:
        assert len(window.items) == len(window.targets) == len(window.gaps) == len(window.moments) <= 51
        assert all(
            after == before + 1
            for before, after in zip(window.items[1:], window.targets[1:], strict=True)
            if after >= 0
        )


def test_the_linear_reading_is_ease_in_closed_form(shop_events: Interactions) -> None:
    items = len(shop_events.items)
    chosen = np.zeros((len(shop_events.users), items))
    chosen[shop_events.user, shop_events.item] = 1
    gram = chosen.T @ chosen
    known = np.flatnonzero(np.bincount(shop_events.item, minlength=items) > 1)
    inverse = np.linalg.inv(gram[np.ix_(known, known)] + 10 * np.eye(len(known)))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    linear = fit_linear(shop_events, items, 10.0)
    assert linear is not None
    history = known[:3].astype(np.int32)
    assert linear.scores(history)[known] == pytest.approx(weights[:3].sum(axis=0), abs=1e-4)
    assert np.isfinite(linear_reading(linear.scores(history))).all()


def test_without_two_items_chosen_twice_there_is_no_linear_reading() -> None:
    assert fit_linear(of_one_user(5), 5, 10.0) is None


@pytest.fixture(scope="module")
def trained(shop_events: Interactions) -> SequentialModel:
    """For reading: whoever changes it, changes a copy."""
    torch.manual_seed(0)
    model = SequentialModel(SequentialModelSizes(len(shop_events.items), dropout=0.1), None)
    settings = SequenceSettings(epochs=None, steps=120, learning_rate=1e-2, batch_size=32, bf16=False, seed=0)
    train_sequence(model, shop_events, settings, TrainingProgress(quiet=True), "train")
    return model


def test_the_sequential_model_learns_what_comes_next(shop_events: Interactions, trained: SequentialModel) -> None:
    model = trained
    histories = Histories(shop_events)
    right = 0
    for user in range(40):
        items, times = histories.all_of(user)
        query = Query(items[:-1], times[:-1], float(times[-1]))
        with torch.no_grad():
            from autogen.tasks.recommendation.learning.sequence import query_state

            scores = model.vectors()[:-1].numpy() @ query_state(model, query) + model.bias.numpy()
        right += int(items[-1] in np.argsort(-scores)[:3])
    assert right >= 30, "each goes from one film to the next of the same taste"


def test_a_sampled_softmax_offers_every_target(shop_events: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autogen.tasks.recommendation.learning.sequence.FULL", 0)
    model = SequentialModel(SequentialModelSizes(len(shop_events.items)), None)
    trends = Trends(shop_events, model.sizes.items)
    settings = SequenceSettings(1, 1, 1e-3, 8, False, 0)
    windows = WindowDataset(shop_events, model.sizes, trends)[:8]
    frequencies = item_frequencies(shop_events, model.sizes.items)
    loss = batch_loss(model, windows, trends, frequencies, settings, np.random.default_rng(0))
    assert 0 < loss.item() < 20
    torch.autograd.backward(loss)
    assert model.own.weight.grad is not None


def exported(model: SequentialModel, folder: Path) -> SequenceReading:
    export_sequence(model, folder / "sequence.onnx")
    vectors = model.vectors().detach().numpy()[:-1]
    bias, trend = model.bias.detach().numpy(), model.trend.detach().numpy()
    return SequenceReading(ExportedModel(folder / "sequence.onnx"), vectors, bias, trend, model.sizes.length)


def test_the_export_agrees_and_an_altered_one_is_noticed(
    shop_events: Interactions, trained: SequentialModel, tmp_path: Path
) -> None:
    model = copy.deepcopy(trained)
    reading, histories = exported(model, tmp_path), Histories(shop_events)
    assert check_sequence(model, reading, histories) < 1e-3
    with torch.no_grad():
        model.own.weight.add_(torch.randn_like(model.own.weight))
    with pytest.raises(ParityError, match="differ by up to"):
        check_sequence(model, reading, histories)


def fit(events: Interactions, folder: Path, before: Path | None = None) -> RecommenderFit:
    settings = TrainingSettings(learning_rate=1e-2, precision="fp32", epochs=30)
    return RecommenderFit(events, None, settings, folder, "none", len(events.items), before)


@pytest.fixture(scope="module")
def fitted(shop_events: Interactions, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FitReport]:
    folder = tmp_path_factory.mktemp("fitted") / "one"
    return folder, fit(shop_events, folder).run(TrainingProgress(quiet=True))


def test_what_was_fitted_answers_the_same_when_loaded(
    shop_events: Interactions, fitted: tuple[Path, FitReport]
) -> None:
    folder, report = fitted
    assert report.held == 80
    assert set(report.tried) == {"trend", "trend + linear", "trend + sequence", "trend + linear + sequence"}
    assert " + ".join(report.readings) == max(report.tried, key=lambda name: report.tried[name])
    assert report.tried["trend + sequence"] > report.tried["trend"], "the shop's users go from film to film"
    model = Recommender.load(folder)
    query, counts = model.histories.query(0, float(shop_events.time[-1])), model.trend().at(float(shop_events.time[-1]))
    scores = model.scores(query, counts)
    assert scores.shape == (len(shop_events.items),)
    assert np.isfinite(scores).all()
    assert Recommender.load(folder).scores(query, counts) == pytest.approx(scores)


def test_what_is_said_to_answer_is_what_answers_and_a_sequence_that_does_not_is_left_out(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    fads = interactions_of(
        (f"u{user}", f"of day {int(day)}, {chance.integers(2)}", 86_400.0 * day, NONE)
        for user in range(60)
        for day in chance.random(3) * 20
    )
    report = fit(fads, tmp_path / "fads").run(TrainingProgress(quiet=True))
    assert " + ".join(report.readings) == max(report.tried, key=lambda name: report.tried[name])
    assert "sequence" not in report.readings, "everybody goes with the fashion of the day"
    model = Recommender.load(tmp_path / "fads")
    assert model.card.readings == report.readings
    assert model.sequence is None
    assert not (tmp_path / "fads/sequence.onnx").exists()
    scores = model.scores(model.histories.query(0, 21 * 86_400.0), model.trend().at(21 * 86_400.0))
    assert np.isfinite(scores).all()


def test_training_goes_on_with_new_items_and_the_mix_as_it_was(
    shop_events: Interactions, fitted: tuple[Path, FitReport], tmp_path: Path
) -> None:
    first = fitted[0]
    more = interactions_of(
        [
            *((f"u{at}", "brand new", float(shop_events.time[-1]) + at, NONE) for at in range(20)),
            *(
                (shop_events.users[u], shop_events.items[i], t, NONE)
                for u, i, t in zip(shop_events.user, shop_events.item, shop_events.time, strict=True)
            ),
        ],
        items=shop_events.items,
    )
    report = fit(more, tmp_path / "two", first).run(TrainingProgress(quiet=True))
    assert report.tried == {}
    one, two = Recommender.load(first), Recommender.load(tmp_path / "two")
    assert one.mix is not None
    assert two.mix is not None
    assert (two.mix.out == one.mix.out).all()
    assert two.items[-1] == "brand new"


def test_too_few_events_to_choose_by_are_answered_by_what_trends(tmp_path: Path) -> None:
    report = fit(of_one_user(6), tmp_path / "few").run(TrainingProgress(quiet=True))
    assert report.readings == ("trend",)
    model = Recommender.load(tmp_path / "few")
    scores = model.scores(model.histories.query(-1, 1e9), model.trend().at(6000.0))
    assert scores.argmax() == 5, "the latest"


def test_only_the_last_event_of_users_with_others_is_held_out(shop_events: Interactions) -> None:
    places = last_events(shop_events, 1000, 0)
    assert len(places) == 80
    assert len({*shop_events.user[places].tolist()}) == 80
    assert len(last_events(shop_events, 10, 0)) == 10
    assert len(last_events(of_one_user(1), 10, 0)) == 0


def test_steps_grow_with_the_events_and_readings_have_their_columns() -> None:
    assert steps_for(0) == 100
    assert steps_for(100_000) == 1000
    assert steps_for(10**12) == 20_000
    assert columns_of(["trend", "sequence"], 6, ["linear", "sequence"]) == [0, 1, 2, 3, 4, 5, 7]
