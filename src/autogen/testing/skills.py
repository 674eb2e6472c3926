"""`check_skill`: whether a kind of skill is as AutoGen expects it, tried on a trained project."""

from __future__ import annotations

import inspect
import math
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

import typer
from fastapi import APIRouter
from pydantic import ValidationError

from autogen.agents.agent import Agent
from autogen.config.project import SkillSettings
from autogen.data.problems import Problem
from autogen.data.rows import Row
from autogen.errors import DataError
from autogen.plugins import load, tasks
from autogen.project.project import Project
from autogen.runtime.batcher import Batcher
from autogen.skills.kind import SkillKind
from autogen.skills.skill import Action, Offer, Reply, Skill, Turn
from autogen.tasks.task import Need
from autogen.testing.expectations import (
    HEAVY,
    NAME,
    Rows,
    as_json,
    check_fields,
    check_import,
    check_metrics,
    expect,
    place_of,
    run_alone,
)

Item = TypeVar("Item")
Result = TypeVar("Result")

UNKNOWN = "no such label, surely"
ALIKE = 0.05  # by how much the confidence may differ between batches: an int8 graph scales its inputs by the batch
PARAMETERS = 2  # of what adds commands or routes


def check_skill(kind: SkillKind[Any], project: Path, messages: Sequence[str], rows: Rows = ()) -> None:
    """Check a kind of skill by its contract, `autogen.skills`.

    `project`: one with a champion and a skill of this kind; it stays as it is. `messages`: what people may write, some
    of it in scope. `rows`: good ones for `autogen predict`, as `SkillKind.predicts` says.

    Raises AssertionError at the first thing that is not as it should be.
    """
    check_declared(kind)
    with tempfile.TemporaryDirectory(prefix="check-skill-") as home:
        folder = shutil.copytree(project, Path(home) / "project")
        project_copy = Project.open(folder)
        name = next((name for name, settings in project_copy.config.skills.items() if settings.type == kind.name), "")
        expect(name, f"expected a skill of the type {kind.name!r} in {project}, found none", "check_skill")
        check = _SkillCheck(kind, folder, project_copy.config.skills[name], project_copy.config.agent.base_model)
        check.check_settings()
        needs = check.check_needs()
        check.check_record()
        check.check_problems(needs)
        with _Hosts(Agent.load(folder)) as hosts:
            skill: Any = hosts.champion.skills(object)[name]
            names = {need.name for need in needs}
            expect({*skill.models} == names, f"expected models {names}, found {[*skill.models]}", "Skill.models")
            check_turns(skill, messages)
            check_predictions(skill, rows)
            _check_notes(hosts.champion, messages[0])
            _check_additions(kind, hosts)
        _check_answers_alone(folder, messages)


def check_declared(kind: SkillKind[Any]) -> None:
    """What a kind of skill says of itself, and that importing it does not import torch."""
    has_valid_name = isinstance(kind.name, str) and re.fullmatch(NAME, kind.name)
    expect(has_valid_name, f'expected a name such as "form-filling", found {kind.name!r}', "SkillKind.name")
    valid = issubclass(kind.settings, SkillSettings) and kind.settings is not SkillSettings
    expect(valid, f"expected SkillSettings of its own, found {kind.settings!r}", "SkillKind.settings")
    check_fields(kind.predicts, "SkillKind.predicts")
    task = kind.answers_with
    expect(not task or task in tasks(), f"expected a task or nothing, found {task!r}", "SkillKind.answers_with")
    for contract, place in (("SkillKind.commands", kind.commands), ("SkillKind.routes", kind.routes)):
        if place:
            function = load(place)
            valid = callable(function) and len(inspect.signature(function).parameters) == PARAMETERS
            expect(valid, f"expected a function of {PARAMETERS} parameters at {place}, found {function!r}", contract)
    check_import(place_of(kind))


