"""The exported model answering: an ONNX Runtime session and the tokenizer that belongs to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from autogen.errors import VersionDamaged

MODEL_FILE = "model.onnx"

Outputs = dict[str, NDArray[np.float32]]


def default_threads() -> int:
    """Threads for one session: the processors this process may use, at most four, since a short text has no work for
    more. AUTOGEN_THREADS overrides it, for a machine shared with other busy processes."""
    setting = os.environ.get("AUTOGEN_THREADS", "")
    if setting.isdigit() and int(setting) > 0:
        return int(setting)
    return max(1, min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))


class ExportedModel:
    """An exported graph. Safe to call from several threads."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or default_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # idle threads sleep instead of spinning: an agent waits for people most of the time
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise VersionDamaged(f"{path} cannot be loaded as an ONNX model: {error}") from error
        self.input_names = [node.name for node in self._session.get_inputs()]
        self.output_names = [node.name for node in self._session.get_outputs()]

    def run(self, arrays: dict[str, Any]) -> Outputs:
        """Run one padded batch; the graph takes what it needs of `arrays`."""
        values = self._session.run(None, {name: arrays[name] for name in self.input_names})
        return dict(zip(self.output_names, values, strict=True))
