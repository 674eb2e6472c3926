"""Shared floors know no task and no skill: outside of its own package none is named, but in the tables of built-ins."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from autogen.auto_gen import FALLBACK
from autogen.plugins import SKILLS, TASKS

SOURCE = Path(__file__).resolve().parent.parent / "src/autogen"
PACKAGES = [path.parent for room in ("tasks", "skills") for path in (SOURCE / room).glob("*/__init__.py")]
OWN = (*PACKAGES, SOURCE / "templates", SOURCE / "plugins.py")
SHARED = sorted(path for path in SOURCE.rglob("*.py") if not any(path.is_relative_to(own) for own in OWN))

# However they are written: text-classification, text_classification, TextClassification, "text classification". Not the
# skill that answers with any task: its name is also the word for what models say.
NAMES = sorted({*TASKS, *SKILLS} - {FALLBACK})
NAMED = re.compile("|".join(name.replace("-", "[-_ ]?") for name in NAMES), re.IGNORECASE)

ALLOWED: Mapping[str, tuple[str, ...]] = {
    # the user's own interface: `AutoGen(model, tokenizer)` is for classification unless told
    "auto_gen.py": (
        'def __init__(self, model: Any, tokenizer: Any, task: str = "text-classification", *, quiet: bool = False) '
        "-> None:",
    ),
    # a template of that name, which `autogen init` copies unless told
    "cli/learning.py": (
        '@app.command(epilog="Example: autogen init bank --template customer-service")',
        'template: Annotated[str, typer.Option("--template", help="What kind of agent.")] = "customer-service",',
    ),
}


def lines_of(module: Path) -> Iterator[str]:
    """The lines of a module without its docstrings, which may give an example."""
    text = module.read_text("utf-8")
    prose = {number for node in ast.walk(ast.parse(text)) for number in _docstring(node)}
    for number, line in enumerate(text.splitlines(), start=1):
        if number not in prose:
            yield line.strip()


def _docstring(node: ast.AST) -> range:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return range(0)
    if not node.body or ast.get_docstring(node) is None:
        return range(0)
    first = node.body[0]
    return range(first.lineno, (first.end_lineno or first.lineno) + 1)


def named_in(module: Path) -> list[str]:
    return [line for line in lines_of(module) if NAMED.search(line)]


@pytest.mark.parametrize("module", SHARED, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_shared_floor_names_a_task_or_a_skill(module: Path) -> None:
    allowed = ALLOWED.get(module.relative_to(SOURCE).as_posix(), ())
    assert [line for line in named_in(module) if line not in allowed] == []


def test_what_is_allowed_is_still_there() -> None:
    for name, allowed in ALLOWED.items():
        assert sorted(allowed) == sorted(named_in(SOURCE / name))


def test_names_are_seen_in_code_and_comments_and_not_in_docstrings(tmp_path: Path) -> None:
    task = next(name for name in TASKS if "-" in name)
    module = tmp_path / "module.py"
    written = [task, task.replace("-", "_"), task.title().replace("-", ""), task.replace("-", " ")]
    lines = [*(f"value = {one!r}" for one in written), f"import autogen.tasks.{written[1]}", f"value = 1  # {task}"]
    module.write_text(f'"""Such as {task}."""\n' + "\n".join(lines) + "\nother = 'words'\n", "utf-8")
    assert named_in(module) == lines
    assert len(SHARED) > 100 and len(PACKAGES) >= len(TASKS) + len(SKILLS)
