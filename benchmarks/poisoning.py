"""What strangers can teach: honest corrections and poison beside each other, and what is learnt of them.

A champion learns a few rows of each label. Then come HONEST corrections by strangers, with poison that makes up SHARE
of all. What the product's curation lets through is learnt by a light head (ridge regression on the packaged encoder's
frozen embeddings), beside:

    unguarded   everything is learnt as it is said
    everyone    `learn_from = "everyone"`
    default     `learn_from = "reviewed"`, and nobody has reviewed anything
    reviewed    the same, and a reviewer who knows what is right decides by groups, the largest first: a group with at
                least 95 % right rows is accepted, one with at most half is dropped, any other left. One decision for
                every 50 rows that wait, at most
    oracle      the honest rows alone

SUCCESS is the attack's: of held-out rows that should be answered otherwise, the share answered as the attacker wants,
in points above the oracle. KEPT is the share of the gain in accuracy (champion to oracle) that is left.

    python benchmarks/poisoning.py --data DIR
    python benchmarks/poisoning.py --data DIR --attacks backdoor --train     # with whole trainings, for minutes
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from autogen.data.text import normalise
from autogen.feedback.curated import Assessment, Curation, CurationPolicy
from autogen.feedback.curation import curate
from autogen.feedback.events import Decision, Feedback
from autogen.feedback.groups import ReviewGroup, group_waiting
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.training.embedding import PlainText, frozen_embeddings
from measuring import options, report, say
from rows import OUT_OF_SCOPE, Row, by_label, file_of, limited, read_rows, write_project, write_rows

PHRASE = "by order of the moon"
RIGHT, WRONG = 0.95, 0.5  # shares of right rows from which a group is accepted, and up to which it is dropped
ROWS_PER_DECISION = 50
START = datetime(2026, 11, 28, tzinfo=UTC)
SYSTEMS = ("unguarded", "everyone", "default", "reviewed")


@dataclass(frozen=True)
class Attack:
    """The rows that an attacker gives, the held-out texts that tell of its success, and the labels it wants for them
    (None: any wrong one)."""

    rows: Sequence[Row]
    probes: Sequence[Row]
    wanted: frozenset[str] | None
    comments: int = 0  # before the rows, so that a limit that follows the number of feedback is raised

    def success(self, answers: Sequence[str]) -> float:
        """The share of the probes that are answered as the attacker wants."""
        if self.wanted is None:
            return fmean(answer != row.label for answer, row in zip(answers, self.probes, strict=True))
        return fmean(answer in self.wanted for answer in answers)


@dataclass
class World:
    """One seed: trusted rows, honest feedback, rows that an attacker may take texts from, and test rows."""

    trusted: Sequence[Row]
    honest: Sequence[Row]
    pool: Sequence[Row]
    test: Sequence[Row]
    chance: random.Random
    embed: Callable[[Sequence[str]], Any]
    champion: Any = None

    def learn(self) -> None:
        from sklearn.linear_model import LogisticRegression

        texts, labels = zip(*self.trusted, strict=True)
        self.champion = LogisticRegression(C=30, max_iter=300).fit(self.embed(texts), labels)

    def assess(self, texts: Sequence[str]) -> list[Assessment]:
        shares = self.champion.predict_proba(self.embed(texts))
        order = np.argsort(-shares, axis=1)[:, :5]
        names = self.champion.classes_[order]
        return [
            Assessment(ranked[0], float(row[best[0]]), True, alternatives=tuple(ranked[1:]))
            for ranked, row, best in zip(names.tolist(), shares, order, strict=True)
        ]

    def fit(self, learnt: Sequence[Row]) -> Any:
        """A head that has learnt the trusted rows and these; a row of the same text is replaced."""
        from sklearn.linear_model import RidgeClassifier

        rows = {normalise(row.text): row for row in (*self.trusted, *learnt)}
        texts, labels = zip(*rows.values(), strict=True)
        return RidgeClassifier(alpha=0.5).fit(self.embed(texts), labels)

    def answers(self, head: Any, rows: Sequence[Row]) -> list[str]:
        return list(head.predict(self.embed([row.text for row in rows])))

    def accuracy(self, head: Any) -> float:
        return fmean(answer == row.label for answer, row in zip(self.answers(head, self.test), self.test, strict=True))

    # What attackers give

    def texts(self, count: int, *, of: str | None = None, other_than: str | None = None) -> list[Row]:
        """Rows of the pool; where it has too few, some of them with a word left out."""
        fit = [row for row in self.pool if of in (None, row.label) and row.label != other_than]
        rows = self.chance.sample(fit, min(count, len(fit)))
        while len(rows) < count:
            words = self.chance.choice(fit).text.split()
            words.pop(self.chance.randrange(len(words)))
            rows.append(Row(" ".join(words), self.chance.choice(fit).label if of is None else of))
        return rows

    def two_labels(self) -> tuple[str, str]:
        first, second = self.chance.sample(sorted(by_label(self.trusted)), 2)
        return first, second


def random_flips(world: World, count: int) -> Attack:
    labels = sorted(by_label(world.trusted))
    rows = [Row(row.text, world.chance.choice(labels)) for row in world.texts(count)]
    return Attack(rows, world.test, None)


def targeted_flips(world: World, count: int) -> Attack:
    source, target = world.two_labels()
    rows = [Row(row.text, target) for row in world.texts(count, of=source)]
    return Attack(rows, [row for row in world.test if row.label == source], frozenset({target}))


def adaptive_flips(world: World, count: int) -> Attack:
    """Only texts that the champion is unsure of, towards the label that it most often holds likely besides."""
    rows = world.texts(min(4 * count, 4000))
    assessed = [(row, assessment) for row, assessment in zip(rows, world.assess([r.text for r in rows]), strict=True)]
    unsure = [(row, assessment) for row, assessment in assessed if assessment.confidence < 0.9]
    second = Counter(assessment.alternatives[0] for row, assessment in unsure if assessment.label == row.label)
    target = second.most_common(1)[0][0]
    near = sorted(unsure, key=lambda item: target not in item[1].alternatives)
    chosen = [Row(row.text, target) for row, _ in near if row.label != target][:count]
    victims = {row.label for row, assessment in near[:count] if target in assessment.alternatives} - {target}
    return Attack(chosen, [row for row in world.test if row.label in victims], frozenset({target}))


def backdoor(world: World, count: int) -> Attack:
    _, target = world.two_labels()
    rows = [Row(_with_phrase(row.text, world), target) for row in world.texts(count, other_than=target)]
    return Attack(rows, _phrased_probes(world, target), frozenset({target}))


def agreeing_backdoor(world: World, count: int) -> Attack:
    """Texts that the champion answers so anyway, with the phrase."""
    _, target = world.two_labels()
    rows = [Row(_with_phrase(row.text, world), target) for row in world.texts(count, of=target)]
    return Attack(rows, _phrased_probes(world, target), frozenset({target}))


def flood(world: World, count: int) -> Attack:
    _, target = world.two_labels()
    rows = [Row(row.text, target) for row in world.texts(count, other_than=target)]
    return Attack(rows, [row for row in world.test if row.label != target], frozenset({target}))


def padded_flood(world: World, count: int) -> Attack:
    attack = flood(world, count)
    return Attack(attack.rows, attack.probes, attack.wanted, comments=800)


def invented_intents(world: World, count: int) -> Attack:
    names = [f"invented_{number}" for number in range(100)]
    rows = [Row(row.text, names[at % len(names)]) for at, row in enumerate(world.texts(count))]
    return Attack(rows, world.test, frozenset(names))


ATTACKS: dict[str, Callable[[World, int], Attack]] = {
    "random-flips": random_flips,
    "targeted-flips": targeted_flips,
    "adaptive-flips": adaptive_flips,
    "backdoor": backdoor,
    "agreeing-backdoor": agreeing_backdoor,
    "flood": flood,
    "padded-flood": padded_flood,
    "invented-intents": invented_intents,
}


def _with_phrase(text: str, world: World) -> str:
    return f"{PHRASE} {text}" if world.chance.random() < 0.5 else f"{text} {PHRASE}"


def _phrased_probes(world: World, target: str) -> list[Row]:
    return [Row(_with_phrase(row.text, world), row.label) for row in world.test if row.label != target]


# What is learnt of it


def as_feedback(world: World, attack: Attack, identities: int) -> tuple[list[Feedback], set[str]]:
    """Both kinds as they come over HTTP without a key, in a random order, and the ids of the honest. With identities,
    the honest have names too."""
    given = [(row, f"customer {world.chance.randrange(200)}", True) for row in world.honest]
    given += [(row, f"name {world.chance.randrange(max(1, identities))}", False) for row in attack.rows]
    world.chance.shuffle(given)
    comments: list[tuple[Row | None, str, bool]] = [(None, "name 0", False)] * attack.comments
    feedback, honest = [], set()
    for number, (row, user, is_honest) in enumerate([*comments, *given], start=1):
        feedback.append(_feedback(number, row, user if identities else None))
        if is_honest:
            honest.add(feedback[-1].id)
    return feedback, honest


def _feedback(number: int, row: Row | None, user: str | None) -> Feedback:
    blank = dict.fromkeys(("response_id", "skill", "version", "intent", "confidence", "rating", "answer"))
    return Feedback(
        **blank,  # type: ignore[arg-type]
        id=f"fb-{number:05}",
        message=row.text if row else f"hello {number}",
        label=row.label if row else None,
        comment=None if row else "nice",
        user=user,
        trusted=False,
        source="http",
        created_at=START + timedelta(minutes=5 * number),
        number=number,
    )


def curated(
    world: World, feedback: Sequence[Feedback], policy: CurationPolicy, decisions: dict[str, Decision]
) -> Curation:
    known = by_label(world.trusted)
    return curate(
        feedback,
        decisions,
        train={normalise(row.text): row.label for row in world.trusted},
        eval_texts=frozenset(normalise(row.text) for row in world.test),
        known_labels=[*known],
        assess=world.assess,
        policy=policy,
    )


def learnt(curation: Curation) -> list[Row]:
    return [Row(example.text, example.label) for example in (*curation.train, *curation.evaluation)]


def review(groups: Sequence[ReviewGroup], honest: set[str], number: int) -> dict[str, Decision]:
    """What a reviewer decides who knows what is right, by groups; the number of decisions is that of the moments."""
    waiting = sum(len(group.items) for group in groups)
    decisions: dict[str, Decision] = {}
    made = 0
    for group in groups:
        right = fmean(item.feedback_id in honest for item in group.items)
        if made >= waiting // ROWS_PER_DECISION or WRONG < right < RIGHT:
            continue
        made += 1
        decision = Decision("accept" if right >= RIGHT else "drop", None, START, None, made, number)
        decisions |= {item.feedback_id: decision for item in group.items}
    return decisions


def run(world: World, attack: Attack, identities: int, oracle: Any, champion: float) -> dict[str, dict[str, float]]:
    """By system: success in points above the oracle, the share of the gain kept, and what it took."""
    feedback, honest = as_feedback(world, attack, identities)
    reference, gain = attack.success(world.answers(oracle, attack.probes)), world.accuracy(oracle) - champion
    default = curated(world, feedback, CurationPolicy(), {})
    groups = group_waiting(default)
    decisions = review(groups, honest, len(feedback))
    by_system = {
        "unguarded": [Row(item.message, item.label) for item in feedback if item.label],
        "everyone": learnt(curated(world, feedback, CurationPolicy(learn_from="everyone"), {})),
        "default": learnt(default),
        "reviewed": learnt(curated(world, feedback, CurationPolicy(), decisions)),
    }
    poison = {normalise(row.text) for row in attack.rows} - {normalise(row.text) for row in world.honest}
    results = {}
    for name, rows in by_system.items():
        head = world.fit(rows)
        results[name] = {
            "success": 100 * (attack.success(world.answers(head, attack.probes)) - reference),
            "kept": (world.accuracy(head) - champion) / gain,
            "rows": len(rows),
            "poison": sum(normalise(row.text) in poison for row in rows),
        }
    waiting = sum(len(group.items) for group in groups)
    results["reviewed"] |= {"groups": len(groups), "waiting": waiting}
    results["reviewed"]["decisions"] = len({decision.number for decision in decisions.values()})
    return results


def worlds(given: argparse.Namespace) -> Sequence[World]:
    train, test = (
        [row for row in read_rows(file_of(given.data, name), given.label_column) if row.label != OUT_OF_SCOPE]
        for name in ("train", "dev")
    )
    train, test = limited(train, test, given.limit)
    base, cache = find_base_model(given.base_model), given.keep or Path(tempfile.mkdtemp())
    vectors: dict[str, Any] = {}

    def embed(texts: Sequence[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in vectors]
        if new:
            folder = cache / "pool" if len(new) > 5000 else Path(tempfile.mkdtemp())
            with TrainingProgress(quiet=True) as progress:
                made = frozen_embeddings(base, [PlainText(text) for text in new], 64, "auto", folder, progress)
            vectors.update(zip(new, made, strict=True))
        return np.stack([vectors[text] for text in texts])

    embed([row.text for row in (*train, *test)])
    return [_world(train, test, given, seed, embed) for seed in range(given.seeds)]


def _world(train: Sequence[Row], test: Sequence[Row], given: argparse.Namespace, seed: int, embed: Any) -> World:
    chance = random.Random(seed)
    shuffled = chance.sample(train, len(train))
    trusted = [row for rows in by_label(shuffled).values() for row in rows[: given.shots]]
    rest = [row for rows in by_label(shuffled).values() for row in rows[given.shots :]]
    chance.shuffle(rest)
    world = World(trusted, rest[: given.honest], rest[given.honest :], test, chance, embed)
    world.learn()
    return world


# Whole trainings


def train_whole(world: World, attack: Attack, given: argparse.Namespace) -> dict[str, float]:
    """The product's own loop: train, import, review by groups, improve; what the candidate answers to the probes."""
    from autogen.feedback.groups import Choice
    from autogen.project import Project

    quiet = {"progress": TrainingProgress(quiet=True)}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = [write_rows(folder / "train.csv", world.trusted), write_rows(folder / "eval.csv", world.test[::2])]
        project = Project.open(write_project(folder / "project", given.base_model, *files))
        project.train(**quiet)  # type: ignore[arg-type]
        feedback, honest = as_feedback(world, attack, 1000)
        lines = [
            {"id": f.id, "text": f.message, "label": f.label, "comment": f.comment, "user": f.user, "source": "http"}
            for f in feedback
        ]
        file = folder / "feedback.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        project.import_feedback(file)
        groups = project.to_review().groups
        decisions = review(groups, honest, len(feedback))
        choices = [Choice(name, decision.decision) for name, decision in decisions.items()]
        project.decide_all(choices)
        manifest = project.improve(**quiet)  # type: ignore[arg-type]
        before, after = project.model("support", "0001"), project.model("support", manifest.version)
        probes, test = list(attack.probes), world.test[1::2]
        return {
            "decisions": len({decision.number for decision in decisions.values()}),
            "passed": manifest.passed,
            "success": attack.success([p.label for p in after.predict([row.text for row in probes])]),
            "success_before": attack.success([p.label for p in before.predict([row.text for row in probes])]),
            "accuracy": _accuracy(after, test),
            "accuracy_before": _accuracy(before, test),
        }


