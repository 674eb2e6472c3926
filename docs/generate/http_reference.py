"""Make docs/reference/http.md from the server's own description of its routes. `--check` only says whether it is up to
date."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from making.page import table, write_or_check
from making.schema import branches, literal, resolved, values_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/http.md"
PROJECT = ROOT / "tests/golden/projects/few"  # any project that can be served
HEAD = """# HTTP

<!-- Made by docs/generate/http_reference.py from the server's routes and the types of their bodies: change those, then
run `make docs`. -->

What `autogen serve` answers. How to start and operate it: [serve](../how-to/serving.md). `GET /openapi.json` describes
the same for programs.

"""
REQUESTS = """## Requests

Bodies are JSON with the header `Content-Type: application/json`, of at most {mebibytes:g} MiB, and must arrive within
{seconds:g} seconds. With `AUTOGEN_API_KEY` set, callers send `Authorization: Bearer KEY`; the routes that are open to
everybody need none.

## Errors

Errors have OpenAI's shape:

"""
METRICS = "What `GET /metrics` counts, besides the process's own memory and time:\n\n"
WIDTH = 100  # of a line of an example
SHARED = ("200", "4XX", "5XX")  # the responses that every route has
KEY, OPEN = "with the key, where one is set", "everybody"
ERRORS = {  # when which error comes, by status and code
    (400, "invalid_content_type"): "the body has another type than JSON",
    (400, "invalid_json"): "the body is no JSON",
    (400, "missing_field"): "a field that must be there is not",
    (400, "invalid_field"): "a field has a value that it cannot have; `param` names it",
    (400, "unknown_field"): "a field is none of those that `POST /v1/recommendations` has",
    (400, "invalid_request"): "the request cannot be answered as it is; the message says why",
    (401, "invalid_api_key"): "the key is missing or wrong",
    (403, "unknown_host"): "without a key: the host is no name of this machine, or a page of another site asks",
    (404, "not_found"): "there is no such route",
    (404, "unknown_response"): "feedback on a response that there is not",
    (405, "method_not_allowed"): "the route has other methods",
    (408, "request_timeout"): "the body did not arrive in time",
    (413, "body_too_large"): "the body is too long",
    (413, "text_too_long"): "a text is too long",
    (500, "internal_error"): "it failed here; the reason is in the server's log",
    (503, "champion_not_loaded"): "`GET /readyz`: the champion could not be loaded, and an earlier version answers",
    (503, "overloaded"): "too many requests wait: come back after `Retry-After` seconds",
}
COMPUTED = {(400, "unknown_field"), (404, "not_found"), (405, "method_not_allowed")}  # codes that stand nowhere as text
SEE = {  # pages that say more, by route
    "/v1/feedback": ("what feedback becomes", "../explanation/improving.md#what-becomes-an-example"),
    "/v1/recommendations": ("asking for recommendations", "../how-to/recommendation.md#asking"),
    "/v1/chat/completions": ("serving", "../how-to/serving.md#ask-from-any-openai-client"),
    "/metrics": ("operating", "../how-to/serving.md#operate"),
}

Json = Mapping[str, Any]
Operation = tuple[str, str, Json]  # method, path, what OpenAPI says of it


@cache
def described() -> tuple[dict[str, Any], str]:
    """What the app says of its routes, as OpenAPI, and its metrics as Prometheus reads them."""
    from autogen.agents.fleet import Fleet
    from autogen.serving.app import ServerSettings, create_app
    from autogen.serving.metrics import ServerMetrics

    with TemporaryDirectory() as folder:
        fleet = Fleet(Path(shutil.copytree(PROJECT, Path(folder) / "project")))
        openapi = create_app(fleet, ServerSettings()).openapi()
        return openapi, ServerMetrics(fleet).text().decode()


def operations(openapi: Json) -> list[Operation]:
    return [
        (method.upper(), path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]


def make_page(openapi: Json, metrics: str) -> str:
    defined = openapi["components"]["schemas"]
    routes = operations(openapi)
    if gone := SEE.keys() - {path for _, path, _ in routes}:
        raise SystemExit(f"{__file__}: SEE names routes that are not there: {sorted(gone)}.")
    parts = [HEAD, _overview(routes), _requests(defined), *(_section(route, defined) for route in routes)]
    return "".join([*parts, _metrics(metrics)]).rstrip("\n") + "\n"


def _overview(routes: list[Operation]) -> str:
    rows = [
        (f"[`{method} {path}`](#{_anchor(method, path)})", _first_sentence(method, path, operation), _callers(path))
        for method, path, operation in routes
    ]
    return table(("method, path", "what it does", "who may call it"), rows)


def _anchor(method: str, path: str) -> str:
    return re.sub(r"[^\w\- ]", "", f"{method} {path}".lower()).replace(" ", "-")


def _callers(path: str) -> str:
    from autogen.serving.guard import OPEN_ROUTES

    return OPEN if path in OPEN_ROUTES else KEY


def _first_sentence(method: str, path: str, operation: Json) -> str:
    text = operation.get("description", "")
    if not text:
        raise SystemExit(f"{method} {path}: expected a docstring of the route's function, found none.")
    return str(text.partition("\n\n")[0])


def _requests(defined: Json) -> str:
    from autogen.serving.app import ServerSettings

    limits = ServerSettings()
    said = REQUESTS.format(mebibytes=limits.body_bytes / 2**20, seconds=limits.body_seconds)
    rows = [(str(status), f"`{code}`", when) for (status, code), when in errors_explained().items()]
    body = _fields(defined["ErrorBody"], defined, answer=True) + _example(defined["ErrorBody"], defined, "")
    return said + body + table(("status", "code", "when"), rows)


def errors_explained() -> dict[tuple[int, str], str]:
    """Raises SystemExit where the server has other errors than those that are explained here."""
    files = sorted((ROOT / "src/autogen/serving").glob("*.py"))
    written = {error for file in files for error in _errors_in(ast.parse(file.read_text("utf-8")))}
    if written | COMPUTED != ERRORS.keys():
        differing = sorted((written | COMPUTED) ^ ERRORS.keys())
        raise SystemExit(f"{__file__}: expected a sentence for each error of the server; these differ: {differing}.")
    return ERRORS


def _errors_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Status and code of every error that stands in a module."""
    for call in ast.walk(tree):
        name = getattr(call.func, "id", getattr(call.func, "attr", "")) if isinstance(call, ast.Call) else ""
        if isinstance(call, ast.Call) and name in ("RequestRefused", "error_response", "error_value"):
            values = [value.value for value in call.args[:2] if isinstance(value, ast.Constant)]
            if len(values) == 2:
                yield int(values[0]), str(values[1])


