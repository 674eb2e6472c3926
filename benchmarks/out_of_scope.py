"""What projects without `oos` rows of their own decline, through the exported model.

Each project leaves a third of its intents out: their rows are near. Far are rows of other sets, and small talk of
groups that are not packaged. The same trained model is calibrated with packaged outliers (the default) and without
(`outliers = "own"`). Beside it the AUROC of other scores of that model: softmax, energy (Liu et al. 2020), Mahalanobis
distance (Lee et al. 2018), cosine to the nearest training row (Sun et al. 2022).

    python benchmarks/out_of_scope.py --data DIR

lost: points of in-scope accuracy that declining costs. far: the mean over its sources.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from sklearn.covariance import LedoitWolf

from autogen.config.training import TrainingSettings
from autogen.data.splits import has_rows_to_spare
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.learning.fine_tune import FineTuning
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.tasks.text_classification.metrics import auroc
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.outliers.packaged import choose_outliers
from autogen.tasks.text_classification.rows import LabelledRows, LabelledText, split
from measuring import options, report, say
from out_of_scope_rows import CLINC_DOMAINS, TrialProject, everyday, project, texts_of

NAMES = ("helpdesk", "atis", "nlupp_banking", "smp2017", "bank_faq", "restaurant8k", "rasa")
ALL = (*NAMES, *(f"clinc150 {domain}" for domain in CLINC_DOMAINS))


class Quiet(TrainingProgress):
    def say(self, text: str) -> None:
        if "declining" in text or "warning" in text:
            say(f"  {text}")


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the data sets")
    parser.add_argument("--projects", nargs="+", default=list(ALL), metavar="NAME", choices=ALL)
    parser.add_argument("--rows", nargs="+", type=int, default=[15, 0], metavar="N", help="of each label; 0 for all")
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    return parser.parse_args()


def tuned(trial: TrialProject, base_model: str, epochs: int | None, folder: Path) -> tuple[TunedModel, TunedModel]:
    """The same trained model, calibrated without packaged outliers and with them."""
    examples = [LabelledText(*row) for row in trial.train]
    train, held_out = examples, []
    if has_rows_to_spare([row.label for row in examples]):
        train_rows, eval_rows, _ = split(LabelledRows(tuple(examples), tuple(examples)), 0)
        train, held_out = list(train_rows.examples), list(eval_rows.examples)
    job = FineTuning(
        train=train,
        held_out=held_out,
        settings=TrainingSettings(epochs=epochs),
        source=FromBaseModel(find_base_model(base_model, None)),
        folder=folder / "general",
        state=folder / "state",
        outliers=choose_outliers(texts_of(trial.train)),
    )
    job.run(Quiet())
    replace(job, folder=folder / "own", outliers=()).run(Quiet())  # it goes on from the state: nothing is trained again
    return TunedModel.load(folder / "own"), TunedModel.load(folder / "general")


def declined(model: TunedModel, texts: Sequence[str]) -> float:
    return fmean(not prediction.in_scope for prediction in model.predict(texts)) if texts else float("nan")


def figures(model: TunedModel, trial: TrialProject) -> dict[str, Any]:
    metrics = model.task.metrics(model.predict(texts_of(trial.test)), [row.label for row in trial.test])
    by_source = {source: declined(model, texts) for source, texts in trial.far.items()}
    return {
        "accuracy": metrics["accuracy"],
        "in_scope_accuracy": metrics["in_scope_accuracy"],
        "lost": metrics["accuracy"] - metrics["in_scope_accuracy"],
        "far": fmean(by_source.values()),
        "by_source": by_source,
        "near": declined(model, trial.near),
        "everyday": declined(model, everyday()),
    }


def aurocs(model: TunedModel, trial: TrialProject) -> dict[str, tuple[float, float]]:
    """Far and near, by score."""
    parts = {"learnt": texts_of(trial.train), "test": texts_of(trial.test), "near": trial.near, **trial.far}
    outputs = {name: model.outputs(model.encoder.encode(texts)) for name, texts in parts.items()}
    labels = np.array([model.task.labels.index(row.label) for row in trial.train])
    scorers = {
        "ours": lambda out: model.task.scores(out["logits"], out["text_embedding"]),
        **other_scores(outputs["learnt"]["text_embedding"], labels),
    }
    found = {}
    for name, score in scorers.items():
        values = {part: score(out) for part, out in outputs.items()}
        far = fmean(auroc(values["test"], values[source]) for source in trial.far)
        found[name] = (far, auroc(values["test"], values["near"]))
    return found


def other_scores(learnt: Any, labels: Any) -> Mapping[str, Any]:
    means = np.stack([learnt[labels == label].mean(axis=0) for label in np.unique(labels)])
    precision = LedoitWolf().fit(learnt - means[np.searchsorted(np.unique(labels), labels)]).precision_

    def mahalanobis(out: Any) -> Any:
        gaps = out["text_embedding"][:, None, :] - means
        return -np.einsum("rlw,rlw->rl", gaps @ precision, gaps).min(axis=1)

    def softmax(out: Any) -> Any:
        logits = out["logits"]
        return 1 / np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)

    def energy(out: Any) -> Any:
        top = out["logits"].max(axis=1, keepdims=True)
        return top[:, 0] + np.log(np.exp(out["logits"] - top).sum(axis=1))

    return {
        "largest logit": lambda out: out["logits"].max(axis=1),
        "softmax": softmax,
        "energy": energy,
        "Mahalanobis": mahalanobis,
        "kNN": lambda out: (out["text_embedding"] @ learnt.T).max(axis=1),
    }


def measured(given: argparse.Namespace, name: str, rows: int) -> dict[str, Any]:
    trial = project(name, given.data, rows or None)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        before, after = tuned(trial, given.base_model, given.epochs, Path(folder))
        result = {"before": figures(before, trial), "after": figures(after, trial), "auroc": aurocs(after, trial)}
    about = {"name": name, "rows": len(trial.train), "labels": len({row.label for row in trial.train})}
    cost = time.process_time() - started
    say(f"{name}, {rows or 'all'}: {line(about | result)} {cost:.0f} CPU-s")
    return {**about, **result, "cpu": cost}


HEADER = ("project", "rows", "accuracy", "lost", "far", "near", "30 everyday", "lost", "far", "near", "30 everyday")
SHOWN = ("lost", "far", "near", "everyday")


def line(result: Mapping[str, Any]) -> list[str]:
    cells = [f"{100 * result[when][key]:.1f}" for when in ("before", "after") for key in SHOWN]
    return [result["name"], str(result["rows"]), f"{100 * result['after']['accuracy']:.1f}", *cells]


def summary(results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The mean of each column, and its worst: the most lost, the least declined."""
    columns = [(when, key) for when in ("before", "after") for key in SHOWN]
    values = {(when, key): [result[when][key] for result in results] for when, key in columns}
    worst = [(max if key == "lost" else min)(values[when, key]) for when, key in columns]
    mean = [fmean(values[column]) for column in columns]
    return [[name, "", "", *(f"{100 * v:.1f}" for v in row)] for name, row in (("mean", mean), ("worst", worst))]


def main() -> None:
    given = parse()
    results = [
        measured(given, name, rows) for name in given.projects for rows in given.rows if rows or name != "helpdesk"
    ]
    report(
        "Declining without `oos` rows: before, after (%)",
        given,
        HEADER,
        [*map(line, results), *summary(results)],
        results=results,
    )
    print("\nAUROC of scores of the same models, mean and worst:\n")
    for name in results[0]["auroc"]:
        far, near = zip(*(result["auroc"][name] for result in results), strict=True)
        print(f"  {name:<14} far {fmean(far):.3f} ({min(far):.3f})   near {fmean(near):.3f} ({min(near):.3f})")


if __name__ == "__main__":
    main()
