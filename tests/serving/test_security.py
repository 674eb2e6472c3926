"""Who may ask a server without a key: this machine, and no page of another site in its browser."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from autogen.serving.security import KnownHosts
from autogen.serving.server import settings_of
from tests.serving.process import ServerProcess

SITE = "https://shop.example"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def refusal(host: str, origin: str = "", **known: frozenset[str]) -> str | None:
    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    return KnownHosts(**known).refusal(headers)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_names_of_this_machine_are_known(host: str) -> None:
    assert refusal(host) is None
    assert refusal(host, f"http://{host}") is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "8.8.8.8"],
)
def test_other_names_are_refused_with_the_way_out(host: str) -> None:
    reason = refusal(host)
    assert reason is not None and repr(host) in reason and "`hosts` under [server]" in reason
    assert refusal("evil.example:80", names=frozenset({"evil.example"})) is None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "file://", SITE])
def test_pages_of_other_sites_are_refused_unless_they_are_named(origin: str) -> None:
    reason = refusal("localhost", origin)
    assert reason is not None and "`origins` under [server]" in reason
    assert refusal("localhost", origin, origins=frozenset({origin})) is None


@pytest.fixture(scope="module")
def open_to_a_site(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without a key whose project names a site and a host."""
    folder = Path(shutil.copytree(versions, tmp_path_factory.mktemp("site") / "project"))
    with (folder / "agent.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[server]\nhosts = ["bot.internal"]\norigins = ["{SITE}"]\n')
    settings = settings_of(folder)
    with ServerProcess(folder, hosts=settings.hosts, origins=settings.origins) as running:
        yield running


def test_what_a_rebound_name_asks_is_refused_and_nothing_is_kept(server: ServerProcess) -> None:
    response_id = server.say("hello")["id"]
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        answer = server.http.post("/v1/feedback", json={"response_id": response_id, "label": "x"}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "unknown_host")
    assert server.http.get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200  # what watches over it


def test_a_site_and_a_host_that_are_named_may_ask(open_to_a_site: ServerProcess) -> None:
    asked = {"messages": [{"role": "user", "content": "hello"}]}
    headers = {"Host": "bot.internal:8000", "Origin": SITE}
    answer = open_to_a_site.http.post("/v1/chat/completions", json=asked, headers=headers)
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == SITE
    before = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = open_to_a_site.http.options("/v1/chat/completions", headers={**headers, **before})
    assert allowed.status_code == 200 and "POST" in allowed.headers["access-control-allow-methods"]
    other = open_to_a_site.http.options("/v1/chat/completions", headers={"Origin": "http://evil.example", **before})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.skipif(BROWSER is None, reason="there is no browser")
def test_a_browser_that_is_told_that_a_name_is_this_machine_reads_nothing(server: ServerProcess) -> None:
    assert BROWSER is not None
    port = urlsplit(server.url).port
    pages = {}
    for name in ("evil.example", "localhost"):
        words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        rebound = f"--host-resolver-rules=MAP {name} 127.0.0.1"
        url = f"http://{name}:{port}/v1/models"
        done = subprocess.run([*words, rebound, url], capture_output=True, text=True, timeout=60, check=True)
        pages[name] = done.stdout
    assert "unknown_host" in pages["evil.example"] and "tiny" not in pages["evil.example"]
    assert "unknown_host" not in pages["localhost"] and '"object":"list"' in pages["localhost"]
