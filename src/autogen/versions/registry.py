"""The versions of a project, and which of them is champion.

.autogen/versions/0007/     a whole version; the folder appears in one rename, its manifest inside it
.autogen/drafts/            versions being made; whatever a killed process left here is removed by the next
.autogen/champion.json      the champion and the ones before it, replaced in one rename
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from autogen.errors import ProjectNotFound, Refused, UnknownVersion, UsageError, VersionDamaged
from autogen.storage.files import explain_os_errors, fsync_folder, make_folder, write_json
from autogen.versions.manifest import MANIFEST_FILE, Manifest, check_files, read_manifest, seal

STATE_FOLDER = ".autogen"
CHAMPION_FILE = "champion.json"


@dataclass(frozen=True)
class Alias:
    """The champion, and the champions before it, oldest first."""

    champion: str | None
    history: tuple[str, ...] = ()


class Versions:
    """The versions under a project's folder. Reading never writes."""

    def __init__(self, project: Path) -> None:
        self.state = project / STATE_FOLDER
        self.folder = self.state / "versions"

    @property
    def alias_file(self) -> Path:
        return self.state / CHAMPION_FILE

    def names(self) -> list[str]:
        """Whole versions, oldest first."""
        return [name for name in self._folder_names() if (self.folder / name / MANIFEST_FILE).exists()]

    def damaged(self) -> list[str]:
        """Versions whose manifest is missing or was altered, oldest first."""
        return [name for name in self._folder_names() if self.readable(name) is None]

    def _folder_names(self) -> list[str]:
        return sorted((path.name for path in self.folder.glob("[0-9]*") if path.name.isdecimal()), key=int)

    def all(self) -> list[Manifest]:
        return [read_manifest(self.folder / name) for name in self.names()]

    def find(self, version: str) -> str:
        """`7`, `07` or `0007` to the folder's name. Raises UnknownVersion; VersionDamaged when it has no manifest."""
        name = f"{int(version):04d}" if version.isdecimal() else version
        if name not in self.names():
            if name.isdecimal() and (self.folder / name).is_dir():
                raise VersionDamaged(
                    f"Version {name} is damaged: {MANIFEST_FILE} is missing. Put it back from a backup, go on with "
                    "another version (`autogen promote --version V`), or make one with `autogen train`."
                )
            names = ", ".join(self.names()) or "none yet"
            raise UnknownVersion(f"Expected one of the versions {names}; found {version!r}.")
        return name

    def manifest(self, version: str) -> Manifest:
        return read_manifest(self.folder / self.find(version))

    def alias(self) -> Alias:
        try:
            values = json.loads(self.alias_file.read_bytes())
            return Alias(values["champion"], tuple(values["history"]))
        except FileNotFoundError:
            return Alias(None)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VersionDamaged(
                f"{self.alias_file} cannot be read: {error}. `autogen promote --version V` mends it."
            ) from error

    def champion(self) -> str:
        """Raises ProjectNotFound when nothing has been trained yet."""
        champion = self.alias().champion
        if champion is None:
            raise ProjectNotFound(
                f"Nothing has been trained in {self.state.parent.resolve()} yet: run `autogen train` there first."
            )
        return champion

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A new folder to make a version in; gone when the block fails. The caller holds the learning lock."""
        drafts = self.state / "drafts"
        with explain_os_errors(drafts):
            shutil.rmtree(drafts, ignore_errors=True)
            make_folder(self.folder)
            folder = drafts / secrets.token_hex(4)
            make_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def next_name(self) -> str:
        """Numbers are never used twice, not even those of versions deleted by hand while champion once."""
        alias = self.alias()
        folder_names = (*(path.name for path in self.folder.glob("[0-9]*")), *alias.history, alias.champion or "")
        numbers = [int(name) for name in folder_names if name.isdecimal()]
        return f"{max(numbers, default=0) + 1:04d}"

    def publish(self, draft: Path, manifest: Manifest) -> Manifest:
        """Seal the draft and give it its place, in one rename."""
        complete = seal(draft, manifest)
        with explain_os_errors(self.folder):
            draft.rename(self.folder / manifest.version)
        fsync_folder(self.folder)
        return complete

    def promote(self, version: str | None = None, force: bool = False) -> str:
        """Make `version` champion; without one, the newest that passed the gate and is not champion, or with `force`
        the newest candidate, whatever the gate said.

        Raises Refused when the gate said no (`force` overrules it), UnknownVersion, VersionDamaged.
        """
        with self._alias_lock():
            alias = self._alias_or_empty()
            name = self._newest(alias.champion, force) if version is None else self.find(version)
            manifest = self.manifest(name)
            if not (manifest.passed or force or name in alias.history):
                raise Refused(
                    f"The gate said no to version {name}: {(manifest.verdict or {}).get('summary', '')} "
                    f"`autogen versions --show {name}` shows why; `--force` promotes it all the same."
                )
            check_files(self.folder / name, manifest)
            if name != alias.champion:
                self._move(Alias(name, (*alias.history, *([alias.champion] if alias.champion else []))))
        return name

    def rollback(self) -> tuple[str, str]:
        """Make the champion before this one champion again: (from, to). Raises UsageError when there is none."""
        with self._alias_lock():
            alias = self.alias()
            earlier = [name for name in alias.history if name in self.names()]
            if alias.champion is None or not earlier:
                raise UsageError("Expected an earlier champion to go back to; found none: nothing was changed.")
            target = earlier[-1]
            check_files(self.folder / target, self.manifest(target))
            self._move(Alias(target, tuple(earlier[:-1])))
        return alias.champion, target

    def _newest(self, champion: str | None, force: bool) -> str:
        """The newest version after the champion that passed the gate: one rolled back is after it again. With `force`
        the newest of all after it."""
        later = [name for name in reversed(self.names()) if champion is None or int(name) > int(champion)]
        for name in later:
            manifest = self.readable(name)
            if manifest is not None and (force or (manifest.passed and self._judged_against(manifest, champion))):
                return name
        if force or not later:
            raise Refused("There is no version after the champion: nothing to promote.")
        raise Refused(
            "No version after the champion has passed the gate: nothing to promote. `autogen promote --force` takes "
            f"the newest, {later[0]}, all the same."
        )

    def readable(self, name: str) -> Manifest | None:
        """The manifest, or None when it was altered: one damaged version must not hide the others."""
        try:
            return read_manifest(self.folder / name)
        except VersionDamaged:
            return None

    def _judged_against(self, manifest: Manifest, champion: str | None) -> bool:
        """Whether a chain of verdicts leads from the version to the champion."""
        step: Manifest | None = manifest
        while step is not None and champion is not None and step.version != champion:
            if not step.passed or step.parent is None or step.parent not in self.names():
                return False
            step = self.readable(step.parent)
        return step is not None

    def _alias_or_empty(self) -> Alias:
        try:
            return self.alias()
        except VersionDamaged:
            return Alias(None)

    def _move(self, alias: Alias) -> None:
        write_json(self.alias_file, {"champion": alias.champion, "history": list(alias.history)})

    @contextmanager
    def _alias_lock(self) -> Iterator[None]:
        make_folder(self.state)
        with explain_os_errors(self.state / "champion.lock"), FileLock(self.state / "champion.lock", timeout=30):
            yield
