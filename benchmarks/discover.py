"""Whether `autogen discover` finds intents that nobody has named: ten of BANKING77's are hidden, their texts left among
the unlabelled ones.

The project has the other labels only (--shots rows of each; 0: all), and every text that is left, without its label.
A proposal rediscovers a hidden intent when most of its texts are of that intent.

    python benchmarks/discover.py --data DIR
    python benchmarks/discover.py --data DIR --train      # a champion is trained first, and asked too

precision: of the texts proposed, those of hidden intents. Purity: of a proposal's texts, those of its commonest intent.
NMI, ARI: how well proposals divide the hidden intents' texts that are in one.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from autogen.data.text import normalise
from autogen.project import Project
from autogen.tasks.text_classification.learning.discover import Discovery, IntentSearch
from measuring import options, report, say, spread
from rows import Row, file_of, first_of_each, limited, read_rows, write_project, write_rows

FIGURES = {
    "rediscovered": "of the hidden intents, rediscovered",
    "proposals": "proposals",
    "new": "of them mostly of a hidden intent",
    "purity": "purity",
    "precision": "precision of what is proposed",
    "unfit_precision": "of texts that fit no label, those of hidden intents",
    "unfit": "texts that fit no label",
    "covered": "of hidden intents' texts, those proposed",
    "nmi": "NMI",
    "ari": "ARI",
}


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train (text, label)")
    parser.add_argument("--hidden", type=int, default=10, metavar="N", help="intents hidden")
    parser.add_argument("--shots", type=int, default=10, metavar="K", help="rows of each label; 0: half of all")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="runs, each hiding other intents")
    parser.add_argument("--train", action="store_true", help="train a champion first")
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def one_seed(given: argparse.Namespace, rows: Sequence[Row], seed: int) -> dict[str, float]:
    every = sorted({row.label for row in rows})
    hidden = set(random.Random(seed).sample(every, given.hidden))
    named = [row for row in rows if row.label not in hidden]
    known = first_of_each(named, given.shots, seed) if given.shots else named[::2]
    texts = {row.text for row in known}
    logs = [row for row in rows if row.text not in texts]
    say(f"seed {seed}: {len(known)} rows of {len(every) - len(hidden)} labels, {len(logs)} texts without one")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        train, log = write_rows(path / "train.csv", known), write_rows(path / "log.csv", logs)
        project = Project.open(write_project(path / "project", given.base_model, train, training={"seed": seed}))
        if given.train:
            project.train()
        opened = project.skill("customer-service")
        found = IntentSearch(
            skill=opened.name,
            need=opened.need,
            data=opened.data,
            project=opened.project,
            cache=path / "embeddings",
            source=str(log),
            version=opened.version,
            model=opened.model,
        ).run()
    figures = measured(found, {normalise(row.text): row.label for row in logs}, hidden)
    say(f"seed {seed}: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    return figures


def measured(found: Discovery, truth: dict[str, str], hidden: set[str]) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    groups = [[truth[normalise(text)] for text in one.texts] for one in found.proposals]
    common = [Counter(labels).most_common(1)[0] for labels in groups]
    for one, labels, (label, count) in zip(found.proposals, groups, common, strict=True):
        say(f"  {one.name}: {count} of {len(labels)} are {label}{' (hidden)' if label in hidden else ''}")
    shares = [count / len(labels) for labels, (_, count) in zip(groups, common, strict=True)]
    right = [label for (label, _), share in zip(common, shares, strict=True) if label in hidden and share > 0.5]
    inside = [(label, at) for at, labels in enumerate(groups) for label in labels if label in hidden]
    of_hidden = sum(label in hidden for label in truth.values())
    labels, places = [label for label, _ in inside], [at for _, at in inside]
    unfit = [truth[normalise(text)] in hidden for text in found.strange]
    return {
        "rediscovered": len(set(right)) / len(hidden),
        "proposals": len(groups),
        "new": len(right),
        "purity": fmean(shares) if shares else 0.0,
        "precision": len(inside) / max(sum(map(len, groups)), 1),
        "unfit_precision": fmean(unfit) if unfit else 0.0,
        "unfit": found.unfit,
        "covered": len(inside) / max(of_hidden, 1),
        "nmi": normalized_mutual_info_score(labels, places) if labels else 0.0,
        "ari": adjusted_rand_score(labels, places) if labels else 0.0,
    }


def main() -> None:
    given = parse()
    rows, _ = limited(read_rows(file_of(given.data, "train")), [], given.limit)
    runs = [one_seed(given, rows, seed) for seed in range(given.seeds)]
    counts = ("proposals", "new", "unfit")
    lines = [
        [said, spread([run[name] for run in runs], 1, 1 if name in counts else 2)] for name, said in FIGURES.items()
    ]
    lines.append(["seeds", str(len(runs))])
    report(f"{given.hidden} hidden intents", given, ("", "AutoGen"), lines, runs=runs)


if __name__ == "__main__":
    main()