def _section(route: Operation, defined: Json) -> str:
    method, path, operation = route
    parts = [f"## `{method} {path}`\n\n{_wrapped(operation['description'])}\n\n"]
    if path in SEE:
        parts += ["More: [{}]({}).\n\n".format(*SEE[path])]
    parts += [_parameters(operation, defined), _body(operation, defined), _answer(operation, defined)]
    own = [(status, one["description"]) for status, one in operation["responses"].items() if status not in SHARED]
    if own:
        parts += ["Errors of its own:\n\n", table(("status", "code, and when"), own)]
    return "".join(parts)


def _wrapped(text: str) -> str:
    """Lines of a paragraph as one line."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _parameters(operation: Json, defined: Json) -> str:
    rows = []
    for one in operation.get("parameters", ()):
        default = "required" if one.get("required") else literal(one["schema"].get("default"))
        words = values_of(one["schema"], defined)
        rows.append((f"`{one['name']}` ({one['in']})", words, default, one.get("description", "")))
    return table(("parameter", "value", "default", "what it is"), rows) if rows else ""


def _body(operation: Json, defined: Json) -> str:
    if "requestBody" not in operation:
        return ""
    schema = resolved(operation["requestBody"]["content"]["application/json"]["schema"], defined)
    return "Body:\n\n" + _fields(schema, defined, answer=False) + _example(schema, defined, "For example:")


def _answer(operation: Json, defined: Json) -> str:
    content = operation["responses"]["200"].get("content", {})
    if "application/json" not in content:
        return ""
    schema = resolved(content["application/json"]["schema"], defined)
    return "Answer:\n\n" + _fields(schema, defined, answer=True) + _example(schema, defined, "For example:")


def _example(schema: Json, defined: Json, before: str) -> str:
    examples = schema.get("examples", [])
    if not examples:
        raise SystemExit(f"{schema.get('title')}: expected an example in `json_schema_extra`, found none.")
    said = f"{before}\n\n" if before else ""
    return f"{said}```json\n{laid_out(_in_order(examples[0], schema, defined))}\n```\n\n"


def _in_order(value: Any, schema: Json, defined: Json) -> Any:
    """The example with its fields in the order of the types; OpenAPI sorts them."""
    schema = resolved(schema, defined)
    if isinstance(value, list):
        return [_in_order(one, schema.get("items", {}), defined) for one in value]
    if not isinstance(value, dict):
        return value
    inner = schema.get("properties", {})
    branch = {name: next(iter(branches(inner.get(name, {})))) for name in value}
    names = sorted(value, key=lambda name: [*inner].index(name) if name in inner else 0)
    return {name: _in_order(value[name], branch[name], defined) for name in names}


def laid_out(value: Any, indent: int = 0) -> str:
    """As JSON, in which what fits on a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(flat) + indent <= WIDTH:
        return flat
    begin = "\n" + " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {laid_out(one, indent + 2)}" for name, one in value.items()]
    else:
        parts = [laid_out(one, indent + 2) for one in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}{begin}{f',{begin}'.join(parts)}{begin[:-2]}{last}"


def _fields(schema: Json, defined: Json, answer: bool) -> str:
    rows = list(fields_of(schema, defined, answer))
    head = ("field", "value", "what it is") if answer else ("field", "value", "default", "what it is")
    return table(head, rows)


def fields_of(schema: Json, defined: Json, answer: bool, above: str = "") -> Iterator[tuple[str, ...]]:
    """A row for each field, and for the fields of what is in it. Raises SystemExit for one without a description."""
    for name, field in schema["properties"].items():
        if not field.get("description"):
            raise SystemExit(f"{schema.get('title')}.{name}: expected a description, found none.")
        words = values_of(field, defined, null=True)
        required = name in schema.get("required", ())
        default = () if answer else ("required" if required else literal(field.get("default")),)
        yield f"`{above}{name}`", words, *default, field["description"]
        for branch in branches(field):
            many = branch.get("type") == "array"
            inner = resolved(branch.get("items", {}) if many else branch, defined)
            if "properties" in inner:
                yield from fields_of(inner, defined, answer, f"{above}{name}{'[]' if many else ''}.")


def _metrics(text: str) -> str:
    said = dict(re.findall(r"^# HELP (autogen_\w+) (.+)$", text, re.MULTILINE))
    kinds = dict(re.findall(r"^# TYPE (autogen_\w+) (\w+)$", text, re.MULTILINE))
    rows = [(f"`{name}`", kinds[name], what) for name, what in said.items() if not name.endswith("_created")]
    return METRICS + table(("metric", "kind", "what it is"), rows)


def main() -> int:
    return write_or_check(PAGE, make_page(*described()), "server's routes")


if __name__ == "__main__":
    sys.exit(main())
