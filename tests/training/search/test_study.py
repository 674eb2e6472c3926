"""Trials are fair, kept, pruned and taken up again; and luck is not called a gain."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import create_trial

from autogen.config.training import TrainingSettings
from autogen.errors import Interrupted, UsageError
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.learning.fine_tune import FineTuning
from autogen.tasks.text_classification.learning.search_space import search_space
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.training.search.study import Budget, SearchResult, SettingsSearch, compare_trials
from tests.training.conftest import QUIET, examples, recipe

Make = Callable[..., SettingsSearch]
BOUND = {"data": "a", "base model": "b"}


@pytest.fixture
def job(source: FromBaseModel, tmp_path: Path) -> FineTuning:
    settings = TrainingSettings.model_validate({"epochs": 2, "freeze_embeddings": False, "precision": "fp32"})
    train, eval_rows = examples(12, seed=1), examples(8, seed=2, oos=3)
    return FineTuning(train, eval_rows, settings, source, tmp_path / "model", tmp_path / "state")


@pytest.fixture
def search(job: FineTuning, tmp_path: Path) -> Make:
    """A search as a fresh process would begin it, on the same file."""
    return lambda **bound: SettingsSearch(job, tmp_path / "tune.db", "support/intent", {**BOUND, **bound}, QUIET)


def run_search(search: SettingsSearch, trials: int) -> SearchResult:
    return search.run(Budget(trials=trials))


def study_of(search: SettingsSearch) -> optuna.Study:
    storage = f"sqlite:///{search.storage}"
    return optuna.load_study(study_name=optuna.get_all_study_names(storage)[-1], storage=storage)


def test_the_recipe_is_the_first_trial_the_winner_scores_no_less_and_a_search_goes_on(search: Make) -> None:
    first_result = run_search(search(), 2)
    assert [trial.default for trial in first_result.trials] == [True, False]
    assert (
        first_result.default
        and first_result.winner
        and first_result.default.score is not None
        and first_result.winner.score is not None
    )
    assert first_result.winner.score >= first_result.default.score
    assert first_result.default.settings["learning_rate"] == search().recipe.learning_rate
    second_result = run_search(search(), 1)
    assert "goes on" in second_result.began
    assert second_result.trials[:2] == first_result.trials
    assert len(second_result.trials) == 3 and not second_result.trials[2].default


def test_a_trial_leaves_its_record_alone_and_scores_the_same_again(search: Make, job: FineTuning) -> None:
    trial = run_search(search(), 1).trials[0]
    assert not job.state.exists() and not job.folder.exists()
    assert trial.seconds > 0 and len(trial.scores) == 2
    assert run_search(search(data="other"), 1).trials[0].scores == trial.scores


def test_what_the_user_set_is_fixed(job: FineTuning, search: Make) -> None:
    assert "epochs" not in search().space
    chosen = {**job.settings.model_dump(exclude_unset=True), "learning_rate": 1e-4, "label_smoothing": None}
    space = search_space(recipe(), TrainingSettings.model_validate(chosen).model_fields_set)
    assert sorted(space) == ["contrastive_weight", "layer_decay", "train_batch_size"]


@pytest.mark.parametrize(("method", "without"), [("lora", "layer_decay"), ("head", "learning_rate")])
def test_a_method_is_searched_for_what_it_has(method: str, without: str) -> None:
    space = search_space(recipe(method=method, learning_rate=1e-3), ())
    assert without not in space
    assert "epochs" in space


def test_other_data_begins_another_study_and_says_so_and_the_first_is_found_again(search: Make) -> None:
    run_search(search(), 1)
    other = run_search(search(data="other"), 1)
    assert other.began == "A new search begins; changed since the last one: data."
    assert [trial.default for trial in other.trials] == [True]
    assert len(run_search(search(), 0).trials) == 1
    assert "goes on" in run_search(search(), 0).began


def test_a_trial_that_lags_behind_is_pruned_and_recorded(search: Make) -> None:
    run_search(search(), 2)
    study = study_of(search())
    model = study.trials[1]
    for _ in range(4):
        study.add_trial(
            create_trial(
                params=model.params,
                distributions=model.distributions,
                value=1.0,
                intermediate_values=dict.fromkeys(range(1, 11), 1.1),
            )
        )
    last = run_search(search(), 1).trials[-1]
    assert last.state == "pruned"
    assert len(last.scores) == 1
    assert last.score == last.scores[0]


def test_what_a_killed_process_was_trying_is_tried_again_from_its_start(search: Make, job: FineTuning) -> None:
    run_search(search(), 1)
    study = study_of(search())
    killed = study.ask()
    for name, knob in search().space.items():
        knob.suggest(killed, name)
    left = job.state / "checkpoint-1"
    left.mkdir(parents=True)
    (left / "trainer_state.json").write_text("{}", "utf-8")
    result = run_search(search(), 1)
    assert [trial.state for trial in result.trials] == ["done", "stopped", "done"]
    assert study_of(search()).trials[2].params == killed.params


def test_a_process_killed_in_its_first_trial_still_begins_with_the_recipe(search: Make) -> None:
    run_search(search(), 0)
    study_of(search()).ask()
    result = run_search(search(), 1)
    assert [(trial.state, trial.default) for trial in result.trials] == [("stopped", True), ("done", True)]


def test_when_time_is_over_the_trial_stops_after_its_epoch_but_the_recipe_is_finished(search: Make) -> None:
    assert [trial.state for trial in search().run(Budget(seconds=0.001)).trials] == ["done"]
    cut = search().run(Budget(seconds=0.001)).trials[-1]
    assert (cut.state, len(cut.scores)) == ("stopped", 1)
    assert run_search(search(), 1).trials[-1].settings == cut.settings


class Hurried(TrainingProgress):
    """Presses Ctrl-C when a trial begins or, `at_line`, when one has ended: both times nothing is being trained."""

    def __init__(self, at_line: bool) -> None:
        super().__init__(quiet=True)
        self.at_line = at_line

    def start(self, stage: str, total: int, completed: int = 0) -> None:
        super().start(stage, total, completed)
        if not self.at_line:
            signal.raise_signal(signal.SIGINT)

    def say(self, text: str) -> None:
        super().say(text)
        if self.at_line and text.startswith("trial"):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("at_line", "state"), [(True, "done"), (False, "stopped")])
def test_ctrl_c_is_heeded_also_while_nothing_is_trained(search: Make, at_line: bool, state: str) -> None:
    hurried = search()
    hurried.progress = Hurried(at_line)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="goes on from here"):
        hurried.run(Budget(trials=3))
    assert signal.getsignal(signal.SIGINT) is before
    assert [trial.state for trial in run_search(search(), 0).trials] == [state]


def test_few_rows_are_divided_once_the_same_way_for_all_trials(job: FineTuning) -> None:
    few = replace(job, held_out=[])
    first_result, words = few.split()
    second_result, _ = few.split()
    assert [trial.text for trial in first_result.held_out] == [trial.text for trial in second_result.held_out]
    assert not {trial.text for trial in first_result.train} & {trial.text for trial in first_result.held_out}
    assert "one split" in words and "the same for every trial" in words


def test_without_rows_to_score_by_there_is_no_search(job: FineTuning) -> None:
    with pytest.raises(UsageError, match="add eval data"):
        replace(job, train=examples(1, seed=1), held_out=[]).split()


def test_a_gain_is_told_with_its_interval_and_its_chance() -> None:
    recipe_right, winner = np.zeros(120, dtype=bool), np.zeros(120, dtype=bool)
    winner[:16], recipe_right[16:18] = True, True
    result = compare_trials(winner, recipe_right, trials_tried=3)
    assert (result.gained, result.lost, result.rows) == (16, 2, 120)
    assert result.interval[0] < result.difference < result.interval[1]
    assert result.chance == pytest.approx(3 * 0.001312, rel=0.01)  # the exact binomial test of 16 in 18, three times
    assert result.beyond_noise
    assert not compare_trials(winner, recipe_right, trials_tried=100).beyond_noise


def test_the_best_of_many_that_are_no_better_is_seldom_called_a_gain() -> None:
    chance = np.random.default_rng(0)
    called = 0
    for _ in range(200):
        trials = chance.random((21, 200)) < 0.9
        best = trials[1:][trials[1:].sum(axis=1).argmax()]
        called += compare_trials(best, trials[0], trials_tried=20).beyond_noise
    assert called <= 0.05 * 200


def test_every_knob_holds_the_recipe_s_own_value() -> None:
    for per_label in (5, 100):
        chosen = recipe(per_label)
        for name, knob in search_space(chosen, ()).items():
            assert knob.nearest(getattr(chosen, name)) == getattr(chosen, name)
