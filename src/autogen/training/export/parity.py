"""Proof that the exported model agrees with the trained one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autogen.errors import ParityError

PARITY_TOLERANCE = 0.01  # largest allowed difference of a logit; a cosine logit spans about ±20


def check_parity(trained: NDArray[np.float32], exported: NDArray[np.float32]) -> float:
    """The largest difference of a logit, rows being (rows, labels).

    Raises ParityError when it is above PARITY_TOLERANCE, or when a row's best label differs although the trained model
    preferred it by more than twice that.
    """
    difference = np.abs(trained - exported).max(axis=1)
    ordered = np.sort(trained, axis=1)
    clear = (
        ordered[:, -1] - ordered[:, -2] > 2 * PARITY_TOLERANCE if trained.shape[1] > 1 else np.ones(len(trained), bool)
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
