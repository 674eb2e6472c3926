"""Tasks and skills of other packages: named by entry points, imported when they are looked up, and refused by name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from autogen import plugins
from autogen.errors import ConfigError, MissingDependency, UsageError
from autogen.plugins import API, SKILLS, TASKS, PluginRegistry, skills, tasks
from tests.cli.process import autogen

GROUP = "autogen.tasks"
Install = Callable[..., None]


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    plugins.tasks.cache_clear()
    plugins.skills.cache_clear()
    yield
    plugins.tasks.cache_clear()
    plugins.skills.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package with an entry point on the path, as pip does."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    known = {*sys.modules}

    def write(package: str, entry: str, code: str, group: str = GROUP) -> None:
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(code, "utf-8")
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry}\n", "utf-8")

    yield write
    for name in {*sys.modules} - known:
        sys.modules.pop(name)


def run(code: str) -> object:
    """What a process of its own prints, as JSON."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_package_s_task_is_known_by_its_entry_point(install: Install) -> None:
    install("weather-tasks", "rain-prediction = weather_tasks:TASK", "TASK = 'the task'\n")
    assert entry_points(group=GROUP, name="rain-prediction")
    assert tasks()["rain-prediction"] == "the task"
    assert {*TASKS, "rain-prediction"} <= {*tasks()}
    assert tasks().find("rain-prediction") == "the task"


def test_a_package_s_skill_is_known_by_its_entry_point(install: Install) -> None:
    install("weather-skills", "umbrella = weather_skills:SKILL", "SKILL = 'the skill'\n", "autogen.skills")
    assert skills()["umbrella"] == "the skill" and "umbrella" not in tasks()


def test_a_package_is_imported_when_its_task_is_looked_up_and_not_before(install: Install) -> None:
    install("slow-tasks", "slow = slow_tasks:TASK", "raise SystemExit('it was imported')\n")
    assert "slow" in tasks() and len(tasks()) == len([*tasks()])
    assert "slow_tasks" not in sys.modules
    with pytest.raises(SystemExit, match="it was imported"):
        tasks()["slow"]


def test_a_name_given_twice_is_an_error_that_names_both_packages(install: Install) -> None:
    install("first-tasks", "rain-prediction = first_tasks:TASK", "TASK = 1\n")
    install("second-tasks", "rain-prediction = second_tasks:TASK", "TASK = 2\n")
    with pytest.raises(ConfigError, match=r"first-tasks.*second-tasks|second-tasks.*first-tasks") as raised:
        tasks()
    assert "rain-prediction" in str(raised.value) and GROUP in str(raised.value) and "remove one" in str(raised.value)


@pytest.mark.parametrize("name", [*TASKS])
def test_no_package_takes_the_name_of_a_built_in_task(name: str, install: Install) -> None:
    install("rival-tasks", f"{name} = rival_tasks:TASK", "TASK = 1\n")
    with pytest.raises(ConfigError, match=f"Both autogen-loop and rival-tasks offer '{name}'"):
        tasks()


@pytest.mark.parametrize("built_for", [API - 1, API + 1])
def test_a_package_built_for_another_version_of_the_contracts_is_refused_by_name(
    built_for: int, install: Install
) -> None:
    install("odd-tasks", "odd = odd_tasks:TASK", f"API = {built_for}\nTASK = 1\n")
    with pytest.raises(ConfigError) as raised:
        tasks()["odd"]
    for words in ("'odd'", "odd-tasks", f"version {built_for}", f"has {API}"):
        assert words in str(raised.value)


def test_a_package_built_for_this_version_says_so_and_is_taken(install: Install) -> None:
    install("good-tasks", "good = good_tasks:TASK", f"API = {API}\nTASK = 'good'\n")
    assert tasks()["good"] == "good"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module\nTASK = 1\n", "No module named 'no_such_module'"),
        ("OTHER = 1\n", "has no attribute 'TASK'"),
        ("TASK = = 1\n", "SyntaxError"),
        ("TASK = undefined\n", "NameError"),
        ("raise RuntimeError('it has no licence')\n", "it has no licence"),
    ],
)
def test_a_package_that_cannot_be_imported_is_an_error_that_names_it(code: str, words: str, install: Install) -> None:
    install("broken-tasks", "broken = broken_tasks:TASK", code)
    with pytest.raises(ConfigError) as raised:
        tasks()["broken"]
    assert "'broken' of the package broken-tasks cannot be loaded" in str(raised.value)
    assert words in str(raised.value)


def test_a_broken_skill_harms_no_project_that_does_without_it(install: Install, untrained: Path) -> None:
    install("broken-skills", "broken = broken_skills:SKILL", "import no_such_module\n", "autogen.skills")
    result = autogen("versions", "-p", untrained)
    assert result.code == 0 and "warning: 'broken' of the package broken-skills cannot be loaded" in result.err
    result = autogen("check", "-p", untrained)
    assert result.code == 0, result.err
    settings = (untrained / "agent.toml").read_text("utf-8")
    (untrained / "agent.toml").write_text(settings.replace('"customer-service"', '"broken"'), "utf-8")
    result = autogen("check", "-p", untrained, "--json")
    assert result.code == 2 and "broken-skills" in result.json["error"]


def test_a_learner_whose_packages_are_not_installed_says_which(install: Install) -> None:
    code = "class T:\n    name, learner = 'deep', 'deep_learner:LEARNER'\nTASK = T()\n"
    install("deep-tasks", "deep = deep_tasks:TASK", code)
    install("deep-learner", "none = deep_learner:NONE", "import no_such_module\n", "other.group")
    with pytest.raises(MissingDependency, match=r"'deep' needs the package no_such_module.*\[learn\]"):
        plugins.learner_of(tasks()["deep"])


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="Did you mean") as raised:
        tasks().find(next(iter(TASKS))[:-1])
    assert all(name in str(raised.value) for name in TASKS)
    with pytest.raises(KeyError):
        tasks()["no-such-task"]


def test_what_can_be_loaded_is_and_of_the_rest_it_is_said_why(install: Install) -> None:
    install("good-tasks", "good = good_tasks:TASK", "TASK = 'good'\n")
    install("broken-tasks", "broken = broken_tasks:TASK", "import no_such_module\n")
    loaded, errors = tasks().loaded()
    assert "good" in loaded and len(loaded) == len(tasks()) - 1
    assert ["broken-tasks" in str(error) for error in errors] == [True]


def test_names_are_listed_in_order() -> None:
    table: PluginRegistry[object] = tasks()
    assert [*table] == sorted(table) and {*TASKS} <= {*table} and {*SKILLS} <= {*skills()}


def test_listing_what_there_is_imports_neither_torch_nor_any_task() -> None:
    loaded = run(
        "import json, sys\n"
        "from autogen.plugins import skills, tasks\n"
        "assert [*tasks()] and [*skills()]\n"
        "print(json.dumps([*sys.modules]))\n"
    )
    assert isinstance(loaded, list)
    places = [place.partition(":")[0] for place in (*TASKS.values(), *SKILLS.values())]
    assert not {"torch", "transformers", "matplotlib", *places} & {*loaded}


@pytest.mark.parametrize("name", [*TASKS])
def test_looking_up_a_task_imports_neither_torch_nor_another_task(name: str) -> None:
    loaded = run(
        f"import json, sys\nfrom autogen.plugins import tasks\ntasks()[{name!r}]\nprint(json.dumps([*sys.modules]))\n"
    )
    assert isinstance(loaded, list)
    others = [place.partition(":")[0] for other, place in TASKS.items() if other != name]
    assert not {"torch", "transformers", "matplotlib", *others} & {*loaded}
