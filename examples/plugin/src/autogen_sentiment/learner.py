"""The learning side: logistic regression on the words of a text, by Adagrad on all rows at once. It needs no torch."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.errors import ParityError
from autogen.progress import TrainingProgress
from autogen.tasks.task import Fitted, Job
from autogen_sentiment.lexicon import Floats, Lexicon, words_of
from autogen_sentiment.rows import Examples, SentimentData
from autogen_sentiment.settings import LexiconOptions, LexiconTraining

EPOCHS, LEARNING_RATE = 150, 0.5
PARITY = 1e-3  # largest difference of a logit between what was trained and what was written
SHOWN = 8  # words of each sentiment in the report


class LexiconLearner:
    """Fits from nothing, or goes on from an earlier lexicon, whose words and sentiments stay."""

    resumes = False  # it takes seconds

    def fit(self, job: Job, progress: TrainingProgress) -> Fitted:
        data, settings, options = job.data, job.need.training, job.need.options
        assert isinstance(data, SentimentData)
        assert isinstance(settings, LexiconTraining) and isinstance(options, LexiconOptions)
        started = time.monotonic()
        before = Lexicon.load(job.start.before) if job.start.before else None
        trained = _train(_begin(data.train, settings, options, before), data.train, settings, progress)
        trained.save(job.folder)
        written = Lexicon.load(job.folder)
        return Fitted(
            cross_validated=False,
            metrics={},
            parity=_parity(trained, written, data.train),
            record=_record(written, time.monotonic() - started),
        )


def _begin(train: Examples, settings: LexiconTraining, options: LexiconOptions, before: Lexicon | None) -> Lexicon:
    """Every weight is nothing, but those of the earlier lexicon."""
    rows = Counter(word for one in train for word in words_of(one.text))
    known = before.words if before else {}
    new = sorted(w for w, n in rows.items() if n >= settings.min_rows and w not in known and w not in options.ignored)
    old_labels = before.labels if before else ()
    labels = (*old_labels, *sorted({one.label for one in train} - {*old_labels}))
    words = {word: at for at, word in enumerate((*known, *new))}
    weights, bias = np.zeros((len(words), len(labels))), np.zeros(len(labels))
    if before:
        weights[: len(known), : len(old_labels)] = before.weights
        bias[: len(old_labels)] = before.bias
    return Lexicon(labels, words, weights, bias)


def _train(begun: Lexicon, train: Examples, settings: LexiconTraining, progress: TrainingProgress) -> Lexicon:
    weights, bias = begun.weights.copy(), begun.bias.copy()
    row_at, word_at, share = _entries(begun, train)
    wanted = np.array([begun.labels.index(one.label) for one in train])
    squares, bias_squares = np.full_like(weights, 1e-8), np.full_like(bias, 1e-8)
    epochs, rate = settings.epochs or EPOCHS, settings.learning_rate or LEARNING_RATE
    progress.start("weighing words", epochs * len(train))
    for _ in range(epochs):
        logits = np.tile(bias, (len(train), 1))
        np.add.at(logits, row_at, weights[word_at] * share)
        error = np.exp(logits - logits.max(axis=1, keepdims=True))
        error /= error.sum(axis=1, keepdims=True)
        error[np.arange(len(train)), wanted] -= 1
        gradient = settings.weight_decay * weights / len(train)
        np.add.at(gradient, word_at, error[row_at] * share / len(train))
        bias_gradient = error.mean(axis=0)
        squares += gradient**2
        bias_squares += bias_gradient**2
        weights -= rate * gradient / np.sqrt(squares)
        bias -= rate * bias_gradient / np.sqrt(bias_squares)
        progress.advance(len(train))
    return Lexicon(begun.labels, begun.words, weights, bias)


def _entries(lexicon: Lexicon, train: Examples) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Every known word of every row: the row's place, the word's, and the share that the word has in the row."""
    entries = []
    for row, one in enumerate(train):
        known = [lexicon.words[word] for word in words_of(one.text) if word in lexicon.words]
        entries += [(row, word, 1 / np.sqrt(len(known))) for word in known]
    rows, words, shares = zip(*entries, strict=True) if entries else ((), (), ())
    return np.array(rows, np.int64), np.array(words, np.int64), np.array(shares, np.float64)[:, None]


def _parity(trained: Lexicon, written: Lexicon, train: Examples) -> float:
    """Raises ParityError where the file answers otherwise than what was trained."""
    texts = [one.text for one in train]
    largest = float(np.abs(trained.logits(texts) - written.logits(texts)).max())
    if largest > PARITY:
        raise ParityError(
            f"Expected the written lexicon's logits within {PARITY} of the trained one's; found {largest}."
        )
    return largest


def _record(lexicon: Lexicon, seconds: float) -> dict[str, Any]:
    heaviest = {label: [list(word) for word in lexicon.heaviest(label, SHOWN)] for label in lexicon.labels}
    return {"seconds": seconds, "words": len(lexicon.words), "heaviest": heaviest}


LEARNER = LexiconLearner()
