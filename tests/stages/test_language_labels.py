"""The one scheme of labels: what each model's names become, and which scripts a language may have."""

from __future__ import annotations

import unicodedata

import pytest

from stages.kernels.scripts import script_codes, script_table
from stages.languages.identifiers import bundled_model, languages_of
from stages.languages.labels import CLD2, LID_176, label_of, language_code, scripts_written, split_label


@pytest.mark.parametrize(
    ("label", "own", "pair"),
    [
        ("en", None, ("eng", None)),
        ("eng", None, ("eng", None)),
        ("eng_Latn", None, ("eng", "Latn")),
        ("ger", None, ("deu", None)),
        ("zh", None, ("cmn", None)),
        ("zho_Hans", None, ("cmn", "Hani")),
        ("zh-Hant", CLD2, ("cmn", "Hani")),
        ("ara", None, ("arb", None)),
        ("no", LID_176, ("nob", None)),
        ("als", LID_176, ("gsw", None)),
        ("als_Latn", None, ("als", "Latn")),
        ("sh", LID_176, ("hbs", None)),
        ("iw", CLD2, ("heb", None)),
        ("tlh", CLD2, ("und", None)),
        ("xx-Goth", CLD2, ("got", "Goth")),
        ("pes_Arab", None, ("fas", "Arab")),
        ("kor_Kore", None, ("kor", "Hang")),
        ("english", None, ("english", None)),
    ],
)
def test_labels_of_every_model_become_one(label: str, own: dict[str, str] | None, pair: tuple[str, str | None]) -> None:
    assert split_label(label, own) == pair


@pytest.mark.parametrize("name", ["lid176", "resiliparse"])
def test_every_label_of_a_bundled_identifier_is_three_letters_with_known_scripts(name: str) -> None:
    pairs = languages_of(name, None)  # type: ignore[arg-type]

    assert all(len(language) == 3 for language, _ in pairs)
    assert [language for language, script in pairs if scripts_written(language, script) is None] == []
    assert len(set(pairs)) == len(pairs)


def test_a_code_is_translated_once() -> None:
    codes = [language for language, _ in languages_of("lid176", None)]

    assert [language_code(code) for code in codes] == codes
    assert bundled_model().name == "lid.176.ftz"


@pytest.mark.parametrize(
    ("language", "found", "label"),
    [
        ("jpn", "Hira", "jpn_Jpan"),
        ("jpn", "Hani", "jpn_Jpan"),
        ("kor", "Hang", "kor_Hang"),
        ("cmn", "Hani", "cmn_Hani"),
        ("srp", "Latn", "srp_Latn"),
        ("srp", "Cyrl", "srp_Cyrl"),
        ("eng", "Cyrl", None),
        ("rus", "Latn", None),
        ("eng", "", None),
        ("und", "Latn", None),
        ("prose", "Grek", "prose_Grek"),
    ],
)
def test_a_label_has_the_script_of_the_text_or_there_is_none(language: str, found: str, label: str | None) -> None:
    assert label_of(language, found, scripts_written(language, None)) == label


def test_a_label_that_names_its_script_fits_no_other() -> None:
    assert label_of("hin", "Latn", scripts_written("hin", "Latn")) == "hin_Latn"
    assert label_of("hin", "Deva", scripts_written("hin", "Latn")) is None


@pytest.mark.parametrize(
    ("character", "script"),
    [
        *(("a", "Latn"), ("ß", "Latn"), ("Ж", "Cyrl"), ("ش", "Arab"), ("漢", "Hani"), ("か", "Hira"), ("カ", "Kana")),
        *(("한", "Hang"), ("ก", "Thai"), ("Ꭰ", "Cher"), ("\u0301", "Zinh"), ("ー", "Zyyy")),
        *(("7", ""), ("।", ""), ("🙂", "")),
    ],
)
def test_every_letter_has_its_script(character: str, script: str) -> None:
    assert script_codes()[script_table()[ord(character)]] == script


def test_letters_and_marks_have_scripts_and_nothing_else_has() -> None:
    """Python's Unicode is older than the table's: what it knows as a letter is one there too."""
    table = script_table()
    kinds = [unicodedata.category(chr(point))[0] for point in range(0x30000)]

    assert [hex(point) for point, kind in enumerate(kinds) if (kind in "LM") and not table[point]] == []
    assert [hex(point) for point, kind in enumerate(kinds) if kind in "NPSZ" and table[point]] == []
