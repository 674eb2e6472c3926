"""A real but tiny base model and project, made in a second, so that tests run the whole loop on real objects."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

TOPICS = {
    "card_arrival": [
        "card",
        "post",
        "delivery",
        "waiting",
        "arrive",
        "letterbox",
        "envelope",
        "mailed",
        "courier",
        "shipped",
    ],
    "exchange_rate": ["exchange", "rate", "currency", "euro", "dollar", "convert", "pound", "foreign", "yen", "swap"],
    "lost_card": ["lost", "stolen", "missing", "thief", "gone", "wallet", "freeze", "block", "robbed", "disappeared"],
    "top_up": ["top", "up", "add", "money", "load", "funds", "deposit", "balance", "refill", "credit"],
}
FILLERS = [
    "please",
    "tell",
    "me",
    "about",
    "my",
    "the",
    "a",
    "how",
    "can",
    "i",
    "do",
    "you",
    "help",
    "with",
    "this",
    "what",
    "is",
    "it",
    "for",
    "now",
    "today",
]
OUTSIDE = [
    "weather",
    "moon",
    "football",
    "recipe",
    "song",
    "guitar",
    "planet",
    "river",
    "dinosaur",
    "novel",
    "opera",
    "mountain",
]
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def words() -> list[str]:
    return sorted(
        {*FILLERS, *OUTSIDE, "refund", "returned", "payback", *(w for group in TOPICS.values() for w in group)}
    )


def sentence(chance: random.Random, topic: list[str]) -> str:
    picked = chance.sample(topic, 3) + chance.sample(FILLERS, 4)
    chance.shuffle(picked)
    return " ".join(picked)


def rows(per_label: int, seed: int = 0, oos: int = 0) -> list[tuple[str, str]]:
    """Labelled sentences, all different; `oos` of them about nothing we know."""
    chance = random.Random(seed)
    found: dict[str, str] = {}
    for label, topic in TOPICS.items():
        wanted = len(found) + per_label
        while len(found) < wanted:
            found.setdefault(sentence(chance, topic), label)
    wanted = len(found) + oos
    while len(found) < wanted:
        found.setdefault(sentence(chance, OUTSIDE), "oos")
    return list(found.items())


def write_csv(path: Path, labelled: list[tuple[str, str]], header: tuple[str, str] = ("text", "label")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *labelled])
    return path


def tiny_tokenizer() -> Tokenizer:
    vocabulary = {word: at for at, word in enumerate((*SPECIAL, *words()))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return tokenizer


def write_tiny_base_model(folder: Path) -> Path:
    """A transformers folder: BERT with 2 layers of 32, weights at random, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(SPECIAL) + len(words()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer(),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )
    tokenizer.save_pretrained(folder)
    return folder


def write_tiny_project(
    folder: Path, base_model: Path, per_label: int = 25, held_out: int = 30, epochs: int = 6
) -> Path:
    """A customer-service project on the tiny model: `data/train.csv`, `data/eval.csv` with `oos` rows, responses."""
    folder.mkdir(parents=True, exist_ok=True)
    every = rows(per_label + held_out, seed=1, oos=20)
    by_label: dict[str, list[tuple[str, str]]] = {}
    for row in every:
        by_label.setdefault(row[1], []).append(row)
    outside = by_label.pop("oos")
    write_csv(folder / "data/train.csv", [row for group in by_label.values() for row in group[:per_label]])
    held = [row for group in by_label.values() for row in group[per_label:]]
    write_csv(folder / "data/eval.csv", held + outside)
    answers = "".join(f'{label} = "About {label.replace("_", " ")}."\n' for label in TOPICS)
    (folder / "data/responses.toml").write_text(answers, "utf-8")
    (folder / "agent.toml").write_text(
        f"""[agent]
name = "tiny"
base_model = "{base_model}"

[skills.support]
type = "customer-service"
train = "data/train.csv"
eval = "data/eval.csv"
responses = "data/responses.toml"

[skills.support.training]
epochs = {epochs}
learning_rate = 5e-3
freeze_embeddings = false
""",
        "utf-8",
    )
    return folder
