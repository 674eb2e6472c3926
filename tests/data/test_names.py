"""Names compared as people read them."""

import pytest

from autogen.data.names import (
    Spellings,
    check_similar,
    is_word_for_nothing,
    is_written_by_programs,
    name_key,
    note_alike,
    plain_name,
)
from autogen.data.text import is_blank, normalise

ACUTE = "re\u0301clamation"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("refund\u200b", "refund"),
        ("\ufeffrefund", "refund"),
        ("re\u00adfund", "refund"),
        ("\u202arefund\u202c", "refund"),
        (ACUTE, "réclamation"),
        (" track  parcel\u00a0", "track parcel"),
        ("0.0", "0"),
        ("-15.00", "-15"),
        ("015", "015"),
        ("1.5", "1.5"),
        ("v1.0", "v1.0"),
        ("Ｒefund", "Ｒefund"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200bمی\u200c", "می"),
        ("\u200b", ""),
    ],
)
def test_a_plain_name_has_nothing_that_cannot_be_seen(written: str, plain: str) -> None:
    assert plain_name(written) == plain
    assert plain_name(plain) == plain


@pytest.mark.parametrize("written", ["REFUND", "Refund ", "ｒｅｆｕｎｄ", "re\u200bfund"])
def test_case_and_width_are_no_part_of_a_key(written: str) -> None:
    assert name_key(written) == "refund"


def test_keys_tell_apart_what_people_do() -> None:
    names = ["refund", "refunds", "track_parcel", "track parcel", "15", "015", "1.5", "straße", "strasse2"]
    assert len({name_key(name) for name in names}) == len(names)


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "null", "N/A", "NA", "-", "#N/A", "?", "<NA>", r"\N", " nan "])
def test_words_for_nothing_are_known_in_any_case(word: str) -> None:
    assert is_word_for_nothing(word)


def test_a_name_that_looks_like_a_word_for_nothing_is_none() -> None:
    assert not any(is_word_for_nothing(word) for word in ("nana", "nothing", "no", "nat", "Nat", 0, None))
    assert is_word_for_nothing("Unknown") and not is_written_by_programs("Unknown")
    assert is_written_by_programs("NaT")


def test_texts_with_marks_of_no_width_between_them_are_the_same() -> None:
    assert normalise("my re\u200bfund is\ufeff late") == normalise("My refund is late")
    assert is_blank("\u200b \ufeff") and not is_blank("\u200ba")


def test_the_usual_spelling_is_that_of_most_rows() -> None:
    spellings = Spellings(["Refund"] * 3 + ["refund"] * 2 + ["track", "TRACK"])
    assert spellings.usual() == {"refund": "Refund", "track": "track"}
    assert sorted(spellings.similar()) == [["Refund", "refund"], ["track", "TRACK"]]


def test_names_that_look_the_same_are_a_note_and_no_finding() -> None:
    spellings = Spellings(["refund", "refund\u200b", "0", "0.0", "track"])
    assert check_similar(spellings, "label", "train.csv") == []
    (note,) = note_alike(spellings, "label")
    assert note == 'Read as one: 2 labels are written in several ways that look the same ("refund" = "refund\\u200b").'


def test_names_that_differ_in_case_are_a_warning_that_names_them_and_the_setting() -> None:
    spellings = Spellings(["refund", "Refund", "REFUND", "refund", "track"])
    (problem,) = check_similar(spellings, "label", "train.csv")
    assert (problem.severity, problem.kind) == ("warning", "similar-names")
    assert '"refund" (2 rows), "REFUND" (1 rows), "Refund" (1 rows)' in problem.message
    assert "join_names = true" in problem.fix
    (problem,) = check_similar(spellings, "label", "train_data", in_project=False)
    assert "agent.toml" not in problem.fix
    assert note_alike(spellings, "label") == ()
