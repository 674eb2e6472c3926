"""Make the golden files anew: `python -m tests.golden.record [--expected]` in the root of the repository; with
`--expected`, only what the kept projects answer.

Only on purpose: see README.md beside this file. Everything goes through the public surfaces (the command line, the
server, `AutoGen`), with the code that Python finds as `autogen`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

from tests.golden.anew import LEARNT_ANEW, QUICK_ANEW, learn_anew, save_anew, shapes_of
from tests.golden.commands import Done, run, serving
from tests.golden.comparing import rounded
from tests.golden.questions import (
    COMMANDS,
    EXPECTED,
    PREDICTED,
    PROJECTS,
    TRAINED,
    command_answer,
    http_answers,
    predicted_rows,
    python_answers,
)
from tests.shop import DAY, events, write_events, write_shop
from tests.tiny import FILLERS, OUTSIDE, TOPICS, sentence, write_csv, write_tiny_base_model, write_tiny_project

BASE_MODEL = Path("../tiny-bert")  # as every project names it
REFUND = ["refund", "returned", "payback"]
# fp32 is the same on all processors, and not probed for its speed; many steps make the tiny model sure.
QUICK = 'int8 = false\nprecision = "fp32"\n'
SURE = f"train_batch_size = 16\n{QUICK}"
EPOCHS = 12
# Of so few rows only large differences show, and the clock of a busy machine is no judge.
GATE = '\n[gate]\nmargin = 0.05\nlatency_ratio = 100.0\nsize_ratio = 2\nprotected = "data/protected.csv"\n'
PROTECTED = [
    ("tell me how lost stolen wallet i do", "lost_card"),
    ("euro exchange what rate is the today", "exchange_rate"),
]


def main() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    if sys.argv[1:] == ["--expected"]:
        moment = json.loads((EXPECTED / "moment.json").read_text("utf-8"))["unix_seconds"]
    else:
        moment = make_projects()
    shutil.rmtree(EXPECTED, ignore_errors=True)
    record_answers(moment)


def make_projects() -> float:
    """Make all projects, and give the moment at which to ask them, a day later (Unix seconds)."""
    shutil.rmtree(PROJECTS, ignore_errors=True)
    PROJECTS.mkdir()
    write_tiny_base_model(PROJECTS / "tiny-bert")
    for make in (make_support, make_few, make_films, make_both, make_saved, make_broken):
        began = time.process_time()
        make(PROJECTS)
        print(f"{make.__name__}: {time.process_time() - began:.1f} CPU-s", flush=True)
    for name in TRAINED:
        tidy(PROJECTS / name)
    return time.time() + DAY


# The projects


def make_support(folder: Path) -> None:
    """An eval file, out-of-scope rows, responses; 0002 knows a new intent, 0003 learnt nonsense and is refused."""
    project = write_tiny_project(folder / "support", BASE_MODEL)
    with (project / "data/train.csv").open("a", encoding="utf-8") as rows:
        rows.write("please tell me about my lost card,lost_card\nplease tell me about my lost card,lost_card\n")
        rows.write("Please tell me about my lost card,card_arrival\n")
    _append(project, QUICK + GATE)
    write_csv(project / "data/protected.csv", PROTECTED)
    _write_questions(project)
    new, wrong = project / "data/corrections.csv", project / "data/wrong.csv"
    write_csv(new, [(row, "refund") for row in _sentences(REFUND, 60, 4)])
    write_csv(wrong, [(row, "top_up") for row in _sentences(TOPICS["card_arrival"], 40, 5)])
    _train(project)
    _talk(project)
    _speak_as_strangers(project)
    _ok("feedback", "import", "-p", project, "--input", new)
    _ok("improve", "-p", project)
    _ok("promote", "-p", project)
    _ok("feedback", "import", "-p", project, "--input", wrong)
    refused = run("improve", "-p", project)
    assert refused.code == 1, refused.err
    _drop(project, {text for text, _ in _rows(wrong)})


def make_few(folder: Path) -> None:
    """Few rows and no eval file: cross-validation measures; too few rows for the gate."""
    project = write_tiny_project(folder / "few", BASE_MODEL, per_label=8, held_out=1)
    config = (project / "agent.toml").read_text("utf-8")
    config = config.replace('eval = "data/eval.csv"\n', "").replace('responses = "data/responses.toml"\n', "")
    (project / "agent.toml").write_text(config.replace('"tiny"', '"few"'), "utf-8")
    (project / "data/eval.csv").unlink()
    (project / "data/responses.toml").unlink()
    _append(project, QUICK + "\n[gate]\nlatency_ratio = 100.0\n")
    _write_questions(project)
    new = write_csv(project / "data/corrections.csv", [(row, "refund") for row in _sentences(REFUND, 12, 6)])
    _train(project)
    _talk(project)
    _ok("feedback", "import", "-p", project, "--input", new)
    refused = run("improve", "-p", project)
    assert refused.code == 1, refused.err


def make_films(folder: Path) -> None:
    """A catalogue and what users chose; clicks over chat and HTTP, and from a file."""
    project = write_shop(folder / "films", BASE_MODEL, more=f"[skills.films.training]\n{QUICK}", training="")
    _append(project, "margin = 0.1\n")  # within [gate]
    write_events(project / "data/later.csv", [one for one in events(30, seed=3) if one[0] != "u0"])
    (project / "data/users.csv").write_text("user\nu1\nu2\nnobody\n", "utf-8")
    clicks = [(item, f"u{user}", f"click-{user}-{item}") for user in range(6) for item in _next(user)]
    lines = [
        json.dumps({"text": "a film", "label": i, "user": u, "id": d, "rating": 1, "trusted": True})
        for i, u, d in clicks
    ]
    (project / "data/clicks.jsonl").write_text("\n".join(lines), "utf-8")
    _train(project)
    _ok("chat", "-p", project, "--json", typed="a comedy\n1\n/down 2\nsomething else\n/up 1\n")
    _ok("feedback", "import", "-p", project, "--input", project / "data/clicks.jsonl")
    run_improve(project)


def make_both(folder: Path) -> None:
    """Two skills that answer customers and one that recommends, judged together."""
    project = write_shop(folder / "both", BASE_MODEL, more=f"[skills.films.training]\n{QUICK}", training="")
    source = write_tiny_project(folder / "source", BASE_MODEL, held_out=15)
    _add_outside(source)
    skills = {"cards": ("card_arrival", "lost_card"), "money": ("exchange_rate", "top_up")}
    text = (project / "agent.toml").read_text("utf-8")
    for skill, labels in skills.items():
        for kind in ("train", "eval"):
            kept = [row for row in _rows(source / f"data/{kind}.csv") if row[1] in (*labels, "oos")]
            write_csv(project / f"data/{skill}-{kind}.csv", kept)
        text += (
            f'\n[skills.{skill}]\ntype = "customer-service"\ntrain = "data/{skill}-train.csv"\n'
            f'eval = "data/{skill}-eval.csv"\n\n[skills.{skill}.training]\nepochs = {EPOCHS}\nlearning_rate = 5e-3\n'
            f"freeze_embeddings = false\n{SURE}"
        )
    shutil.rmtree(source)
    (project / "agent.toml").write_text(
        text.replace("min_rows = 5", "min_rows = 5\nmargin = 0.1\nsize_ratio = 2"), "utf-8"
    )
    _write_questions(project)
    new = write_csv(project / "data/corrections.csv", [(row, "refund") for row in _sentences(REFUND, 40, 7)])
    _train(project)
    _talk(project)
    _ok("chat", "-p", project, "--json", typed="a comedy\n1\n")
    _ok("feedback", "import", "-p", project, "--input", new, "--skill", "money")
    run_improve(project)


def make_saved(folder: Path) -> None:
    """What `AutoGen(...).fit(...).save()` writes."""
    with chdir(folder):
        data = write_tiny_project(Path("source"), BASE_MODEL, held_out=10)
        _add_outside(data)
        save_anew(Path("saved"), Path("tiny-bert"), data / "data/train.csv", data / "data/eval.csv")
        (Path("saved") / "data").mkdir()
        for name in ("train.csv", "eval.csv"):
            shutil.move(data / "data" / name, Path("saved/data") / name)
        shutil.rmtree("source")


def make_broken(folder: Path) -> None:
    """Data with errors: nothing can be learnt from it."""
    project = write_tiny_project(folder / "broken", BASE_MODEL, per_label=2, held_out=1)
    with (project / "data/train.csv").open("a", encoding="utf-8") as rows:
        rows.write('only one cell\n,lost_card\nsome text,\n"a, b",top_up,third\n')
    (project / "data/eval.csv").write_text("utterance,intent\nhello,top_up\n", "utf-8")
    (project / "data/responses.toml").write_text('lost_crad = "Typo."\n', "utf-8")


# Their feedback


def _talk(project: Path) -> None:
    """Feedback as a person gives it in the terminal."""
    lines = (
        *("my card is lost and gone", "/up", "euro dollar exchange rate", "/down", "/label exchange_rate"),
        *("top up add money", "/comment thanks", "/answer Use the app to top up.", "refund returned payback", "/down"),
    )
    _ok("chat", "-p", project, "--json", typed="\n".join(lines) + "\n")


def _speak_as_strangers(project: Path) -> None:
    """Feedback over HTTP, which waits for review; on a held-out row too."""
    held_out = _rows(project / "data/eval.csv")[0][0]
    said = [
        ("weather moon football opera", {"label": "top_up"}),
        ("card post delivery waiting", {"label": "exchange_rate", "user": "mallory"}),
        ("stolen wallet thief block", {"rating": "down"}),
        ("currency swap yen", {"text": "Look at our rates."}),
        ("balance refill credit", {"label": "new_thing", "comment": "is it?"}),
        (held_out, {"label": "top_up"}),
    ]
    with serving(project) as http:
        for text, given in said:
            answer = http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": text}]})
            kept = http.post("/v1/feedback", json={"response_id": answer.json()["id"], **given})
            assert kept.status_code == 200, kept.text


def _drop(project: Path, texts: set[str]) -> None:
    """Settle the feedback on these texts by dropping it, and one stranger's by another label."""
    listed = run("feedback", "list", "-p", project, "--json").json["feedback"]
    dropped = [word for one in listed if one["message"] in texts for word in ("--drop", one["id"])]
    relabelled = [one["id"] for one in listed if one["user"] == "mallory"]
    _ok("review", "-p", project, *dropped, "--relabel", f"{relabelled[0]}=card_arrival")


