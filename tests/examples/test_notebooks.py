"""The notebooks run from the first cell to the last, on a tiny model in place of the packaged one."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "examples"


def run(name: str, parameters: str, place: Path, model: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    cell.source = f"{cell.source}\n{parameters.format(model=str(model))}"
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(place)}}).execute()
    return notebook


def shown(notebook: nbformat.NotebookNode) -> str:
    """All HTML that the cells show."""
    found = [out.data.get("text/html", "") for c in notebook.cells for out in c.get("outputs", ()) if "data" in out]
    return "\n".join(found)


@pytest.mark.slow
def test_the_customer_service_notebook_runs(tmp_path: Path, tiny_base_model: Path) -> None:
    done = run("customer_service.ipynb", 'BASE_MODEL, EPOCHS = "{model}", 2', tmp_path, tiny_base_model)
    assert "expected calibration error" in shown(done) and "(champion)" in shown(done)
    assert (tmp_path / "bank/.autogen/versions/0002/manifest.json").is_file()


@pytest.mark.slow
def test_the_notebook_of_an_own_model_runs(tmp_path: Path, tiny_base_model: Path) -> None:
    done = run("own_model.ipynb", 'MODEL, EPOCHS = "{model}", 2', tmp_path, tiny_base_model)
    assert "in_scope_accuracy" in shown(done) and "<svg" in shown(done)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    assert path.stat().st_size < 20_000


@pytest.mark.slow
def test_the_recommendation_notebook_runs(tmp_path: Path, tiny_base_model: Path) -> None:
    small = 'MODEL, USERS, PAIRS, EPOCHS, QUERIES, CANDIDATES = "{model}", 400, 150, 2, 20, 10'
    done = run("recommendation.ipynb", small, tmp_path, tiny_base_model)
    assert "ndcg_at_10" in shown(done)
    printed = "".join(out.get("text", "") for cell in done.cells for out in cell.get("outputs", ()))
    assert "pointwise" in printed and "what trends today" in printed
