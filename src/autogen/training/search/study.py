"""The search for training settings that suit the data better than the recipe does.

Optuna's TPE sampler proposes, its median pruner stops what lags behind (Akiba et al. 2019, arXiv 1907.10902). Every
trial learns from the same rows and is scored on the same held-out rows, never on a test. The first trial is the
recipe itself, so the winner never scores less; since the best of many is partly luck, the winner is compared with the
recipe row by row, and chance is corrected for the number of trials. Trials lie in a SQLite file: a search that was
interrupted or killed goes on, and one on other data, another base model or other settings is another study.
"""

from __future__ import annotations

import math
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.stats import binomtest
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from autogen.errors import Interrupted, MissingDependency, StorageError, TrainingFailed
from autogen.installation import install_extra
from autogen.progress import TrainingProgress
from autogen.training.search.trial import CorrectRows, OnScore, Trial
from autogen.versions.comparison import paired_bounds

try:
    import optuna
    from optuna.trial import FrozenTrial, TrialState
except ImportError:
    raise MissingDependency(
        f"The search for settings needs Optuna, which is not installed: {install_extra('learn')}."
    ) from None

LEVEL = 0.05  # chance below which a gain counts as more than noise
RANDOM_FIRST = 4  # trials before the sampler and the pruner have something to go by
DEFAULT = "default"  # marks the recipe's own trial
RESULT = "result"
STEPS = 10  # a run's scores are told in tenths of it, so that runs of different lengths can be compared

State = Literal["done", "pruned", "stopped", "failed"]


@dataclass(frozen=True)
class Budget:
    """How long to search: until the seconds are over or as many trials are made, whichever comes first."""

    seconds: float | None = None
    trials: int | None = None


@dataclass(frozen=True)
class TrialResult:
    """One trial. `settings` are the values of the searched keys; `score` is the task's own, on the held-out rows."""

    number: int
    settings: dict[str, Any]
    score: float | None
    seconds: float
    state: State
    default: bool
    scores: tuple[float, ...]  # after each epoch


@dataclass(frozen=True)
class Gain:
    """The winner against the recipe on the same held-out rows that have a right answer; shares in 0–1.

    `interval`: 95 %, paired (Agresti & Min 2005). `chance`: of such a difference without any (exact McNemar test),
    times the number of trials the winner was chosen from (Bonferroni).
    """

    rows: int
    gained: int
    lost: int
    difference: float
    interval: tuple[float, float]
    chance: float

    @property
    def beyond_noise(self) -> bool:
        return self.difference > 0 and self.chance <= LEVEL


@dataclass(frozen=True)
class SearchResult:
    """What a search has found so far. `winner` is the recipe's own trial where none scored more."""

    trials: tuple[TrialResult, ...]
    default: TrialResult | None  # None: not even the recipe's trial was made
    winner: TrialResult | None
    gain: Gain | None  # None where the recipe itself won
    measured_on: str
    began: str  # whether this study is new, goes on, or why it began anew; in words


def compare_trials(winner: CorrectRows, default: CorrectRows, trials_tried: int) -> Gain:
    """`trials_tried`: those that the winner was chosen from, the recipe's own not counted."""
    gained, lost = int((winner & ~default).sum()), int((default & ~winner).sum())
    rows = len(winner)
    chance = float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    bounds = paired_bounds(gained, lost, rows, 0.975)
    return Gain(rows, gained, lost, (gained - lost) / max(rows, 1), bounds, min(1.0, chance * max(trials_tried, 1)))


