"""Exports: the first of a structure, which torch's exporter traces, and the next, which the kept graph is filled for.

python benchmarks/export.py --base-model minilm
python benchmarks/export.py --layers 12
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from measuring import LOAD_BEFORE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--layers", type=int, metavar="N", help="of a made encoder of width 384, in its place")
    options = parser.parse_args()
    from autogen.models.network import TextEmbedder
    from autogen.training.export.graph import export_graph

    embedder, seconds = TextEmbedder(encoder(options.base_model, options.layers)), []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AUTOGEN_CACHE"] = folder
        for number in range(2):
            began = time.process_time()
            export_graph(embedder, Path(folder) / f"{number}.onnx")
            seconds.append(round(time.process_time() - began, 1))
    facts = {"encoder": f"{options.layers} layers" if options.layers else options.base_model}
    times = {"traced_cpu_seconds": seconds[0], "kept_cpu_seconds": seconds[1]}
    print(json.dumps({**facts, **times, "load_before": LOAD_BEFORE, "date": date.today().isoformat()}))


def encoder(base_model: str, layers: int | None) -> Any:
    if layers is None:
        from autogen.models.base_models import find_base_model
        from autogen.models.sources import PretrainedEncoder

        return PretrainedEncoder(find_base_model(base_model)).encoder(seed=0)
    from transformers import BertConfig, BertModel

    config = BertConfig(
        hidden_size=384,
        intermediate_size=1536,
        num_attention_heads=12,
        num_hidden_layers=layers,
        attn_implementation="eager",
    )
    return BertModel(config, add_pooling_layer=False)


if __name__ == "__main__":
    main()
