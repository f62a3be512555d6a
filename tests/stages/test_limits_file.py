"""Limits files: what is read of them, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.errors import StageError
from stages.limits_file import limit_faults, read_limits

GOOD = """\
textmill_limits: 1
fitted: {by: hand}
languages:
  fra_Latn:
    documents: {reference: 4}
    language_score: 0.824
    words: whitespace
    stop_words: [de, no, 1789]
    gopher_quality: {max_mean_word_length: 11, min_alphabetic_words: 81.2%, min_words: ~}
  nor: {length: {min_bytes: 2KB}}
  srp_Cyrl: {language_score: 0.3}
scripts:
  Latn: {language_score: 0.5}
"""


def read(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "l.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [fault.removeprefix(f"{path}:") for fault in limit_faults(path)]


def test_what_a_section_says_is_read_as_the_fields_take_it(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == []
    french = read_limits(tmp_path / "l.yaml").languages["fra_Latn"]
    assert french.limits == {
        "gopher_quality": {"max_mean_word_length": 11.0, "min_alphabetic_words": 0.812, "min_words": None}
    }
    assert (french.language_score, french.words, french.stop_words) == (0.824, "whitespace", ("de", "no", "1789"))
    assert (french.line, read_limits(tmp_path / "l.yaml").languages["nor"].limits) == (
        4,
        {"length": {"min_bytes": 2000}},
    )


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("fra_Latn", "fra_Latn"),
        ("fra", "fra_Latn"),
        ("nor_Latn", "nor"),
        ("srp_Latn", "script Latn"),
        ("deu_Latn", "script Latn"),
        ("rus_Cyrl", None),
        ("deu", None),
        ("und", None),
    ],
)
def test_a_label_finds_its_language_then_its_script(tmp_path: Path, label: str, found: str | None) -> None:
    read(tmp_path, GOOD)
    told = read_limits(tmp_path / "l.yaml").find(label)
    assert (told and told[0]) == found


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("fitted:", "fited:", "2: 'fited' is no section of a limits file; did you mean 'fitted'?"),
        ("textmill_limits: 1", "textmill_limits: 2", "1: a limits file says `textmill_limits: 1`; name a file that"),
        (
            "gopher_quality",
            "gopher_qualty",
            "9: fra_Latn: there is no filter 'gopher_qualty' that takes limits; did you",
        ),
        (
            "min_words: ~",
            "min_word: 3",
            "9: fra_Latn: gopher_quality has no limit 'min_word'; did you mean 'min_words'?",
        ),
        ("min_words: ~", "stop_words: 3", "9: fra_Latn: gopher_quality has no limit 'stop_words'"),
        ("81.2%", "1.2", "9: fra_Latn: gopher_quality.min_alphabetic_words: '1.2': 1.2 is not a share"),
        ("81.2%", "[1]", "9: fra_Latn: gopher_quality.min_alphabetic_words should be a number"),
        ("_length: 11", "_length: .inf", "9: fra_Latn: gopher_quality.max_mean_word_length: '.inf'"),
        (
            "_length: 11",
            "_length: inf",
            "9: fra_Latn: gopher_quality.max_mean_word_length: 'inf': a limit must be finite",
        ),
        ("_length: 11", "_length: nan", "9: fra_Latn: gopher_quality.max_mean_word_length: 'nan'"),
        ("_length: 11", "_length: -1", "9: fra_Latn: gopher_quality.max_mean_word_length: '-1'"),
        ("0.824", "82", "6: fra_Latn: language_score should be a share between 0 and 1; write one such as 0.65"),
        ("0.824", "nan", "6: fra_Latn: language_score should be a share"),
        ("whitespace", "[]", "7: fra_Latn: words: '' is no splitter of words"),
        ("[de, no, 1789]", "de", "8: fra_Latn: stop_words should be a list"),
        ("[de, no, 1789]", '["de la"]', "8: fra_Latn: a stop word is empty, no text or has white space in it"),
        ("  nor:", "  fra_Latn:", "10: languages has 'fra_Latn' here and on line 4; keep one of them"),
        ("{length: {min_bytes: 2KB}}", "3", "10: nor should be a mapping"),
        ("{min_bytes: 2KB}", "{min_bytes: 2KB", "11: this is no YAML"),
        ("scripts:", "scripts: {}\nlanguages:", "13: the file has 'languages' here and on line 3"),
    ],
)
def test_a_fault_is_told_with_its_line_and_its_mend(tmp_path: Path, old: str, new: str, fault: str) -> None:
    told = read(tmp_path, GOOD.replace(old, new, 1))
    assert told[0].startswith(fault)
    assert "; " in told[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("# nothing\n", "1: the file is empty"),
        ("- 1\n", "1: the file should be a mapping"),
        ("textmill_limits: 1\n", "1: the file has limits for no language"),
        ("textmill_limits: 1\nlanguages: {}\n", "1: the file has limits for no language"),
        (b"textmill_limits: 1\nx: \xff\n", "2: byte 22 is not UTF-8"),
        ("[" * 300, "1: this is no YAML"),
        ("a: \x00\n", "1: this is no YAML"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str | bytes, fault: str) -> None:
    assert read(tmp_path, text)[0].startswith(fault)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("0.824", "2").replace("whitespace", "").replace("2KB", "much")
    assert [fault.partition(":")[0] for fault in read(tmp_path, text)] == ["6", "7", "10"]
    with pytest.raises(StageError, match=r"language_score.*\n.*words.*\n.*min_bytes"):
        read_limits(tmp_path / "l.yaml")