class SettingsSearch:
    """A study in the file `storage`, named by `name` and by what it is `bound_to`: each by its name, as digests."""

    def __init__(
        self, job: Trial, storage: Path, name: str, bound_to: Mapping[str, str], progress: TrainingProgress
    ) -> None:
        self.last_counts = not job.held_out  # without held-out rows `train` chooses no epoch: its last one answers
        self.job, self.measured_on = job.split()
        self.storage, self.name, self.progress = storage, name, progress
        self.recipe = self.job.recipe
        self.space = self.job.search_space
        self.bound_to = {**bound_to, "recipe": str(self.recipe)}
        self.stopping = False

    def run(self, budget: Budget) -> SearchResult:
        """Go on with the study until the budget is spent. The recipe's own trial comes first, however long it takes.

        Raises StorageError, TrainingFailed (of the recipe's trial), Interrupted; finished trials are kept.
        """
        end = time.monotonic() + (math.inf if budget.seconds is None else budget.seconds)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with _explain_errors(self.storage), _catch_interrupts(self._stop):
            study, began = self._study()
            self.progress.say(began)
            self._take_up(study)
            begun = 0
            while begun < (math.inf if budget.trials is None else budget.trials) and (not begun or _in_time(end)):
                begun += 1
                self._trial(study, end)
                if self.stopping:
                    raise Interrupted(_interrupted_message(study))
            return self._result(study, began)

    def _stop(self) -> None:
        """Ctrl-C while nothing is trained is remembered: KeyboardInterrupt could be lost in a library's callback, and
        was, in SQLAlchemy's."""
        if self.stopping:
            raise KeyboardInterrupt
        self.stopping = True
        self.progress.say("Stopping; press Ctrl-C again to stop at once.")

    def _study(self) -> tuple[optuna.Study, str]:
        """The study that belongs to this data, base model and settings, and whether it is new, in words."""
        storage = _storage(self.storage)
        parts = "\n".join(f"{part}\t{digest}" for part, digest in sorted(self.bound_to.items()))
        full_name = f"{self.name}/{sha256(parts.encode()).hexdigest()[:16]}"
        names = [name for name in optuna.get_all_study_names(storage) if name.startswith(f"{self.name}/")]
        study = optuna.create_study(
            storage=storage,
            study_name=full_name,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=RANDOM_FIRST, n_warmup_steps=2),
        )
        trials_made = len(study.trials)  # part of the seed, or a study that goes on would draw the same again
        study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=RANDOM_FIRST, seed=(self.job.settings.seed + trials_made) % 2**32
        )
        if full_name in names:
            return study, f"The search goes on after {trials_made} trials."
        for part, digest in self.bound_to.items():
            study.set_user_attr(part, digest)
        if not names:
            return study, "A new search begins."
        last_attributes = optuna.load_study(study_name=names[-1], storage=storage).user_attrs
        changed = [part for part, digest in self.bound_to.items() if last_attributes.get(part) != digest]
        return study, f"A new search begins; changed since the last one: {', '.join(changed)}."

    def _take_up(self, study: optuna.Study) -> None:
        """What a killed process was trying is tried again, and the recipe itself where it has not been yet."""
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
            _enqueue_again(study, trial)
        open_trials = study.get_trials(states=(TrialState.COMPLETE, TrialState.WAITING))
        if not any(trial.user_attrs.get(DEFAULT) for trial in open_trials):
            nearest = {name: knob.nearest(getattr(self.recipe, name)) for name, knob in self.space.items()}
            study.enqueue_trial(nearest, user_attrs={DEFAULT: True})

    def _trial(self, study: optuna.Study, end: float) -> None:
        trial = study.ask()
        suggested = {name: knob.suggest(trial, name) for name, knob in self.space.items()}
        default = bool(trial.user_attrs.get(DEFAULT))
        settings = {name: getattr(self.recipe, name) for name in self.space} if default else suggested
        trial.set_user_attr("settings", settings)
        attempt = _Attempt(trial, settings.get("epochs", self.recipe.epochs), self.last_counts, default, end)
        job = self.job if default else self.job.with_settings(settings)
        state: State = "stopped"
        shutil.rmtree(job.state, ignore_errors=True)  # a killed process left its checkpoints, of other settings
        try:
            job.try_out(self._stage(study, trial.number, end), self.progress, self._listener(attempt))
            state = "done"
        except _Ended as ended:
            state = ended.state
        except TrainingFailed:
            state = "failed"
            if default:
                raise
        except (Interrupted, KeyboardInterrupt):
            raise Interrupted(_interrupted_message(study)) from None
        finally:
            shutil.rmtree(job.state, ignore_errors=True)
            attempt.keep(study, state)
            if state == "stopped":
                _enqueue_again(study, trial)
            self.progress.say(_line(_trial_result(study.trials[trial.number])))

    def _listener(self, attempt: _Attempt) -> OnScore:
        def hear(score: float, correct: CorrectRows) -> None:
            attempt.on_score(score, correct)
            if self.stopping:  # since before the training began, which hears of Ctrl-C itself
                raise _Ended("stopped")

        return hear

    def _stage(self, study: optuna.Study, number: int, end: float) -> str:
        """What the bar says of a trial."""
        best = _best([_trial_result(trial) for trial in study.trials])
        so_far = f", best {best.score:.1%}" if best and best.score is not None else ""
        time_left = "" if end == math.inf else f", {max(0.0, end - time.monotonic()):.0f} s left"
        return f"trial {number}{so_far}{time_left}"

    def _result(self, study: optuna.Study, began: str) -> SearchResult:
        trials = [_trial_result(trial) for trial in study.trials if trial.state != TrialState.WAITING]
        default = next((trial for trial in trials if trial.default and trial.state == "done"), None)
        winner, gain = _best(trials), None
        if default and winner and not winner.default:
            rivals = sum(trial.state in ("done", "pruned") and not trial.default for trial in trials)
            gain = compare_trials(
                _correct_rows(study.trials[winner.number]), _correct_rows(study.trials[default.number]), rivals
            )
        return SearchResult(tuple(trials), default, winner, gain, self.measured_on, began)


