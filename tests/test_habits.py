"""The house keeps its habits: sizes, the import contract, a line for every module, a README that runs."""

from __future__ import annotations

import ast
import re
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


def test_the_readme_has_one_line_for_every_module() -> None:
    lines = re.findall(r"^\| `([^`]+\.py)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(lines) == sorted(str(path.relative_to(SOURCE)) for path in MODULES)


def test_the_readme_s_loop_runs(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, on a tiny project in the place of the template."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    loop = next(block for block in blocks if "Project.open(" in block)
    assert len([line for line in loop.splitlines() if line.strip()]) <= 20
    made = 'copy_template("customer-service", Path("bank"))'
    assert made in loop
    project.rename(tmp_path / "bank")
    (tmp_path / "bank/data/customers.csv").write_text("text,label\nmy card was stolen,lost_card\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    loop = loop.replace(made, "").replace("lost_or_stolen_card", "lost_card")
    exec(compile(loop, "README.md", "exec"), {})


def test_answering_never_imports_torch(project: Path) -> None:
    code = (
        "import sys, autogen.agents, autogen.serving.app, autogen.serving.server\n"
        f"agent = autogen.agents.Agent.load({str(project)!r})\n"
        "agent.respond('my card was stolen')\n"
        "assert not {'torch', 'transformers', 'scipy', 'sklearn'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
