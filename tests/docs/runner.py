"""Run the blocks of a page as they stand, one after the other, in a folder of their own.

Shell blocks go on in the folder where the one before them ended; Python blocks share their names. `autogen` is the
command line of this checkout. What differs from a reader's machine: projects of `autogen init` or `copy_template`
take a small base model, two epochs in fp32, and of labelled rows those about cards; a server listens on a free port
instead of 8000. With AUTOGEN_DOCS_REAL=1 model, settings and rows are the template's own.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cli.process import command
from tests.docs.pages import ROOT, Block, Page

REAL = os.environ.get("AUTOGEN_DOCS_REAL") == "1"
PORT = ":8000"
TOPIC = "card"
SECONDS = 1_800


def quicken(project: Path, base_model: Path) -> None:
    """Make a project that was just made from a template quick to train: see above."""
    if REAL:
        return
    path = project / "agent.toml"
    text, models = re.subn(r"^base_model = .*$", f'base_model = "{base_model}"', path.read_text("utf-8"), flags=re.M)
    text, sections = re.subn(r"^(\[skills\.\w+\.training\])$", r'\1\nepochs = 2\nprecision = "fp32"', text, flags=re.M)
    assert models == sections == 1, f"{path}: expected a base model and a section for training, found others"
    path.write_text(f"{text}\n[gate]\nlatency_ratio = 100.0  # a test may share the processor\n", "utf-8")
    for file in (project / "data").glob("*.csv"):
        keep_topic(file)


def keep_topic(file: Path) -> None:
    """Of labelled rows those about cards, and those out of scope."""
    with file.open(encoding="utf-8", newline="") as source:
        header, *rows = csv.reader(source)
    if header == ["text", "label"]:
        kept = [row for row in rows if TOPIC in row[1] or row[1] == "oos"]
        with file.open("w", encoding="utf-8", newline="") as target:
            csv.writer(target, lineterminator="\n").writerows([header, *kept])


@dataclass
class Runner:
    """Where a page's blocks run: `folder` moves on with `cd`."""

    folder: Path
    tools: Path  # a folder for the command `autogen`
    base_model: Path
    given: Mapping[str, Any]
    names: dict[str, Any] = field(default_factory=dict)
    port: int = 0

    def __post_init__(self) -> None:
        self.tools.mkdir(parents=True, exist_ok=True)
        script = self.tools / "autogen"
        program = shlex.join(command())
        made = (
            "from pathlib import Path; from tests.docs.runner import quicken; "
            f"quicken(Path('$2'), Path('{self.base_model}'))"
        )
        script.write_text(
            f'#!/bin/sh\nif [ "$1" != init ]; then exec {program} "$@"; fi\n'
            f'{program} "$@" && exec "{sys.executable}" -c "{made}"\n'
        )
        script.chmod(0o755)

    def run_page(self, page: Page) -> None:
        with self._serving(page) as port:
            self.port = port
            for block in page.blocks:
                if block.runs:
                    self._run(page, block)

    @contextmanager
    def _serving(self, page: Page) -> Iterator[int]:
        """A server for the blocks that talk to one."""
        if not any(block.said("served") is not None for block in page.blocks):
            yield 0
            return
        process = subprocess.Popen(
            [self.tools / "autogen", "serve", "--port", "0", "--json"],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield urlsplit(json.loads(process.stdout.readline())["url"]).port or 0
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def _run(self, page: Page, block: Block) -> None:
        text = block.text.replace(PORT, f":{self.port}") if self.port else block.text
        where = f"{page.name}, line {block.line}"
        if block.language == "bash":
            self._run_shell(text, where)
        else:
            self._run_python(text, block.said("given"), where)

    def _run_shell(self, text: str, where: str) -> None:
        end = self.tools / "end"
        done = self.shell(f"{text}\npwd > {end}\n")
        shown = (done.stdout + done.stderr)[-4_000:]
        assert done.returncode == 0, f"{where}: exit code {done.returncode}\n{text}\n{shown}"
        self.folder = Path(end.read_text().strip())

    def shell(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run the lines in the folder, up to the first that fails."""
        return subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{text}"],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def _run_python(self, text: str, given: str | None, where: str) -> None:
        for name in re.findall(r"\w+", given or ""):
            self.names[name] = self.given[name]
        if not REAL:
            text = text.replace('find_base_model("minilm")', f'find_base_model("{self.base_model}")')
            text = re.sub(r"^copy_template\(.*, (.*)\)$", r"\g<0>; _quicken(\1, _base_model)", text, flags=re.M)
            self.names |= {"_quicken": quicken, "_base_model": self.base_model}
        with chdir(self.folder):
            exec(compile(text, where, "exec"), self.names)

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.tools), str(Path(sys.executable).parent), os.environ["PATH"]])
        python = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        kept = {name: value for name, value in os.environ.items() if name != "AUTOGEN_API_KEY"}
        return {**kept, "PATH": path, "PYTHONPATH": python}


def copy_project(trained: Path, folder: Path) -> Path:
    return Path(shutil.copytree(trained, folder))
