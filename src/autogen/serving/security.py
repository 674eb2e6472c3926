"""Who may ask: an API key, and no listening to the world without one."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass

from autogen.errors import UsageError

KEY_VARIABLE = "AUTOGEN_API_KEY"


@dataclass(frozen=True)
class ApiKey:
    """The key that callers must show as `Authorization: Bearer KEY`; None admits everybody."""

    value: str | None

    def admits(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether these headers (names in lower case) show the key. Takes the same time for any wrong key."""
        if self.value is None:
            return True
        shown = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, key = shown.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(key.strip(), self.value.encode())


def find_api_key(api_key: str | None) -> str | None:
    """The key given, else the one in AUTOGEN_API_KEY; a blank one is none.

    Raises UsageError for a key that clients could not send.
    """
    key = (api_key if api_key is not None else os.environ.get(KEY_VARIABLE, "")).strip()
    if not key.isascii() or not key.isprintable():
        raise UsageError("Expected an API key of printable ASCII characters, as an HTTP header carries; found others.")
    return key or None


def check_address(host: str, api_key: str | None) -> None:
    """Raises UsageError when the agent would answer other machines without asking for a key."""
    if api_key is None and not is_loopback(host):
        raise UsageError(
            f"Expected an API key, because {host or 'an empty host'} can be reached from other machines; found none: "
            f"nothing was started. Set {KEY_VARIABLE} to a long random text, or listen on 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address. Names other than localhost may resolve to anything."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
