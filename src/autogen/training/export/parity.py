"""Proof that the exported model agrees with the trained one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.errors import ParityError

PARITY_TOLERANCE = 0.01  # largest allowed difference of a logit; a cosine logit spans about ±20

Floats = NDArray[np.floating[Any]]


def check_parity(trained: Floats, exported: Floats, mask: NDArray[np.bool_] | None = None) -> float:
    """The largest difference of a logit, the arrays being (…, labels). `mask`: which of the leading places count, such
    as (rows, length) for the tokens that are no padding; None: all of them.

    Raises ParityError when it is above PARITY_TOLERANCE, or when a place's best label differs although the trained
    model preferred it by more than twice that.
    """
    trained, exported = _select_places(trained, mask), _select_places(exported, mask)
    difference = np.abs(trained - exported).max(axis=1)
    sorted_scores = np.sort(trained, axis=1)
    clear = (
        sorted_scores[:, -1] - sorted_scores[:, -2] > 2 * PARITY_TOLERANCE
        if trained.shape[1] > 1
        else np.ones(len(trained), bool)
    )
    differs = (trained.argmax(axis=1) != exported.argmax(axis=1)) & clear
    agrees = difference.max() <= PARITY_TOLERANCE  # not so when either side is no number
    if not agrees or differs.any():
        raise ParityError(
            f"The exported model does not agree with the trained one: logits differ by up to {difference.max():.4g} "
            f"(at most {PARITY_TOLERANCE} is accepted), {int(differs.sum())} of {len(trained)} predictions differ. "
            "The version was not made; what answers now is unchanged."
        )
    return float(difference.max())


def _select_places(values: Floats, mask: NDArray[np.bool_] | None) -> Floats:
    """(places that count, labels); a score that is alone in its place is one label."""
    if mask is None:
        return values.reshape(-1, values.shape[-1])
    values_kept: Floats = values[mask]
    return values_kept.reshape(len(values_kept), -1)