@dataclass(frozen=True)
class _SkillCheck:
    """One kind of skill, with the settings of a skill of that kind. `base_model`: the agent's."""

    kind: SkillKind[Any]
    project: Path
    settings: SkillSettings
    base_model: str

    def check_settings(self) -> None:
        """They come back from JSON as they were, and a key that nobody knows is refused."""
        contract = "SkillKind.settings"
        has_type = isinstance(self.settings, self.kind.settings)
        expect(has_type, f"expected {self.kind.settings}, found {type(self.settings)}", contract)
        values = as_json(self.settings.model_dump(), "settings", contract)
        is_same = self.kind.settings.model_validate(values) == self.settings
        expect(
            is_same, f"expected settings that come back from JSON as they were, found other ones: {values}", contract
        )
        try:
            self.kind.settings.model_validate({**values, "no_such_key": 1})
        except ValidationError:
            return
        raise AssertionError(f"expected that an unknown key is refused, found it taken (see {contract})")

    def check_needs(self) -> tuple[Need, ...]:
        """Tasks that there are, with settings of the tasks' own types."""
        needs, contract = self.kind.needs(self.settings, self.base_model), "SkillKind.needs"
        names = [need.name for need in needs]
        valid = names and len({*names}) == len(names) and all(re.fullmatch(r"\w+(-\w+)*", name) for name in names)
        expect(valid, f"expected names of models, each once, found {names}", contract)
        for need in needs:
            expect(need.task in tasks(), f"expected a task among {[*tasks()]}, found {need.task!r}", contract)
            task = tasks()[need.task]
            roles = {*need.sources} <= {*task.roles}
            expect(roles, f"expected sources of the roles {task.roles}, found {[*need.sources]}", "Need.sources")
            for settings, own, part in (
                (need.training, task.training, "training"),
                (need.options, task.options, "options"),
            ):
                expect(isinstance(settings, own), f"expected {own}, found {type(settings)}", f"Need.{part}")
            expect(need.columns == self.settings.columns, f"found the columns {need.columns}", "Need.columns")
            training = self.settings.training_of(need.name)
            expect(
                need.training == training, f"expected {training}, found {need.training}", "SkillSettings.training_of"
            )
        for name, expected in (("own", "own"), (None, "agent")):
            settings_named = self.settings.model_copy(update={"base_model": name})
            base_models = {need.base_model for need in self.kind.needs(settings_named, "agent")}
            expect(
                base_models == {expected}, f"expected the {expected} base model, found {base_models}", "Need.base_model"
            )
        return needs

    def check_record(self) -> None:
        """JSON, from which the skill is made ready; its texts are among it."""
        record = self.kind.keeps(self.settings, self.project)
        as_json(record, "what a version keeps", "SkillKind.keeps")
        missing = {*self.kind.wording} - {*record}
        expect(not missing, f"expected {sorted(missing)} among what it keeps, found {[*record]}", "SkillKind.wording")

    def check_problems(self, needs: Sequence[Need]) -> None:
        """With a good project nothing, whether its data has been read or not."""
        data = {need.name: tasks()[need.task].read(self.project, need) for need in needs}
        for read_data in ({}, data):
            problems = self.kind.check(self.settings, self.project, read_data)
            valid = isinstance(problems, list) and all(isinstance(problem, Problem) for problem in problems)
            expect(valid, f"expected a list of Problems, found {problems!r}", "SkillKind.check")
            errors = [str(problem) for problem in problems if problem.severity == "error"]
            expect(not errors, f"expected no error in a good project, found {errors}", "SkillKind.check")
        self.kind.require(self.settings, data)


def check_turns(skill: Skill, messages: Sequence[str]) -> None:
    """Every message gets an offer, the same whatever it is considered with; replies are JSON where they must be."""
    turns = [Turn(message, kept=False) for message in messages]
    offers = skill.consider(turns)
    expect(len(offers) == len(turns), f"expected {len(turns)} offers, found {len(offers)}", "Skill.consider")
    expect(skill.consider([]) == [], "expected no offers for no turns, found some", "Skill.consider")
    expect(any(offer.in_scope is True for offer in offers), "expected a message in scope, found none", "check_skill")
    for turn, offer in zip(turns, offers, strict=True):
        reply = _check_offer(offer)
        follow_up = Turn(
            turn.text, state=as_json(dict(reply.state), "state", "Reply.state"), last_action=reply.action, kept=False
        )
        for next_offer in skill.consider([follow_up]):
            _check_offer(next_offer)
    with ThreadPoolExecutor(4) as pool:
        offers_alone = list(pool.map(lambda turn: skill.consider([turn])[0], turns))
    for turn, together, alone in zip(turns, offers, offers_alone, strict=True):
        is_same = math.isclose(together.confidence, alone.confidence, abs_tol=ALIKE)
        expect(is_same, f"expected one offer for {turn.text!r}, alone or beside others; found two", "Skill.consider")


