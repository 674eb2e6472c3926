"""Pages that are made from code say what the code says, and leave nothing out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import http_reference
import settings_reference
from autogen.skills.recommendation.settings import USED
from making.page import table, write_or_check
from making.schema import values_of
from tests.docs.pages import DOCS, ROOT, Page

GENERATORS = sorted((DOCS / "generate").glob("*.py"))
SETTINGS, HTTP = Page(DOCS / "reference/settings.md"), Page(DOCS / "reference/http.md")


@pytest.mark.parametrize("script", GENERATORS, ids=lambda path: path.name)
def test_pages_made_from_code_say_what_the_code_says(script: Path) -> None:
    done = subprocess.run([sys.executable, script, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_page_that_is_stale_or_missing_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(sys, "argv", ["script", "--check"])
    assert write_or_check(page, "new", "types") == 1
    page.write_text("old", "utf-8")
    assert write_or_check(page, "new", "types") == 1
    assert page.read_text("utf-8") == "old" and "Run `make docs`" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["script"])
    assert write_or_check(page, "new", "types") == 0
    monkeypatch.setattr(sys, "argv", ["script", "--check"])
    assert write_or_check(page, "new", "types") == 0


def test_a_bar_in_a_sentence_is_no_border_of_a_table() -> None:
    assert table(("a", "b"), [("`x|y`", "one\ntwo")]) == "| a | b |\n|---|---|\n| `x\\|y` | one two |\n\n"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "number", "minimum": 0, "maximum": 1}, "number, 0 to 1"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1.5}, "number above 0, at most 1.5"),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 2000}, "whole number, at least 0, below 2,000"),
        ({"type": "string", "minLength": 1, "maxLength": 200}, "text, 1 to 200 characters"),
        ({"type": "string", "const": "up"}, '`"up"`'),
        ({"enum": ["a", "b", "c"]}, '`"a"`, `"b"` or `"c"`'),
        (
            {"anyOf": [{"enum": ["a", "b"]}, {"type": "array", "items": {"enum": ["a", "b"]}}]},
            '`"a"` or `"b"`, or a list of these',
        ),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, "text or a list of texts"),
        ({"anyOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}]}, "text or whole number"),
        ({"type": "array", "items": {"$ref": "#/$defs/Row"}, "maxItems": 3}, "list of objects, at most 3 entries"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of numbers"),
        ({"type": "boolean"}, "`true` or `false`"),
    ],
)
def test_a_schema_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert values_of(schema, {"Row": {"type": "object", "properties": {}}}) == words


@pytest.mark.parametrize("kind", settings_reference.settings_types(), ids=lambda kind: kind.__name__)
def test_every_setting_has_a_description(kind: type[BaseModel]) -> None:
    silent = [name for name, field in kind.model_fields.items() if not field.description]
    assert not silent, f"{kind.__name__}: expected `Field(description=…)` of {silent}"


@pytest.mark.parametrize("kind", settings_reference.settings_types(), ids=lambda kind: kind.__name__)
def test_every_setting_has_a_line(kind: type[BaseModel]) -> None:
    lines, tables = SETTINGS.text, ("training", "need_training", "agent", "skills", "gate", "feedback", "server")
    missing = [name for name in kind.model_fields if name not in tables and f"\n| `{name}` |" not in lines]
    assert not missing


def test_a_setting_without_a_description_stops_the_generator() -> None:
    class Bare(BaseModel):
        key: int = 1

    with pytest.raises(SystemExit, match=r"Bare\.key"):
        settings_reference.rows_of(Bare, ["key"])


def test_a_link_from_a_setting_that_is_gone_is_noticed() -> None:
    with pytest.raises(SystemExit, match=r"TrainingSettings\.method"):
        settings_reference.check_links([])


def test_the_training_settings_that_a_recommender_reads_are_named() -> None:
    section = SETTINGS.text.partition('### `type = "recommendation"`')[2].partition("|")[0]
    assert {name for name in USED if f"`{name}`" in section} == USED


def test_every_route_and_every_error_has_its_place() -> None:
    routes = http_reference.operations(http_reference.described()[0])
    for method, path, _ in routes:
        assert f"\n## `{method} {path}`\n" in HTTP.text
    for status, code in http_reference.ERRORS:
        assert f"\n| {status} | `{code}` |" in HTTP.text


@pytest.mark.parametrize(
    ("path", "callers"), [("/healthz", "everybody"), ("/readyz", "everybody"), ("/v1/feedback", "with the key")]
)
def test_who_may_call_a_route_is_what_the_server_checks(path: str, callers: str) -> None:
    (line,) = (line for line in HTTP.text.splitlines() if line.startswith("|") and f" {path}`](#" in line)
    assert line.split("|")[3].strip().startswith(callers)


def test_a_field_of_a_body_without_a_description_stops_the_generator() -> None:
    body = {
        "title": "Body",
        "properties": {"inner": {"description": "said", "properties": {"deep": {"type": "string"}}}},
    }
    with pytest.raises(SystemExit, match=r"deep: expected a description"):
        list(http_reference.fields_of(body, {}, answer=False))


def test_an_error_that_nobody_explained_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(http_reference.ERRORS, (503, "overloaded"))
    with pytest.raises(SystemExit, match="overloaded"):
        http_reference.errors_explained()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [1, 2]}, '{"a": 1, "b": [1, 2]}'),
        ([], "[]"),
        ({"a": ["x" * 60, "y" * 60]}, '{\n  "a": [\n    "' + "x" * 60 + '",\n    "' + "y" * 60 + '"\n  ]\n}'),
    ],
)
def test_an_example_is_laid_out_so_that_it_can_be_read(value: Any, text: str) -> None:
    assert http_reference.laid_out(value) == text