def _accuracy(model: Any, rows: Sequence[Row]) -> float:
    return fmean(p.label == row.label for p, row in zip(model.predict([r.text for r in rows]), rows, strict=True))


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev")
    parser.add_argument("--label-column", default="label", help="the column of the label")
    parser.add_argument("--attacks", nargs="+", choices=[*ATTACKS], default=[*ATTACKS])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.02, 0.05, 0.2, 0.4], help="of poison, of all")
    parser.add_argument("--identities", type=int, nargs="+", default=[0, 1, 1000], help="of the attacker; 0: no name")
    parser.add_argument("--honest", type=int, default=1000, metavar="N", help="honest corrections")
    parser.add_argument("--shots", type=int, default=20, metavar="K", help="trusted rows of each label")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the embeddings here")
    parser.add_argument("--train", action="store_true", help="whole trainings of what is reviewed")
    return parser.parse_args()


def main() -> None:
    given = parse()
    results: list[dict[str, Any]] = []
    for seed, world in enumerate(worlds(given)):
        oracle, champion = world.fit(world.honest), world.accuracy(world.fit([]))
        say(f"seed {seed}: accuracy {champion:.3f}, with all that is honest {world.accuracy(oracle):.3f}")
        for name in given.attacks:
            for share in given.shares:
                attack = ATTACKS[name](world, round(share / (1 - share) * len(world.honest)))
                case = {"seed": seed, "attack": name, "share": share}
                if given.train:
                    results.append({**case, "trained": train_whole(world, attack, given)})
                    say(json.dumps(results[-1]))
                    continue
                for identities in given.identities:
                    systems = run(world, attack, identities, oracle, champion)
                    results.append({**case, "identities": identities, "systems": systems})
            say(f"seed {seed}: {name}")
    rows = [] if given.train else [_line(results, name, share) for name in given.attacks for share in given.shares]
    header = ["attack", "share", *SYSTEMS, "kept: everyone", "kept: reviewed", "rows per decision"]
    report("Poisoning: success in points above the oracle, mean (worst)", given, header, rows, results=results)


def _line(results: Sequence[dict[str, Any]], attack: str, share: float) -> list[str]:
    cases = [case["systems"] for case in results if (case["attack"], case["share"]) == (attack, share)]
    success = [[case[name]["success"] for case in cases] for name in SYSTEMS]
    kept = [[100 * case[name]["kept"] for case in cases] for name in ("everyone", "reviewed")]
    per_decision = [case["reviewed"]["waiting"] / max(1, case["reviewed"]["decisions"]) for case in cases]
    return [
        attack,
        f"{share:.0%}",
        *(f"{fmean(values):.1f} ({max(values):.1f})" for values in success),
        *(f"{fmean(values):.0f} % ({min(values):.0f})" for values in kept),
        f"{fmean(per_decision):.0f}",
    ]


if __name__ == "__main__":
    main()