def _check_offer(offer: Offer) -> Reply:
    expect(isinstance(offer, Offer), f"expected an Offer, found {offer!r}", "Skill.consider")
    flags = isinstance(offer.in_scope, bool) and isinstance(offer.continues, bool)
    expect(flags, f"expected true or false, found {offer.in_scope!r}, {offer.continues!r}", "Offer.in_scope")
    check_metrics({"confidence": offer.confidence}, "Offer.confidence")
    reply = offer.reply()
    check_reply(reply)
    if offer.stream is not None:
        before = ""
        for piece in offer.stream():
            expect(
                piece.text.startswith(before), f"expected more than {before!r}, found {piece.text!r}", "Offer.stream"
            )
            before = piece.text
            check_reply(piece)
    return reply


def check_reply(reply: Reply) -> None:
    """A text, what it does, how sure it is, and JSON."""
    expect(isinstance(reply, Reply), f"expected a Reply, found {reply!r}", "Offer.reply")
    expect(isinstance(reply.text, str) and reply.text, f"expected a text, found {reply.text!r}", "Reply.text")
    actions = get_args(Action)
    expect(reply.action in actions, f"expected one of {actions}, found {reply.action!r}", "Reply.action")
    check_metrics({"confidence": reply.confidence}, "Reply.confidence")
    pairs = all(
        len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], float) for pair in reply.alternatives
    )
    expect(pairs, f"expected names with their confidence, found {reply.alternatives}", "Reply.alternatives")
    expect(all(isinstance(note, str) for note in reply.notes), f"expected texts, found {reply.notes}", "Reply.notes")
    for part in ("details", "state"):
        as_json(dict(getattr(reply, part)), part, f"Reply.{part}")
    as_json(reply.log, "log", "Reply.log")


def check_predictions(skill: Skill, rows: Rows) -> None:
    """Each row gets a prediction and a confidence; a row without the fields is refused."""
    typed_rows = [Row(row, "rows", at) for at, row in enumerate(rows, start=1)]
    predictions, contract = skill.predict(typed_rows), "Skill.predict"
    expect(
        len(predictions) == len(typed_rows),
        f"expected {len(typed_rows)} predictions, found {len(predictions)}",
        contract,
    )
    for prediction in predictions:
        expect(
            {"prediction", "confidence"} <= {*prediction},
            f"expected prediction and confidence, found {prediction}",
            contract,
        )
        check_metrics({"confidence": as_json(dict(prediction), "a prediction", contract)["confidence"]}, contract)
    try:
        skill.predict([Row({}, "rows", 1)])
    except DataError:
        return
    raise AssertionError(f"expected a DataError for a row without its fields, found none (see {contract})")


def _check_notes(agent: Agent, message: str) -> None:
    """Feedback with a label that nobody knows is taken, and perhaps remarked on."""
    response = agent.respond(message)
    for label in (None, UNKNOWN):
        note = agent.note_on(agent.feedback(response.id, rating="up", label=label))
        expect(note is None or isinstance(note, str), f"expected words or None, found {note!r}", "Skill.note_on")


def _check_answers_alone(project: Path, messages: Sequence[str]) -> None:
    code = "from autogen.agents import Agent; Agent.load(sys.argv[1]).respond(sys.argv[2])"
    loaded = run_alone(code, str(project), messages[0])
    expect(not loaded, f"expected answers without {', '.join(HEAVY)}, found {loaded} imported", "Skill")


def _check_additions(kind: SkillKind[Any], hosts: _Hosts) -> None:
    app, router = typer.Typer(), APIRouter()
    if kind.commands:
        load(kind.commands)(app, hosts)
        expect(app.registered_commands, f"expected commands from {kind.commands}, found none", "SkillKind.commands")
    if kind.routes:
        load(kind.routes)(router, hosts)
        expect(router.routes, f"expected routes from {kind.routes}, found none", "SkillKind.routes")


@dataclass
class _Hosts:
    """What the server and the command line hand down to a skill's routes and commands."""

    champion: Agent
    batchers: list[Batcher[Any, Any]] = field(default_factory=list)

    def __enter__(self) -> _Hosts:
        return self

    def __exit__(self, *_: object) -> None:
        for batcher in self.batchers:
            batcher.close()

    def batcher(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> Batcher[Item, Result]:
        batcher = Batcher(work)
        self.batchers.append(batcher)
        return batcher

    def open_project(self, project: Path) -> Project:
        return Project.open(project)

    def load_agent(self, project: Path, version: str | None = None) -> Agent:
        return Agent.load(project, version)
