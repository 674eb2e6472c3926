"""Whether a project's base model suits its data: it is there, and its vocabulary covers their language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from autogen.config.settings import CONFIG_NAME
from autogen.data.problems import Problem
from autogen.errors import BaseModelError
from autogen.models.base_models import find_base_model
from autogen.models.packaged import PACKAGED
from autogen.project.cutting import LabelledRow, cutting_problems
from autogen.runtime.coverage import coverage
from autogen.runtime.encoding import TOKENIZER_FILE

MULTILINGUAL = "multilingual-e5-small"


def base_model_problems(
    project: Path, base_model: str, texts: Sequence[str], cut_rows: Sequence[LabelledRow] = (), max_length: int = 0
) -> list[Problem]:
    """An error where it is not to be found; a warning where it must come from the hub, or does not cover the texts'
    language, and of those of `cut_rows` that it cannot read whole or tell apart. Nothing is loaded but the tokenizer;
    of a model on the hub not even that."""
    try:
        base = find_base_model(base_model, project)
    except BaseModelError as error:
        message, _, advice = str(error).rpartition(". ")
        return [Problem("error", "base-model", CONFIG_NAME, None, message, advice)]
    if not base.local:
        return [] if _in_hub_cache(str(base.source)) else [_from_the_hub(base_model)]
    path = Path(base.source) / TOKENIZER_FILE
    if not path.is_file():
        return []
    try:
        tokenizer = Tokenizer.from_file(str(path))
        lacking = coverage(tokenizer, texts).lacking
        unseen = cutting_problems(base_model, path.parent, tokenizer, cut_rows, max_length) if cut_rows else []
    except Exception as error:  # noqa: BLE001 tokenizers has no type of its own for a file that it cannot read
        message = f"expected the tokenizer of base_model = {base_model!r}, found {path} unreadable: {error}"
        return [Problem("error", "base-model", CONFIG_NAME, None, message, "put the model's own tokenizer.json there")]
    return [*([_not_covered(base_model, lacking)] if lacking else []), *unseen]


def _in_hub_cache(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json"), str)


def _from_the_hub(base_model: str) -> Problem:
    message = (
        f'expected base_model = "{base_model}" in the hub\'s cache on this machine, found none: it will be downloaded'
    )
    fix = f"without a hub, take a packaged one ({', '.join(PACKAGED)}) or the path of a folder"
    return Problem("warning", "base-model", CONFIG_NAME, None, message, fix)


def _not_covered(base_model: str, lacking: str) -> Problem:
    known = PACKAGED.get(base_model)
    made_for = f" ({known.languages})" if known else ""
    message = f'expected texts in the languages of base_model = "{base_model}"{made_for}, found {lacking}'
    fix = "use a base model made for these languages"
    if base_model != MULTILINGUAL:
        fix = f'run `autogen models install {MULTILINGUAL}` and set base_model = "{MULTILINGUAL}" (some 100 languages)'
    return Problem("warning", "language-not-covered", CONFIG_NAME, None, message, fix)
