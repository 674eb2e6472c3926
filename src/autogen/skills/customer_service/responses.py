"""The file of responses: the text that answers each intent."""

from __future__ import annotations

import tomllib
from pathlib import Path

from autogen.errors import DataError


def label_text(label: str) -> str:
    """A label as a person would say it: `card_arrival` → `card arrival`."""
    return label.replace("_", " ").replace("-", " ").strip()


def read_responses(path: Path) -> dict[str, list[str]]:
    """`intent = "text"` or `intent = ["text", "another"]`. Raises DataError listing everything that is wrong."""
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f'{path}: expected a file of responses (intent = "text"), found none.') from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        byte = f"byte 0x{error.object[error.start]:02X} (byte {error.start})"
        raise DataError(f"{path}: expected UTF-8 text, found {byte}. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path} is not valid TOML: {error}.") from None
    responses = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    invalid = [name for name, texts in responses.items() if not _are_texts(texts)]
    if invalid:
        names = ", ".join(invalid)
        raise DataError(f'{path}: expected intent = "text" or a list of texts; found something else for {names}.')
    return responses


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) and text.strip() for text in value)
