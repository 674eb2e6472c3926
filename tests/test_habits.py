"""The house keeps its habits: sizes and the import contract."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/autogen"
MODULES = sorted(SOURCE.rglob("*.py"))


def test_imports_point_downwards_only() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_are_short_and_say_what_they_are(module: Path) -> None:
    text = module.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it is"
    assert len(text.splitlines()) <= 400
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert not [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > 60]


def test_answering_never_imports_torch(project: Path) -> None:
    code = (
        "import sys, autogen.agents, autogen.serving.app, autogen.serving.server\n"
        f"agent = autogen.agents.Agent.load({str(project)!r})\n"
        "agent.respond('my card was stolen')\n"
        "assert not {'torch', 'transformers', 'scipy', 'sklearn'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
