"""tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autogen.cli.app import app
from autogen.config.settings import seconds_of
from autogen.errors import UsageError
from autogen.terminal import JsonOption, Output, ProjectOption, SkillOption, escape, output, percent

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

    opened = Project.open(project)
    name = opened.one_skill(skill)

    from autogen.progress import TrainingProgress
    from autogen.training.search.study import Budget

    found = opened.tune(name, Budget(seconds, trials), TrainingProgress())
    written = write and _worth_writing(found, force)
    if written and found.winner is not None:
        from autogen.project.agent_file import write_training

        write_training(project, name, found.winner.settings)
    _show(output(project, as_json), name, found, write, written)


def parse_time(text: str) -> float:
    """`30s`, `10m` or `2h` in seconds. Raises UsageError."""
    seconds = seconds_of(text)
    if not seconds:
        raise UsageError(f"Expected --time as a number with s, m or h (30s, 10m, 2h); found {text!r}.")
    return seconds


def _worth_writing(found: Any, force: bool) -> bool:
    """`found` is a SearchResult."""
    return found.gain is not None and (found.gain.beyond_noise or force)


def _show(to: Output, skill: str, found: Any, write: bool, written: bool) -> None:
    from autogen.project.agent_file import training_lines

    to.table(
        f"{skill}: {len(found.trials)} trials", ("trial", "settings", "held-out", "seconds", ""), _rows(found), (2, 3)
    )
    to.say(f"Scored on {found.measured_on}. `autogen train` will measure the exported model itself.")
    to.say(f"[bold]{verdict(found)}[/]")
    better = found.gain is not None and found.winner is not None
    lines = training_lines(found.winner.settings) if better else ""
    if written:
        to.say("Written into agent.toml. Next: [bold]autogen train[/]")
    elif better:
        refused = "Nothing was written (--write --force would). " if write else ""
        where = escape(f"[skills.{skill}.training]")
        to.say(f"{refused}To use it, write under [bold]{where}[/] in agent.toml:")
        to.plain(lines)
    to.result(_json(skill, found, lines, written))


def _rows(found: Any) -> list[tuple[object, ...]]:
    best = found.winner.number if found.winner else None
    return [
        (
            one.number,
            ("the recipe: " if one.default else "")
            + ", ".join(f"{key} {value:g}" for key, value in one.settings.items()),
            percent(one.score),
            f"{one.seconds:.0f}",
            "best" if one.number == best else one.state,
        )
        for one in found.trials
    ]


def verdict(found: Any) -> str:
    """What the search has found, in a sentence."""
    if found.winner is None:
        return "No trial was finished."
    score, gain = percent(found.winner.score), found.gain
    if gain is None:
        return f"No trial scored more than the recipe ({score}): keep it."
    low, high = gain.interval
    said = (
        f"Trial {found.winner.number} scored {score}, the recipe {percent(found.default.score)}: "
        f"{100 * gain.difference:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f}; {gain.gained} rows "
        f"gained, {gain.lost} lost of {gain.rows}; chance {gain.chance:.2g}, corrected for the number of trials)"
    )
    if gain.beyond_noise:
        return f"{said}. That is more than noise."
    return f"{said}. That is within noise: keep the recipe, or search longer with more held-out rows."


def _json(skill: str, found: Any, lines: str, written: bool) -> dict[str, Any]:
    from dataclasses import asdict

    gain = found.gain
    return {
        "skill": skill,
        "began": found.began,
        "measured_on": found.measured_on,
        "trials": [asdict(one) for one in found.trials],
        "default": asdict(found.default) if found.default else None,
        "winner": asdict(found.winner) if found.winner else None,
        "gain": {**asdict(gain), "beyond_noise": gain.beyond_noise} if gain else None,
        "verdict": verdict(found),
        "lines": lines,
        "written": written,
    }
