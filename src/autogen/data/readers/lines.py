"""Bytes to lines of text, numbered as an editor numbers them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from autogen.data.problems import Problem, listed

UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WINDOWS = "cp1252"  # Western European Windows; where bytes 0x80–0x9F are absent it is Latin-1 too
MOST_MARKED = 0.2  # of the letters: more that are not ASCII, and it is hardly a Western European language
EXAMPLES = 3  # words that show how a text was read
# Letters with marks, and the signs and punctuation that people type on Windows. Not what other code pages have letters
# at: "³" and "¹" inside a word are Polish letters read wrongly.
_WINDOWS_TEXT = re.compile(r"[\x00-\x7f\xa0À-ÖØ-öø-ÿŒœŠšŽžŸ€‚„…–—‘’“”•™‹›«»¿¡§°£¥©®ß²³½¼¾·´¨ªº±×÷¢¤µ¶†‡‰]*")
_SIGN_IN_WORD = re.compile(r"[^\W\d_][²³½¼¾·´¨ªº±×÷¢¤µ¶¿¡§£¥][^\W\d_]|[À-ÖØ-öø-ÿ]{3}")
_MARKED_WORD = re.compile(r"[\w’]*[^\x00-\x7f][\w’]*")
# "’" that was read as cp1252 and written as UTF-8 again ("â€™"), and the same of letters ("Ã©").
_TWICE_ENCODED = re.compile(r"[ÂÃ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\x80-\xbf™œ\x9d“”˜¦¢]")
_CONTROL = re.compile(r"[\x80-\x84\x86-\x9f]")  # U+0085 ends a line for some


@dataclass(frozen=True)
class Lines:
    """Lines with their line ends. Damaged ones keep their place, so that the others keep their numbers."""

    texts: list[str]
    damaged: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def decode_lines(data: bytes, source: str) -> Lines:
    """Decode UTF-8, UTF-16 and UTF-32, and windows-1252 where all lines read plainly so, with a warning. In anything
    else each line that is not UTF-8 is one error."""
    wide = _wide_encoding(data)
    if wide:
        try:
            data = data.decode(wide).encode("utf-8")
        except UnicodeError as error:
            fix = "save it again as UTF-8"
            message = f"expected whole {wide.upper()} text, found: {error}"
            return Lines([], problems=[Problem("error", "encoding", source, None, message, fix)])
    # bytes.splitlines knows \n, \r and \r\n only, as editors do; str.splitlines splits at U+2028 too.
    raw_lines = data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
    lines = _decode_utf8(raw_lines, source)
    if lines.damaged:
        lines = _decode_windows(raw_lines, lines, source) or lines
    lines.problems.extend(_misread_before(lines, source))
    return lines


def _wide_encoding(data: bytes) -> str:
    """UTF-16 or UTF-32 by its mark, or UTF-16 without one by the zero in every other byte; empty for neither."""
    if data.startswith(UTF32):
        return "utf-32"
    if data.startswith(UTF16):
        return "utf-16"
    sample = data[:400]
    if len(sample) >= 8 and len(data) % 2 == 0:
        for encoding, ascii_at in (("utf-16-le", 0), ("utf-16-be", 1)):
            if 2 * sample[1 - ascii_at :: 2].count(0) > len(sample) / 2 and 0 not in sample[ascii_at::2]:
                return encoding
    return ""


def encoding_of(data: bytes) -> str:
    """The name of the encoding that `decode_lines` reads them in."""
    wide = _wide_encoding(data)
    if wide:
        return wide.upper()
    problems = decode_lines(data, "").problems
    return "windows-1252" if [p for p in problems if (p.kind, p.severity) == ("encoding", "warning")] else "UTF-8"


def _decode_utf8(raw_lines: Sequence[bytes], source: str) -> Lines:
    lines = Lines([])
    for number, line in enumerate(raw_lines, start=1):
        try:
            lines.texts.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            column = len(line[: error.start].decode("utf-8")) + 1
            message = f"expected UTF-8, found byte 0x{line[error.start]:02X} in column {column}"
            fix = f"convert the file: iconv -f {WINDOWS} -t utf-8, or from the encoding that it has"
            lines.problems.append(Problem("error", "encoding", source, number, message, fix))
            lines.damaged.add(number)
            lines.texts.append(line.decode("utf-8", errors="replace"))
    return lines


def _decode_windows(raw_lines: Sequence[bytes], lines: Lines, source: str) -> Lines | None:
    """The lines as windows-1252; None where it does not read plainly so, or lines of UTF-8 stand among them."""
    if any(not text.isascii() for number, text in enumerate(lines.texts, start=1) if number not in lines.damaged):
        return None
    try:
        texts = [line.decode(WINDOWS) for line in raw_lines]
    except UnicodeDecodeError:
        return None
    text = "".join(texts)
    letters = sum(map(str.isalpha, text))
    marked = sum(letter.isalpha() and not letter.isascii() for letter in text)
    if not _WINDOWS_TEXT.fullmatch(text) or _SIGN_IN_WORD.search(text) or marked > MOST_MARKED * letters:
        return None
    words = list(islice((match[0] for match in _MARKED_WORD.finditer(text)), EXAMPLES))
    message = f"expected UTF-8, found another encoding, read as windows-1252 ({listed(words)})"
    fix = f"see that these words are right, and convert the file: iconv -f {WINDOWS} -t utf-8"
    return Lines(texts, problems=[Problem("warning", "encoding", source, min(lines.damaged), message, fix)])


def _misread_before(lines: Lines, source: str) -> list[Problem]:
    """Warnings of text that was decoded wrongly before it was saved as UTF-8: nothing else would tell."""
    problems = []
    for pattern, what in (
        (_CONTROL, "control characters U+0080 to U+009F, which a conversion from Latin-1 makes of windows-1252"),
        (_TWICE_ENCODED, "text that was encoded twice"),
    ):
        numbers = [
            number for number, text in enumerate(lines.texts, start=1) if not text.isascii() and pattern.search(text)
        ]
        if numbers:
            match = pattern.search(lines.texts[numbers[0] - 1])
            around = lines.texts[numbers[0] - 1][max(match.start() - 8, 0) : match.end() + 8].strip() if match else ""
            message = f"expected letters and signs, found {what}, in {listed([around])} ({len(numbers)} such lines)"
            fix = f"convert the original again: iconv -f {WINDOWS} -t utf-8"
            problems.append(Problem("warning", "misread-text", source, numbers[0], message, fix))
    return problems