def _next(user: int) -> list[str]:
    return [f"{'ch'[user % 2]}{(user + step) % 12}" for step in (5, 6, 7)]


# Files


def _sentences(topic: list[str], count: int, seed: int) -> list[str]:
    chance, found = random.Random(seed), set[str]()
    while len(found) < count:
        found.add(sentence(chance, topic))
    return sorted(found)


def _write_questions(project: Path) -> None:
    """Labelled rows that no version has seen, and questions to predict."""
    rows = [(text, label) for label, topic in TOPICS.items() for text in _sentences(topic, 6, 8)]
    rows += [(text, "oos") for text in _sentences(OUTSIDE, 4, 9)] + [("refund returned payback today", "refund")]
    write_csv(project / "data/new.csv", rows)
    questions = [(text, str(number)) for number, (text, _) in enumerate(rows[::2])] + [(" ".join(FILLERS), "last")]
    write_csv(project / "data/questions.csv", questions, header=("text", "number"))


def _add_outside(project: Path) -> None:
    """Out-of-scope rows to learn from, so that questions like them are declined."""
    with (project / "data/train.csv").open("a", encoding="utf-8") as rows:
        rows.writelines(f"{row},oos\n" for row in _sentences(OUTSIDE, 20, 12))


def _rows(path: Path) -> list[tuple[str, str]]:
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        return [(row[0], row[1]) for row in list(csv.reader(file))[1:]]


