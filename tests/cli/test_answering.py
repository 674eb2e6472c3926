"""Commands that answer people start without the learning wing."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.process import autogen, command

HEAVY = ("torch", "transformers", "scipy", "sklearn", "pandas", "autogen.training", "autogen.models", "autogen.project")
LISTING = f"""
import json, sys
from autogen.cli.main import main
try:
    main()
finally:
    print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)
"""


@pytest.mark.parametrize("words", ["chat", "versions", "feedback list", "promote --version 1", "doctor"])
def test_answering_commands_never_import_torch(project: Path, words: str) -> None:
    result = autogen(*words.split(), "-p", project, "--json", typed="my card was stolen\n", program=LISTING, fresh=True)
    assert result.code == 0
    loaded = json.loads(result.err.splitlines()[-1])
    assert not {"torch", "transformers", "autogen.training", "autogen.project"} & set(loaded)
    if words == "chat":
        assert loaded == []


def test_serve_says_where_it_listens_answers_and_stops_without_torch(project: Path) -> None:
    import subprocess

    import httpx

    pipe = subprocess.PIPE
    words = command("serve", "-p", project, "--port", 0, "--json", program=LISTING, fresh=True)
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None and server.stderr is not None
        url = json.loads(server.stdout.readline())["url"]
        parsed = httpx.post(f"{url}/v1/parse", json={"text": "my card was stolen"}, timeout=30).json()
        assert parsed["intent"]["name"] == "lost_card"
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
        assert json.loads(server.stderr.read().splitlines()[-1]) == []
