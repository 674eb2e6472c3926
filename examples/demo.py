"""The whole loop on real bank customers' questions: train, talk, correct, improve, promote, roll back.

Run it with `make demo`. Every command it runs is shown as you would type it.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "demo"
PROJECT = FOLDER / "bank"
AUTOGEN = str(Path(sys.executable).with_name("autogen"))
CONVERSATION = (
    "I still have not got the card you sent me two weeks ago",
    "My card was stolen this morning!",
    "Why was I charged for taking out cash?",
    "What is a good recipe for pancakes?",
)
console = Console()


def run(*words: str, expect: tuple[int, ...] = (0,), typed: str | None = None) -> int:
    """Show a command, run it on the project, and stop the demo if it ends otherwise than expected."""
    console.print(f"\n[bold green]$ autogen {' '.join(words)}[/]", highlight=False)
    folder = ROOT if words[0] == "init" else PROJECT
    done = subprocess.run([AUTOGEN, *words], cwd=folder, input=typed, text=True, check=False)
    if done.returncode not in expect:
        console.print(f"[bold red]The demo stops: exit code {done.returncode}.[/]")
        sys.exit(done.returncode)
    return done.returncode


def correct() -> None:
    """Play the customers and the person who corrects: right answers get a thumb up, wrong ones the right label."""
    from autogen import Agent

    agent = Agent.load(PROJECT)
    with (PROJECT / "data/customers.csv").open(encoding="utf-8", newline="") as file:
        customers = list(csv.DictReader(file))
    ups = corrections = 0
    for row in customers:
        response = agent.respond(row["text"])
        if response.intent == row["label"] and response.action == "answer":
            agent.feedback(response.id, rating="up")
            ups += 1
        else:
            agent.feedback(response.id, label=row["label"], comment="corrected in the demo")
            corrections += 1
    console.print(f"{len(customers)} customers asked: {ups} thumbs up, {corrections} corrections.", highlight=False)


def say(text: str) -> None:
    console.print(f"\n[bold]{text}[/]", highlight=False)


def main() -> None:
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    say("1. A project from real customers' questions (BANKING77, CC BY 4.0)")
    run("init", "demo/bank", "--template", "customer-service")
    say("2. Fine-tune, export, measure")
    run("train")
    run("evaluate")
    say("3. Talk to it")
    run("chat", typed="\n".join(CONVERSATION) + "\n")
    say("4. Customers ask, and a person says what was right and wrong")
    correct()
    say("5. Learn from that; the gate decides")
    accepted = run("improve", expect=(0, 1)) == 0
    run("versions")
    if accepted:
        say("6. Promote it, measure it, and take it back in one command")
        run("promote")
        run("evaluate")
        run("rollback")
        run("promote")
    else:
        say("6. The gate said no: the champion goes on answering, which is what the gate is for.")
    minutes = (time.monotonic() - started) / 60
    say(f"Done in {minutes:.1f} minutes. Now talk to it yourself, or serve it to any OpenAI client:")
    name = Path(AUTOGEN).relative_to(ROOT)
    console.print(f"  {name} chat -p demo/bank\n  {name} serve -p demo/bank --port 8000", highlight=False)


if __name__ == "__main__":
    main()
