"""Label propagation: labels spread from the few rows that have one along a graph of nearest neighbours.

Zhou et al. 2004, "Learning with local and global consistency"; on embeddings of the model in training, as in Iscen et
al. 2019, "Label propagation for deep semi-supervised learning".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from autogen.data.quality.neighbours import Floats, neighbours

NEIGHBOURS = 15
SHARPNESS = 4  # power of the cosine: near neighbours count far more than those that are merely nearest
SPREAD = 0.9  # of a row's score, what comes from its neighbours; the rest stays with the labelled rows
STEPS = 20


def propagate(labelled: Floats, gold: NDArray[np.intp], unlabelled: Floats, labels: int) -> Floats:
    """Shares of each label, (unlabelled rows, labels), each row summing to one; all zero where no labelled row is
    reached. `labelled` and `unlabelled` hold embeddings of length one, `gold` label indices. Labels start with equal
    mass; they need not end so (class mass normalisation would force a skewed log's texts upon rare labels).
    """
    start = np.zeros((len(labelled) + len(unlabelled), labels), np.float32)
    start[np.arange(len(gold)), gold] = 1 / np.bincount(gold, minlength=labels)[gold]
    graph = _graph(np.concatenate([labelled, unlabelled]).astype(np.float32))
    scores_of_all = start
    for _ in range(STEPS):
        scores_of_all = SPREAD * (graph @ scores_of_all) + (1 - SPREAD) * start
    scores = scores_of_all[len(labelled) :]
    shares: Floats = scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-12)
    return shares


def _graph(points: Floats) -> csr_matrix:
    """Symmetric weights between neighbours, scaled by both rows' degrees."""
    places, cosines = neighbours(points, points, NEIGHBOURS, others=True)
    rows = np.repeat(np.arange(len(points)), places.shape[1])
    weights = np.maximum(cosines, 0).ravel() ** SHARPNESS
    graph = csr_matrix((weights, (rows, places.ravel())), shape=(len(points), len(points)))
    graph = graph.maximum(graph.T)
    degrees = diags(1 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1e-12)))
    return degrees @ graph @ degrees
