"""Who may ask: an API key; without one only this machine, and no page of another site in its browser."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

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


@dataclass(frozen=True)
class KnownHosts:
    """By what names callers without a key may ask: a page of another site could let its own name mean this machine, and
    then its browser lets it read the answers (DNS rebinding). `names` beside this machine's own; `origins`: sites whose
    pages may ask."""

    names: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """What is wrong with these headers (names in lower case), in words, or None."""
        values = {name: value.decode("latin-1") for name, value in headers if name in (b"host", b"origin")}
        host, origin = values.get(b"host", ""), values.get(b"origin")
        if not self._knows(_name_of(f"//{host}")):
            return (
                f"Expected this server to be asked by a name of this machine, such as localhost, found {host!r}. Name "
                "others in agent.toml, `hosts` under [server], or serve with an API key."
            )
        if origin is not None and origin not in self.origins and not self._knows(_name_of(origin)):
            return (
                f"Expected no page of another site, found one of {origin!r}. Name it in agent.toml, `origins` under "
                "[server], or serve with an API key."
            )
        return None

    def _knows(self, name: str) -> bool:
        return name in self.names or is_loopback(name)


def _name_of(address: str) -> str:
    """The host of an address, without its port and in lower case; empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


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
