"""One query through `Agent.respond`, conversation store included, against the bare runtime on the same exported model.

The bare runtime is an ONNX Runtime session and the tokenizer, nothing else: text in, logits out. Both answer every
query in one process, in turn, so that a busy machine slows both alike; which comes first alternates. Every tenth
message opens a conversation, the others continue it.

    python benchmarks/latency.py --project DIR
    python benchmarks/latency.py                  trains a project on the packaged template, for one epoch

--session default gives the bare session ONNX Runtime's own settings (threads that spin while idle) in place of ours.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from autogen.agents.agent import Agent
from autogen.feedback.memory import Memory
from autogen.runtime.session import MODEL_FILE, default_threads
from autogen.storage.database import Database
from autogen.versions.registry import Versions
from measuring import options, quantile, report, say
from rows import file_of, read_rows, template_rows, trained_project

WARM_UP = 50
TURNS = 10  # messages of one conversation
TARGET = 1.5

Answer = Callable[[str], object]


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--project", type=Path, metavar="DIR", help="a trained project; it is left as it is")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="queries (text, label); else the template's customers"
    )
    parser.add_argument("--count", type=int, default=2_000, help="queries")
    parser.add_argument("--session", choices=("same", "default"), default="same", help="the bare session's settings")
    parser.add_argument("--base-model", default="minilm", help="of the project that is trained without --project")
    return parser.parse_args()


def bare(folder: Path, session: str) -> Answer:
    """Tokenizer and session, as short as they can be used."""
    settings = onnxruntime.SessionOptions()
    if session == "same":
        settings.intra_op_num_threads, settings.inter_op_num_threads = default_threads(), 1
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = onnxruntime.InferenceSession(str(folder / MODEL_FILE), settings, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    names = [node.name for node in graph.get_inputs()]

    def answer(text: str) -> object:
        found = tokenizer.encode(text)
        row = {"input_ids": found.ids, "attention_mask": found.attention_mask, "token_type_ids": found.type_ids}
        return graph.run(["logits"], {name: np.array([row[name]], dtype=np.int64) for name in names})

    return answer


def through(agent: Agent) -> Answer:
    """`Agent.respond` in conversations of TURNS messages."""
    conversation: str | None = None
    said = 0

    def answer(text: str) -> object:
        nonlocal conversation, said
        response = agent.respond(text, conversation)
        said += 1
        conversation = response.conversation_id if said % TURNS else None
        return response

    return answer


def seconds(answer: Answer, text: str) -> float:
    start = time.perf_counter()
    answer(text)
    return time.perf_counter() - start


def interleaved(systems: dict[str, Answer], queries: Sequence[str]) -> dict[str, list[float]]:
    """Seconds of every query in every system, after some to warm up."""
    for answer in systems.values():
        for text in queries[:WARM_UP]:
            answer(text)
    taken: dict[str, list[float]] = {name: [] for name in systems}
    for number, text in enumerate(queries):
        order = list(systems) if number % 2 else list(reversed(systems))
        for name in order:
            taken[name].append(seconds(systems[name], text))
    return taken


def champion_folder(project: Path, agent: Agent) -> tuple[Path, str]:
    """Where the champion's exported model lies, and its precision."""
    record = next(iter(next(iter(agent.manifest.skills.values())).models.values()))
    return Versions(project).folder / agent.version / record.folder, record.training.get("exported", "")


def main() -> None:
    given = parse()
    with tempfile.TemporaryDirectory() as scratch:
        project = given.project or trained_project(Path(scratch) / "project", given.base_model, given.limit)
        rows = read_rows(file_of(given.data, "test", "dev")) if given.data else template_rows("customers")
        queries = list(islice(cycle(row.text for row in rows), min(given.count, given.limit or given.count)))
        # what is said here is kept in a database of its own, not in the project's
        with closing(Database.open(Path(scratch) / "agent.db")) as database:
            agent = Agent.load(project, memory=Memory(database))
            folder, precision = champion_folder(project, agent)
            systems = {"bare session and tokeniser": bare(folder, given.session), "Agent.respond": through(agent)}
            say(f"{len(queries)} queries to each, in turn")
            taken = interleaved(systems, queries)
    figures = {name: {"p50": median(times) * 1e3, "p99": quantile(times, 0.99) * 1e3} for name, times in taken.items()}
    first, second = figures.values()
    ratio = {key: second[key] / first[key] for key in first}
    lines: list[list[object]] = [[name, f"{one['p50']:.3f}", f"{one['p99']:.3f}"] for name, one in figures.items()]
    lines.append(["ratio", f"{ratio['p50']:.2f}×", f"{ratio['p99']:.2f}×"])
    threads = "ONNX Runtime's own" if given.session == "default" else f"{default_threads()} threads"
    title = f"Latency of one query: {precision} model, {threads}, {len(queries)} queries"
    report(f"{title} (target: {TARGET}× at p50)", given, ("ms", "p50", "p99"), lines, figures=figures, ratio=ratio)


if __name__ == "__main__":
    main()
