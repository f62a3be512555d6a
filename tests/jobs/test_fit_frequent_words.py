"""Stop words of a language: frequent, of letters, and its own."""

from __future__ import annotations

import pyarrow as pa
import pytest

from jobs.fit import frequent_words
from jobs.fit.frequent_words import FrequentWords, without_leaked
from jobs.fit.word_splitters import has_spaces, splitter_of
from stages.words.dictionaries import missing_package


@pytest.fixture(autouse=True)
def _few_words_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' texts are short: no words below the share, but where a test asks for them."""
    monkeypatch.setattr(frequent_words, "FEWEST", 0)


def counted(share: float, *texts: str) -> FrequentWords:
    words = FrequentWords(share)
    for text in texts:
        words.add(pa.array([text], pa.string()))
    return words


def test_words_above_the_share_come_in_order_of_their_counts() -> None:
    assert counted(0.2, "de la de", "la mer de", "la  \u00a0 tour").above() == ["de", "la"]
    assert counted(0.1, "de la de", "la mer de", "la tour").above() == ["de", "la", "mer", "tour"]


def test_a_language_with_few_frequent_words_gets_some_rarer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frequent_words, "FEWEST", 4)
    words = counted(0.2, "ja ja ja on on tai . . 1 se se mutta")
    assert words.above() == ["ja", "on", "se", "mutta"]


@pytest.mark.parametrize(
    ("word", "is_word"),
    [("के", True), ("l'", True), ("ça", True), ("de,", False), ("—", False), ("'", False), ("12", False), ("x1", False)],
)
def test_a_stop_word_is_of_letters_and_their_marks(word: str, is_word: bool) -> None:
    assert counted(0.5, word).above() == ([word] if is_word else [])


def test_english_words_that_leaked_in_go_and_those_of_the_language_stay() -> None:
    english = counted(0.05, "the of a " * 30 + "mill " * 10)
    hungarian = counted(0.05, "a az és hogy " * 30 + "the of " * 9 + "malom " * 10)

    assert english.above() == ["a", "of", "the", "mill"]
    assert hungarian.above() == ["a", "az", "hogy", "és", "malom", "of", "the"]
    assert without_leaked(hungarian, english) == ["a", "az", "hogy", "és", "malom"]


def test_a_language_that_shares_its_words_with_english_keeps_them() -> None:
    english, scots = counted(0.1, "the of a " * 30), counted(0.1, "the of a the wee bairn " * 30)
    assert without_leaked(scots, english) == scots.above()


def test_nothing_is_taken_away_without_english_documents() -> None:
    assert without_leaked(counted(0.1, "the of"), None) == ["of", "the"]


def test_frequent_words_are_found_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frequent_words, "_EXACT", 50)
    words = FrequentWords(0.1)
    for batch in range(200):
        words.add(pa.array([" ".join(f"w{batch * 20 + one}" for one in range(20)) + " de de de la la la"]))

    assert words.above() == ["de", "la"]
    assert words.share_of("de") == pytest.approx(3 / 26, rel=0.02 * 0.1 * 26 / 3)
    assert len(words._counts) < 500


@pytest.mark.parametrize(
    ("label", "splitter", "spaces"),
    [
        ("eng_Latn", "english", True),
        ("fra_Latn", "multilingual", True),
        ("cmn_Hani", "chinese", False),
        ("zho_Latn", "multilingual", True),
        ("zh-Hans", "chinese", False),
        ("tha", "thai", False),
        ("nod_Thai", "thai", False),
        ("dzo_Tibt", "unicode", False),
        ("kor_Hang", "multilingual", True),
    ],
)
def test_word_splitters_go_by_script_and_language(label: str, splitter: str, spaces: bool) -> None:
    expected = "unicode" if missing_package(splitter) else splitter
    assert (splitter_of(label), has_spaces(label)) == (expected, spaces)
