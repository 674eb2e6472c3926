"""How AutoGen is installed, and whether the import name `autogen` is ours alone: other packages have it too, and
overwrite each other's files without a word."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path

OURS = "autogen-loop"
THEIRS = ("agentchat", "oai", "coding", "io")  # folders that `ag2`, `pyautogen` and `autogen` put into `autogen/`
WAY_OUT = (
    f"Remove the other package (pip uninstall NAME), put ours back (pip install --force-reinstall {OURS}), or install "
    "one of the two into an environment of its own (python -m venv)."
)


def install_extra(extra: str) -> str:
    """How an extra is installed, to end a sentence: AutoGen comes as a checkout."""
    return f"pip install -c constraints.txt '.[{extra}]' in a checkout of AutoGen"


def other_owners() -> tuple[str, ...]:
    """The other distributions in this environment that install an `autogen`."""
    owners = {name.lower().replace("_", "-") for name in packages_distributions().get("autogen", ())}
    return tuple(sorted(owners - {OURS}))


def is_mixed(package: Path) -> bool:
    """Whether another package's files lie in this folder of ours."""
    return any((package / name / "__init__.py").is_file() for name in THEIRS)
