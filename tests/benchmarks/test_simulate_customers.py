"""The simulated events that the templates ship are those that the script makes, every time."""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path

import pytest

from tests.benchmarks.test_scripts import FOLDER, script


@pytest.mark.parametrize("market", ["finance-products", "shop"])
def test_the_shipped_events_are_what_the_script_makes(market: str, tmp_path: Path) -> None:
    shipped = Path(str(files("autogen.templates") / market / "data"))
    done = script(FOLDER / "simulate_customers.py", market, "--data", shipped, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "simulated" in done.stdout
    assert (tmp_path / "eval.csv").read_bytes() == (shipped / "eval.csv").read_bytes()
    made, kept = (gzip.decompress((at / "interactions.csv.gz").read_bytes()) for at in (tmp_path, shipped))
    assert made == kept
