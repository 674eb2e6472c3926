"""What can be learnt and what an agent can do: built-in tasks and skills, and those of other packages.

Another package offers its own by entry points: in the group "autogen.tasks" or "autogen.skills", a name and the place
of a `Task` or a `SkillKind`, "package.module:NAME". The version of the contracts that it was built for is `API` of that
module, where it says one.

This module stands low: it knows names and places only, so that whatever looks a task or a skill up may import it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from autogen.errors import ConfigError, MissingDependency, UsageError, did_you_mean
from autogen.installation import install_extra

if TYPE_CHECKING:
    from autogen.config.project import SkillSettings
    from autogen.skills.kind import SkillKind
    from autogen.tasks.task import Learner, Task

T = TypeVar("T")

API = 1  # of the plugin contracts; raised when what was built for an older one would no longer work

BUILT_IN = "autogen-loop"
TASKS: Mapping[str, str] = {
    "recommendation": "autogen.tasks.recommendation:TASK",
    "text-classification": "autogen.tasks.text_classification:TASK",
    "token-classification": "autogen.tasks.token_classification:TASK",
}
SKILLS: Mapping[str, str] = {
    "customer-service": "autogen.skills.customer_service:SKILL",
    "prediction": "autogen.skills.prediction:SKILL",
    "recommendation": "autogen.skills.recommendation:SKILL",
}


@dataclass(frozen=True)
class Plugin(Generic[T]):
    """A task or a skill by its name: where it lies, and whose it is."""

    name: str
    place: str
    package: str

    def load(self) -> T:
        """Raises ConfigError where it cannot be imported, or was built for another version of the contracts."""
        plugin: T = self.load_part(self.place)
        built_for = getattr(import_module(self.place.partition(":")[0]), "API", API)
        if built_for != API:
            raise ConfigError(
                f"{self.name!r} of the package {self.package} was built for version {built_for} of AutoGen's plugins; "
                f"this AutoGen has {API}. Update the one that is older."
            )
        return plugin

    def load_part(self, place: str) -> Any:
        """What it has in this place. Raises ConfigError."""
        try:
            return load(place)
        except Exception as error:  # a package may raise anything when it is imported
            reason = (
                str(error) if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: {error}"
            )
            raise ConfigError(f"{self.name!r} of the package {self.package} cannot be loaded: {reason}.") from error


def load(place: str) -> Any:
    """What is named by "package.module:NAME". Raises ImportError, AttributeError."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


class PluginRegistry(Mapping[str, T]):
    """Plugins by name; each is imported when it is looked up."""

    def __init__(self, plugins: Mapping[str, Plugin[T]], kind: str) -> None:
        self._plugins, self._kind = plugins, kind

    def __getitem__(self, name: str) -> T:
        """Raises KeyError."""
        return self._plugins[name].load()

    def __contains__(self, name: object) -> bool:
        """Without importing it."""
        return name in self._plugins

    def __iter__(self) -> Iterator[str]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)

    def find(self, name: str) -> T:
        """Raises UsageError, which names those there are."""
        if name not in self._plugins:
            known = ", ".join(self._plugins)
            raise UsageError(f"Expected a {self._kind} among {known}; found {name!r}.{did_you_mean(name, self)}")
        return self[name]

    def loaded(self, part: str = "") -> tuple[list[Any], list[ConfigError]]:
        """All that can be loaded, and why the others cannot: a broken package harms no project that does without it.
        `part`: of each what the place under this name has, where it has one (`SkillKind.commands`)."""
        parts: list[Any] = []
        errors = []
        for plugin in self._plugins.values():
            try:
                loaded_plugin: Any = plugin.load()
                if not part:
                    parts.append(loaded_plugin)
                elif place := getattr(loaded_plugin, part):
                    parts.append(plugin.load_part(place))
            except ConfigError as error:
                errors.append(error)
        return parts, errors


@cache
def tasks() -> PluginRegistry[Task[Any, Any]]:
    """All tasks. Raises ConfigError where two packages offer one name."""
    return PluginRegistry(_plugins("autogen.tasks", TASKS), "task")


@cache
def skills() -> PluginRegistry[SkillKind[Any]]:
    """All kinds of skills. Raises ConfigError where two packages offer one name."""
    return PluginRegistry(_plugins("autogen.skills", SKILLS), "skill")


def _plugins(group: str, built_in: Mapping[str, str]) -> dict[str, Plugin[Any]]:
    plugins = {name: Plugin[Any](name, place, BUILT_IN) for name, place in built_in.items()}
    for entry in entry_points(group=group):
        plugin = Plugin[Any](entry.name, entry.value, _package(entry))
        if entry.name in plugins:
            raise ConfigError(
                f"Both {plugins[entry.name].package} and {plugin.package} offer {entry.name!r} ({group}): "
                "remove one of the two packages."
            )
        plugins[entry.name] = plugin
    return dict(sorted(plugins.items()))


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value.partition(":")[0]


def learner_of(task: Task[Any, Any]) -> Learner:
    """The learning side of a task: this imports torch. Raises MissingDependency where it is not installed."""
    try:
        learner: Learner = load(task.learner)
    except ModuleNotFoundError as error:
        raise MissingDependency(
            f"Learning {task.name!r} needs the package {error.name}, which is not installed. What AutoGen's own tasks "
            f"need comes with {install_extra('learn')}."
        ) from error
    return learner


class SettingsTypes(Mapping[str, "type[SkillSettings]"]):
    """The settings type of each kind of skill, which is imported when it is looked up: for `config.load_config`."""

    def __getitem__(self, name: str) -> type[SkillSettings]:
        settings: type[SkillSettings] = skills()[name].settings
        return settings

    def __contains__(self, name: object) -> bool:
        return name in skills()

    def __iter__(self) -> Iterator[str]:
        return iter(skills())

    def __len__(self) -> int:
        return len(skills())


def skill_settings() -> SettingsTypes:
    return SettingsTypes()
