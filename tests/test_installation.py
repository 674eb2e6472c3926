"""Other packages are imported as `autogen` too: that is said, with the way out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import autogen
from autogen.installation import is_mixed, other_owners


def distribution(folder: Path, name: str) -> None:
    """What pip leaves of a package that installs an `autogen`."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (info / "top_level.txt").write_text("autogen\n", "utf-8")
    (info / "RECORD").write_text("autogen/agentchat/__init__.py,,\n", "utf-8")


def test_ours_is_alone_here() -> None:
    assert other_owners() == ()
    assert not is_mixed(Path(autogen.__file__).parent)


def test_doctor_names_another_owner_of_the_import_name_and_the_way_out(tmp_path: Path) -> None:
    distribution(tmp_path, "pyautogen")
    code = f"import sys; sys.path.append({str(tmp_path)!r}); sys.argv = ['autogen', 'doctor']; "
    code += "from autogen.cli.main import main; main()"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert process.returncode == 1
    assert "pyautogen too" in process.stdout and "pip uninstall NAME" in process.stdout


def test_an_import_that_finds_anothers_files_among_ours_says_so(tmp_path: Path) -> None:
    shutil.copytree(Path(autogen.__file__).parent, tmp_path / "autogen", ignore=shutil.ignore_patterns("templates"))
    (tmp_path / "autogen/agentchat").mkdir()
    (tmp_path / "autogen/agentchat/__init__.py").touch()
    process = subprocess.run([sys.executable, "-c", "import autogen"], capture_output=True, text=True, cwd=tmp_path)
    assert process.returncode == 0 and "Another package has put files into" in process.stderr
