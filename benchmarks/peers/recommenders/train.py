"""Recommend with kept libraries: item-item cosine and ALS (implicit), EASE and SASRec (RecTools). Learns from a CSV of
events (user,item,timestamp), recommends ten items to each user of another, filters what the user had.

The last line of stdout is a JSON object: `lists`, the items for each user, best first, and the seconds it took.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import pandas as pd
from scipy import sparse

TOP = 10


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=["itemknn", "als", "ease", "sasrec"], required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--epochs", type=int, default=20)
    return parser.parse_args()


def read(path: str) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"user": str, "item": str})


def with_implicit(method: str, train: pd.DataFrame, users: list[str]) -> dict[str, list[str]]:
    from implicit.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import CosineRecommender

    user, user_names = pd.factorize(train["user"])
    item, item_names = pd.factorize(train["item"])
    shape = (len(user_names), len(item_names))
    chosen = sparse.csr_matrix((np.ones(len(user), np.float32), (user, item)), shape=shape)
    chosen.data[:] = 1
    model = (
        CosineRecommender(K=100)
        if method == "itemknn"
        else AlternatingLeastSquares(factors=64, regularization=0.05, alpha=10, iterations=20, random_state=0)
    )
    model.fit(chosen, show_progress=False)
    known = {name: at for at, name in enumerate(user_names)}
    found = {}
    asked = [name for name in users if name in known]
    places = np.array([known[name] for name in asked])
    lists, scores = model.recommend(places, chosen[places], N=TOP, filter_already_liked_items=True)
    for name, row, score in zip(asked, lists, scores, strict=True):
        found[name] = [str(item_names[at]) for at, value in zip(row, score, strict=True) if at >= 0 and value > -1e30]
    return found


def with_rectools(method: str, train: pd.DataFrame, users: list[str], epochs: int) -> dict[str, list[str]]:
    from rectools.dataset import Dataset
    from rectools.models import EASEModel, SASRecModel

    columns = {"user": "user_id", "item": "item_id"}
    rows = train.rename(columns=columns)[["user_id", "item_id"]].copy()
    rows["weight"] = 1.0
    rows["datetime"] = pd.to_datetime(train["timestamp"], unit="s")
    data = Dataset.construct(rows)
    if method == "ease":
        model = EASEModel(regularization=200)
    else:
        model = SASRecModel(
            n_factors=64,
            n_blocks=2,
            n_heads=2,
            session_max_len=20,  # MovieTweetings: nineteen in twenty users have no more
            dropout_rate=0.3,
            loss="softmax",
            lr=3e-3,
            batch_size=128,
            epochs=epochs,
            verbose=0,
        )
    model.fit(data)
    known = set(rows["user_id"])
    asked = [name for name in users if name in known]
    found = model.recommend(asked, data, k=TOP, filter_viewed=True, on_unsupported_targets="ignore")
    return {str(user): list(part["item_id"]) for user, part in found.sort_values("rank").groupby("user_id")}


def main() -> None:
    given = parse()
    train, test = read(given.train), read(given.test)
    users = sorted(set(test["user"]))
    started, cpu = time.perf_counter(), time.process_time()
    if given.method in ("itemknn", "als"):
        lists = with_implicit(given.method, train, users)
    else:
        lists = with_rectools(given.method, train, users, given.epochs)
    print(json.dumps({"lists": lists, "seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
