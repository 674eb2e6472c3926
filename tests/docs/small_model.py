"""A small base model in the place of the packaged one, so that a page's training takes seconds.

BERT of two narrow layers with weights at random, over the words that the templates' texts have: little more than a bag
of words, and enough for an agent that answers, is corrected, and gets better.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from autogen.templates import __file__ as templates

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = 6_000
WIDTH = 64


def write_small_model(folder: Path) -> Path:
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    vocabulary = _vocabulary()
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=256,
        initializer_range=0.05,
    )
    BertModel(config).save_pretrained(folder)
    names = {f"{name[1:-1].lower()}_token": name for name in SPECIAL}
    PreTrainedTokenizerFast(tokenizer_object=_tokenizer(vocabulary), model_max_length=256, **names).save_pretrained(
        folder
    )
    return folder


def _vocabulary() -> dict[str, int]:
    """The commonest words of all templates, letters for the rest, and an index for each."""
    root = Path(templates).parent
    files = [path for pattern in ("*/data/*.csv", "*/data/*.jsonl") for path in sorted(root.glob(pattern))]
    counts = Counter(word for path in files for word in re.findall(r"[a-z]+", path.read_text("utf-8").lower()))
    letters = [piece for letter in "abcdefghijklmnopqrstuvwxyz0123456789" for piece in (letter, f"##{letter}")]
    words = [word for word, _ in counts.most_common(WORDS) if len(word) > 1]
    return {piece: at for at, piece in enumerate([*SPECIAL, *letters, *"?!.,'-", *words])}


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return tokenizer