def _append(project: Path, text: str) -> None:
    with (project / "agent.toml").open("a", encoding="utf-8") as config:
        config.write(text)


# Commands


def _ok(*words: object, typed: str = "") -> Done:
    done = run(*words, typed=typed)
    assert done.code == 0, (words, done.err)
    return done


def _train(project: Path) -> None:
    _ok("train", "-p", project)


def run_improve(project: Path) -> None:
    """Improve, and promote what the gate accepts."""
    done = run("improve", "-p", project, "--json")
    assert done.code in (0, 1), done.err
    print(" ", done.json["verdict"]["summary"], flush=True)
    if done.code == 0:
        _ok("promote", "-p", project)


# What is kept


def tidy(project: Path) -> None:
    """Leave versions, champion and database: not logs, pages, locks, nor what SQLite keeps beside."""
    state = project / ".autogen"
    for database in state.glob("agent.db"):
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
        connection.close()
    for path in state.iterdir():
        if path.name not in ("versions", "champion.json", "agent.db"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def record_answers(moment: float) -> None:
    """Ask each copy of a project, and keep what it answers."""
    _write("moment", {"unix_seconds": round(moment)})
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, questions in COMMANDS.items():
            print("answers of", name, flush=True)
            answers = {key: command_answer(copied(name, place), one, moment) for key, one in questions.items()}
            _write(f"{name}/commands", answers)
        for name in PREDICTED:
            _write(f"{name}/predicted", predicted_rows(copied(name, place), moment))
        for name in TRAINED:
            with serving(copied(name, place), moment) as http:
                _write(f"{name}/http", http_answers(name, http))
            _write(f"{name}/python", python_answers(copied(name, place), moment))
            _write(f"{name}/versions", shapes_of(copied(name, place)))
        for name, commands in LEARNT_ANEW.items():
            print("learning anew", name, flush=True)
            began = time.process_time()
            _write(f"{name}/anew", learn_anew(copied(name, place), commands, moment))
            if name in QUICK_ANEW:
                _write(f"{name}/improved", learn_anew(copied(name, place), ("improve",), moment))
            print(f"  {time.process_time() - began:.1f} CPU-s", flush=True)


def copied(name: str, place: Path) -> Path:
    """A fresh copy of a kept project, with the base model beside it."""
    for one in (name, "tiny-bert"):
        shutil.rmtree(place / one, ignore_errors=True)
        shutil.copytree(PROJECTS / one, place / one)
    return place / name


def _write(name: str, value: Any) -> None:
    path = EXPECTED / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(value), ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
