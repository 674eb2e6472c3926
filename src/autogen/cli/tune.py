"""tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autogen.cli.app import app
from autogen.config.settings import seconds_of
from autogen.errors import UsageError
from autogen.terminal import JsonOption, ProjectOption, SkillOption, Terminal, escape, open_terminal, percent

USUAL_TIME = 600.0


@app.command(epilog="Example: autogen tune -p bank --time 10m")
def tune(
    project: ProjectOption = Path(),
    skill: SkillOption = None,
    time: Annotated[
        str | None, typer.Option("--time", help="How long to search: 30s, 10m, 2h.", show_default="10m")
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=0, help="How many trials to make; 0 shows what was found before.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the winner into agent.toml.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write it even if its gain is within noise.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Search for training settings that suit the data better than the recipe does. Ctrl-C keeps what is done."""
    seconds = parse_time(time) if time is not None else None
    if seconds is None and trials is None:
        seconds = USUAL_TIME
    from autogen.project import Project

    opened_project = Project.open(project)
    name = opened_project.one_skill(skill)

    from autogen.progress import TrainingProgress
    from autogen.training.search.study import Budget

    study = opened_project.tune(name, Budget(seconds, trials), TrainingProgress())
    written = write and _worth_writing(study, force)
    if written and study.winner is not None:
        from autogen.project.agent_file import write_training

        write_training(project, name, study.winner.settings)
    _show(open_terminal(project, as_json), name, study, write, written)


def parse_time(text: str) -> float:
    """`30s`, `10m` or `2h` in seconds. Raises UsageError."""
    seconds = seconds_of(text)
    if not seconds:
        raise UsageError(f"Expected --time as a number with s, m or h (30s, 10m, 2h); found {text!r}.")
    return seconds


def _worth_writing(study: Any, force: bool) -> bool:
    """`study` is a SearchResult."""
    return study.gain is not None and (study.gain.beyond_noise or force)


def _show(terminal: Terminal, skill: str, study: Any, write: bool, written: bool) -> None:
    from autogen.project.agent_file import training_lines

    terminal.table(
        f"{skill}: {len(study.trials)} trials", ("trial", "settings", "held-out", "seconds", ""), _rows(study), (2, 3)
    )
    terminal.say(f"Scored on {study.measured_on}. `autogen train` will measure the exported model itself.")
    terminal.say(f"[bold]{verdict(study)}[/]")
    better = study.gain is not None and study.winner is not None
    lines = training_lines(study.winner.settings) if better else ""
    if written:
        terminal.say("Written into agent.toml. Next: [bold]autogen train[/]")
    elif better:
        refused = "Nothing was written (--write --force would). " if write else ""
        where = escape(f"[skills.{skill}.training]")
        terminal.say(f"{refused}To use it, write under [bold]{where}[/] in agent.toml:")
        terminal.plain(lines)
    terminal.result(_json(skill, study, lines, written))


def _rows(study: Any) -> list[tuple[object, ...]]:
    best = study.winner.number if study.winner else None
    return [
        (
            trial.number,
            ("the recipe: " if trial.default else "")
            + ", ".join(f"{key} {value:g}" for key, value in trial.settings.items()),
            percent(trial.score),
            f"{trial.seconds:.0f}",
            "best" if trial.number == best else trial.state,
        )
        for trial in study.trials
    ]


def verdict(study: Any) -> str:
    """What the search has found, in a sentence."""
    if study.winner is None:
        return "No trial was finished."
    score, gain = percent(study.winner.score), study.gain
    if gain is None:
        return f"No trial scored more than the recipe ({score}): keep it."
    low, high = gain.interval
    sentence = (
        f"Trial {study.winner.number} scored {score}, the recipe {percent(study.default.score)}: "
        f"{100 * gain.difference:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f}; {gain.gained} rows "
        f"gained, {gain.lost} lost of {gain.rows}; chance {gain.chance:.2g}, corrected for the number of trials)"
    )
    if gain.beyond_noise:
        return f"{sentence}. That is more than noise."
    return f"{sentence}. That is within noise: keep the recipe, or search longer with more held-out rows."


def _json(skill: str, study: Any, lines: str, written: bool) -> dict[str, Any]:
    from dataclasses import asdict

    gain = study.gain
    return {
        "skill": skill,
        "began": study.began,
        "measured_on": study.measured_on,
        "trials": [asdict(trial) for trial in study.trials],
        "default": asdict(study.default) if study.default else None,
        "winner": asdict(study.winner) if study.winner else None,
        "gain": {**asdict(gain), "beyond_noise": gain.beyond_noise} if gain else None,
        "verdict": verdict(study),
        "lines": lines,
        "written": written,
    }
