"""The peer of `banking77.py`: the frozen encoder with logistic regression on its sentence embeddings.

sentence-transformers encodes (mean of tokens, length one), scikit-learn learns. Stands alone, so that it can run in an
environment of its own. The last line of stdout is a JSON object.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import sentence_transformers
import sklearn
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression


def read(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, metavar="FILE", help="CSV with text and label")
    parser.add_argument("--test", type=Path, required=True, metavar="FILE")
    parser.add_argument("--base-model", required=True, help="a sentence-transformers folder or a hub id")
    parser.add_argument("--C", type=float, default=100.0, help="inverse strength of the regularisation")
    given = parser.parse_args()

    encoder = SentenceTransformer(given.base_model)
    texts, labels = read(given.train)
    test_texts, truth = read(given.test)
    head = LogisticRegression(C=given.C, max_iter=2_000)
    head.fit(encoder.encode(texts, normalize_embeddings=True, show_progress_bar=False), labels)
    accuracy = head.score(encoder.encode(test_texts, normalize_embeddings=True, show_progress_bar=False), truth)
    versions = {"sentence-transformers": sentence_transformers.__version__, "scikit-learn": sklearn.__version__}
    print(json.dumps({"metrics": {"accuracy": float(accuracy)}, "versions": versions}))


if __name__ == "__main__":
    main()
