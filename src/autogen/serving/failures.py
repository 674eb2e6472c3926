"""What goes wrong, as HTTP: one JSON shape for all errors, OpenAI's, so that its clients show our words."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from autogen.data.problems import shown
from autogen.errors import AutoGenError, UnknownResponse, UsageError
from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.runtime.batcher import Overloaded

RETRY_AFTER_SECONDS = 1

# What pydantic's findings expect, by their type; what stands in braces is in the finding's context.
EXPECTED = {
    **dict.fromkeys(("string_type", "string_sub_type"), "text"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "an object"),
    "list_type": "a list",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} character",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entry",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
}

log = logging.getLogger("autogen.serving")


class RequestRefused(AutoGenError):
    """A request that HTTP has a status for. `param` names the field that is wrong."""

    def __init__(
        self, status: int, code: str, message: str, param: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.headers = status, code, param, headers

    def response(self) -> Response:
        return error_response(self.status, self.code, str(self), self.param, self.headers)


def error_response(
    status: int, code: str, message: str, param: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    body = {"error": error_value(status, code, message, param)}
    # ASCII, because a message may quote text that is no valid Unicode
    return Response(json.dumps(body), status, dict(headers or {}), media_type="application/json")


def error_value(status: int, code: str, message: str, param: str | None = None) -> dict[str, str | None]:
    """What stands under `error`."""
    kind = "server_error" if status >= 500 else "authentication_error" if status == 401 else "invalid_request_error"
    return {"message": message, "type": kind, "code": code, "param": param}


def too_long(length: int, param: str) -> RequestRefused:
    message = f"Expected a text of at most {MAX_TEXT_LENGTH:,} characters, found {length:,}: shorten it."
    return RequestRefused(413, "text_too_long", message, param)


def install(app: FastAPI) -> None:
    """Answer every error of the app in the one shape."""
    app.add_exception_handler(RequestRefused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(AutoGenError, _failed)
    app.add_exception_handler(Exception, _unexpected)


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return error.response()


def _invalid(_request: Request, error: Exception) -> Response:
    """The first of pydantic's findings as a sentence that names the field."""
    assert isinstance(error, RequestValidationError)
    error_details: dict[str, Any] = error.errors()[0]
    kind = error_details["type"]
    param = _field(error_details["loc"])
    if kind == "json_invalid":
        reason = error_details.get("ctx", {}).get("error", "")
        return error_response(400, "invalid_json", f"Expected the body to be JSON: {reason} (character {param}).")
    if kind == "unknown_field":
        return error_response(400, kind, error_details["msg"], error_details["ctx"]["field"])
    if kind == "string_too_long" and error_details["ctx"]["max_length"] == MAX_TEXT_LENGTH:
        return too_long(len(error_details["input"]), param or "body").response()
    message = _in_words(error_details)
    if param is None:
        return error_response(400, "invalid_request", f"Expected a JSON object as the body. {message}")
    if kind == "missing":
        return error_response(400, "missing_field", f"Expected the field {param}, found none.", param)
    return error_response(400, "invalid_field", f"{param}: {message}", param)


def _field(location: Sequence[object]) -> str | None:
    """The field by its path. pydantic also names the branch of a union that it tried: `label.constrained-str`."""
    parts = (str(part) for part in location if part != "body")
    return ".".join(part for part in parts if "-" not in part and "[" not in part) or None


def _in_words(error_details: Mapping[str, Any]) -> str:
    expected = EXPECTED.get(error_details["type"])
    if expected is None:
        return str(error_details["msg"]).removeprefix("Value error, ")
    value = error_details["input"]
    value_text = f"{len(value):,}" if error_details["type"].endswith(("too_long", "too_short")) else shown(value)
    return f"Expected {expected.format(**error_details.get('ctx', {}))}, found {value_text}."


def _http(_request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, a method that the route does not have, a body that cannot be read."""
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and "parsing the body" in str(error.detail):
        return error_response(
            400, "invalid_json", "Expected the body to be JSON in UTF-8, of ordinary depth and numbers."
        )
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    message = f"{error.detail}. The routes are listed at /openapi.json." if error.status_code == 404 else error.detail
    return error_response(error.status_code, code, message, headers=error.headers)


def _failed(_request: Request, error: Exception) -> Response:
    """Our own errors: what the caller did wrong in full; what failed here only in the log, which may name paths."""
    if isinstance(error, UnknownResponse):
        return error_response(404, "unknown_response", str(error), "response_id")
    if isinstance(error, UsageError):
        return error_response(400, "invalid_request", str(error))
    if isinstance(error, Overloaded):
        return error_response(503, "overloaded", str(error), headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    log.error("a request failed: %s", error)
    return _unexpected(_request, error)


def _unexpected(_request: Request, _error: Exception) -> Response:
    """The traceback goes to the log: Starlette raises the error again after this answer."""
    return error_response(500, "internal_error", "The agent could not answer; the reason is in the server's log.")