class _Ended(Exception):
    """A trial that ends before its last epoch."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


class _Attempt:
    """A trial while it runs: it hears the score of each epoch, and ends the trial that lags behind or is too late."""

    def __init__(self, trial: optuna.Trial, epochs: int, last_counts: bool, default: bool, end: float) -> None:
        self.trial, self.epochs, self.last_counts, self.default, self.end = trial, epochs, last_counts, default, end
        self.scores: list[float] = []
        self.score, self.correct = 0.0, np.zeros(0, dtype=np.bool_)  # of the epoch that counts
        self.started = time.monotonic()

    def on_score(self, score: float, correct: CorrectRows) -> None:
        if self.last_counts or score > max(self.scores, default=-1.0):
            self.score, self.correct = score, correct
        last_step, this_step = (
            STEPS * epochs_done // self.epochs for epochs_done in (len(self.scores), len(self.scores) + 1)
        )
        self.scores.append(score)
        for step in range(last_step + 1, this_step + 1):
            self.trial.report(score, step)
        if len(self.scores) == self.epochs or self.default:
            return
        if self.trial.should_prune():
            raise _Ended("pruned")
        if not _in_time(self.end):
            raise _Ended("stopped")

    def keep(self, study: optuna.Study, state: State) -> None:
        """The trial's end, on disk."""
        result: dict[str, Any] = {"state": state, "seconds": round(time.monotonic() - self.started, 2)}
        result["scores"] = self.scores
        if state == "done":
            result |= {"rows": len(self.correct), "right": np.packbits(self.correct).tobytes().hex()}
        self.trial.set_user_attr(RESULT, result)
        if state == "done":
            study.tell(self.trial, self.score)
        else:
            study.tell(self.trial, state=TrialState.PRUNED if state == "pruned" else TrialState.FAIL)


def _in_time(end: float) -> bool:
    return time.monotonic() < end


def _enqueue_again(study: optuna.Study, trial: optuna.Trial | FrozenTrial) -> None:
    if trial.params:
        default = {DEFAULT: True} if trial.user_attrs.get(DEFAULT) else None
        study.enqueue_trial(trial.params, user_attrs=default)


def _trial_result(trial: FrozenTrial) -> TrialResult:
    result = trial.user_attrs.get(RESULT, {})  # a killed process left none
    state: State = result.get("state", "stopped")
    scores = tuple(result.get("scores", ()))
    return TrialResult(
        number=trial.number,
        settings=trial.user_attrs.get("settings", trial.params),
        score=trial.value if state == "done" else max(scores, default=None),
        seconds=result.get("seconds", 0.0),
        state=state,
        default=bool(trial.user_attrs.get(DEFAULT)),
        scores=scores,
    )


def _best(trials: Sequence[TrialResult]) -> TrialResult | None:
    """The one that scored most; of equals the recipe, else the first."""
    scored = [trial for trial in trials if trial.state == "done" and trial.score is not None]
    return max(scored, key=lambda trial: (trial.score, trial.default, -trial.number), default=None)


def _correct_rows(trial: FrozenTrial) -> CorrectRows:
    result = trial.user_attrs[RESULT]
    packed = np.frombuffer(bytes.fromhex(result["right"]), dtype=np.uint8)
    return np.unpackbits(packed, count=result["rows"]).astype(np.bool_)


def _line(trial: TrialResult) -> str:
    score = "–" if trial.score is None else f"{trial.score:.1%}"
    return f"trial {trial.number}: {score}, {trial.state} after {trial.seconds:.0f} s"


def _interrupted_message(study: optuna.Study) -> str:
    best = _best([_trial_result(trial) for trial in study.trials])
    so_far = f" The best so far: {best.score:.1%}, trial {best.number}." if best and best.score is not None else ""
    return f"Interrupted. Finished trials are kept: `autogen tune` goes on from here.{so_far}"


def _storage(path: Path) -> optuna.storages.RDBStorage:
    url = URL.create("sqlite", database=str(path)).render_as_string()
    return optuna.storages.RDBStorage(url.replace("{", "{{").replace("}", "}}"))  # Optuna takes it for a template


@contextmanager
def _catch_interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C calls `stop`, in the main thread, which alone hears it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous_handler = signal.signal(signal.SIGINT, lambda _number, _frame: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)


@contextmanager
def _explain_errors(storage: Path) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = str(error).splitlines()[0]
        raise StorageError(
            f"The trials in {storage} could not be read or written: {reason} If the disk is well and has room, "
            "remove that file: the search then begins anew."
        ) from error
