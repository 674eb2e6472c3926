"""The 100 nearest of a million item vectors, with and without filters: time and recall against comparing everything.

The vectors are generated, like embeddings of texts: 4,000 kinds of item whose sizes fall as rank^-0.7, each a point,
and its items around it (0.8 of the spread between kinds) in dimensions whose variance falls as 1 / (1 + rank / 20), all
of length one. Queries are made alike and are not in the index. Random filters let a share of the items pass.
--unstructured makes vectors without structure, in which no index of this kind finds its way. --vectors takes your own.

    python benchmarks/nearest_items.py
    python benchmarks/nearest_items.py --vectors items.npy
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.knowledge.vector_index import BLOCK, IndexFigures, Places, VectorIndex, nearest
from measuring import options, quantile, report, say

KINDS, FALL, AROUND = 4_000, 0.7, 0.8
SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001)
COUNT = 100

Found = dict[str, Any]


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--items", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--width", type=int, default=384, metavar="D")
    parser.add_argument("--queries", type=int, default=1_000, metavar="N")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="a .npy file (items, width), instead")
    parser.add_argument("--unstructured", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


class Generator:
    """Vectors like embeddings, as many as asked for."""

    def __init__(self, width: int, seed: int, *, structure: bool) -> None:
        self.chance, self.structure = np.random.default_rng(seed), structure
        self.spread = (1 / np.sqrt(1 + np.arange(width) / 20)).astype(np.float32)
        self.turn = np.linalg.qr(self.chance.normal(size=(width, width)))[0].astype(np.float32)
        self.kinds = self._normal(KINDS)
        share = 1 / np.arange(1, KINDS + 1) ** FALL
        self.share = share / share.sum()

    def _normal(self, count: int) -> NDArray[np.float32]:
        normal = self.chance.standard_normal((count, len(self.spread)), dtype=np.float32)
        return normal * self.spread if self.structure else normal

    def some(self, count: int) -> NDArray[np.float32]:
        made = self._normal(count)
        if self.structure:
            made = (self.kinds[self.chance.choice(KINDS, count, p=self.share)] + AROUND * made) @ self.turn
        return made / np.linalg.norm(made, axis=1, keepdims=True)


def vectors_of(given: argparse.Namespace, folder: Path) -> tuple[Path, NDArray[np.float32]]:
    """A file of float16 vectors, as a version keeps them, and queries."""
    path = folder / "vectors.npy"
    if given.vectors:
        known = np.load(given.vectors, mmap_mode="r", allow_pickle=False)
        chosen = np.random.default_rng(given.seed).choice(len(known), given.queries, replace=False)
        np.save(path, np.delete(known, chosen, axis=0).astype(np.float16))
        return path, np.asarray(known[chosen], np.float32)
    make = Generator(given.width, given.seed, structure=not given.unstructured)
    kept = np.lib.format.open_memmap(path, "w+", np.float16, (given.items, given.width))
    for start in range(0, given.items, BLOCK):
        kept[start : start + BLOCK] = make.some(min(BLOCK, given.items - start))
    kept.flush()
    return path, make.some(given.queries)


def timed(
    ask: Callable[[NDArray[np.float32]], Places], queries: NDArray[np.float32]
) -> tuple[list[Places], list[float]]:
    found, times = [], []
    for query in queries:
        started = time.perf_counter()
        found.append(ask(query))
        times.append(1e3 * (time.perf_counter() - started))
    return found, times


def one_share(index: VectorIndex, vectors: Any, queries: NDArray[np.float32], share: float) -> Found:
    passing = np.random.default_rng(round(1e6 * share)).random(len(vectors)) < share
    inside = np.flatnonzero(passing)
    wanted = inside[nearest(vectors, queries, COUNT)] if share == 1 else _nearest(vectors, inside, queries)
    found, times = timed(lambda one: index.search(one, COUNT, None if share == 1 else passing), queries)
    recalls = [float(np.isin(a, b).mean()) for a, b in zip(wanted, found, strict=True)]
    return {
        "share": share,
        "passing": len(inside),
        "recall": float(np.mean(recalls)),
        "p50_ms": quantile(times, 0.5),
        "p99_ms": quantile(times, 0.99),
    }


def _nearest(vectors: Any, inside: NDArray[np.int64], queries: NDArray[np.float32]) -> Places:
    return inside[nearest(vectors[inside], queries, COUNT)]


def line(one: Found) -> list[object]:
    times = [f"{one[name]:.1f}" for name in ("p50_ms", "p99_ms")]
    return [f"{one['share']:.1%} pass", f"{one['passing']:,}", f"{one['recall']:.3f}", *times]


def rss_mb() -> float:
    """What this process holds in memory of its own: pages of mapped files are the system's."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def main() -> None:
    given = parse()
    with tempfile.TemporaryDirectory() as folder:
        say("generating")
        path, queries = vectors_of(given, Path(folder))
        vectors = np.load(path, mmap_mode="r")
        say("building")
        started = time.perf_counter()
        built: IndexFigures = VectorIndex.build(vectors, Path(folder) / "index.faiss", given.seed)
        seconds = time.perf_counter() - started
        size = (Path(folder) / "index.faiss").stat().st_size / 1e6
        before = rss_mb()
        index = VectorIndex.load(Path(folder) / "index.faiss", vectors)
        timed(lambda one: index.search(one, COUNT), queries[:100])
        memory = rss_mb() - before
        say(f"{built}, built in {seconds:.0f} s, {size:.0f} MB, {memory:.0f} MB of memory to search")
        found = []
        for share in SHARES:
            found.append(one_share(index, vectors, queries, share))
            say(str(found[-1]))
        _, exact = timed(lambda one: nearest(vectors, one[None], COUNT)[0], queries[:20])
    lines = [
        [
            f"{f['share']:.1%} pass",
            f"{f['passing']:,}",
            f"{f['recall']:.3f}",
            f"{f['p50_ms']:.1f}",
            f"{f['p99_ms']:.1f}",
        ]
        for f in found
    ]
    lines.append(["comparing everything", f"{len(vectors):,}", "1.000", f"{quantile(exact, 0.5):.1f}", ""])
    kind = "unstructured" if given.unstructured else given.vectors.name if given.vectors else "generated"
    title = f"{COUNT} nearest of {len(vectors):,} {kind} vectors, width {vectors.shape[1]}: built in {seconds:.0f} s, "
    title += f"{size:.0f} MB mapped, {memory:.0f} MB of memory, {built.probes} of {built.clusters} clusters looked into"
    report(title, given, ("", "items", "recall", "p50 ms", "p99 ms"), lines, found=found, built=vars(built))


if __name__ == "__main__":
    main()
