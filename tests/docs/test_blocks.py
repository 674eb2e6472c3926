"""Every command and snippet of README and docs runs as it stands; what cannot says why."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, RUN, Block, Page, pages
from tests.docs.runner import Runner, copy_project

LANGUAGES = {*RUN, "toml", "json", "jsonl", "text"}
NOT_RUN = 18  # blocks of all pages: who adds one changes this number, and is asked why

BLOCKS = [(page, block) for page in pages() for block in page.blocks]
RUNNABLE = [page for page in pages() if any(block.runs for block in page.blocks)]
README = next(page for page in RUNNABLE if page.name == "README.md")
TEMPLATES = [Page(path) for path in sorted((ROOT / "src/autogen/templates").glob("*/README.md"))]


def named(value: object) -> str:
    return value.name if isinstance(value, Page) else f"line {value.line}" if isinstance(value, Block) else str(value)


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=named)
def test_every_block_names_its_language_and_parses(page: Page, block: Block) -> None:
    assert block.language in LANGUAGES, f"{page.name}, line {block.line}: expected one of {LANGUAGES}"
    if block.language == "python":
        compile(block.text, page.name, "exec")
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "jsonl":
        for line in block.text.splitlines():
            json.loads(line)
    elif block.language == "bash":
        done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{page.name}, line {block.line}: {done.stderr}"


@pytest.mark.parametrize("page", RUNNABLE, ids=named)
def test_a_page_with_blocks_that_run_names_its_template(page: Page) -> None:
    needs = any(block.runs and block.language == "bash" for block in page.blocks)
    assert page.template or not needs, f"{page.name}: expected `<!-- template: NAME -->`, found none"


def test_blocks_that_are_not_run_say_why_and_are_counted() -> None:
    marked = [
        (page.name, block.line, block.said("not run")) for page, block in BLOCKS if block.said("not run") is not None
    ]
    for line in marked:
        print("not run: {}, line {}: {}".format(*line))
    assert all(reason for *_, reason in marked), f"expected a reason for each, found {marked}"
    assert len(marked) == NOT_RUN, f"expected {NOT_RUN} blocks that are not run, found {len(marked)}: {marked}"


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[] if page is README else pytest.mark.slow) for page in RUNNABLE], ids=named
)
def test_all_blocks_of_a_page_run(
    page: Page, runner: Callable[[Page, Callable[[str], Path]], Runner], trained_template: Callable[[str], Path]
) -> None:
    runner(page, trained_template).run_page(page)


def commands_of(page: Page) -> list[str]:
    """The commands that a template's README begins with; the project has been trained already."""
    (block,) = (block for block in page.blocks if block.language == "sh")
    commands = [line.partition("#")[0].strip() for line in block.text.splitlines()]
    return [command for command in commands if command != "autogen train"]


@pytest.mark.slow
@pytest.mark.parametrize("page", TEMPLATES, ids=named)
def test_the_commands_of_a_template_s_readme_run(
    page: Page, tmp_path: Path, small_model: Path, trained_template: Callable[[str], Path]
) -> None:
    name = page.path.parent.name
    folder = copy_project(trained_template(name), tmp_path / name)
    for command in commands_of(page):
        done = Runner(folder, tmp_path / "tools", small_model, {}).shell(command)
        expected = (0, 1) if command == "autogen improve" else (0,)  # nothing has been clicked: there is no candidate
        assert done.returncode in expected, f"{page.name}: {command}\n{done.stdout}{done.stderr}"
        assert "unknown user" not in done.stdout + done.stderr, f"{page.name}: {command}"


def test_a_command_that_fails_is_noticed(
    tmp_path: Path, runner: Callable[[Page, Callable[[str], Path]], Runner], trained_template: Callable[[str], Path]
) -> None:
    path = tmp_path / "page.md"
    path.write_text("```bash\nautogen versions -p nowhere\n```\n", "utf-8")
    page = _PageElsewhere(path)
    with pytest.raises(AssertionError, match="exit code 2"):
        runner(page, trained_template).run_page(page)


class _PageElsewhere(Page):
    @property
    def name(self) -> str:
        return self.path.name
