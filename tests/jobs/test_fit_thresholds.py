"""`textmill fit thresholds`: from documents to a file that filters read, the same bytes for the same documents."""

from __future__ import annotations

from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pytest

from filters.gopher_quality import GopherQuality
from jobs.cli import run_command_line
from stages.limits_file import limit_faults, read_limits

LETTERS = {"eng_Latn": "etaoin", "fin_Latn": "aiknät", "fra_Latn": "esaitn", "rus_Cyrl": "оеаинт"}
LENGTHS = {"eng_Latn": (3, 6), "fin_Latn": (7, 12), "fra_Latn": (3, 7), "rus_Cyrl": (5, 8)}
FREQUENT = {"eng_Latn": "the of and", "fin_Latn": "ja on", "fra_Latn": "de la et", "rus_Cyrl": "и в не"}


def corpus(path: Path, documents: int, seed: int) -> Path:
    """Documents of made-up words in four languages, and two in a fifth."""
    random = Random(seed)
    lines = []
    for number in range(documents):
        for label, letters in LETTERS.items():
            low, high = LENGTHS[label]
            longest = random.randint(low, high)
            words = ["".join(random.choices(letters, k=random.randint(low, longest))) for _ in range(60)]
            words += random.choices(FREQUENT[label].split(), k=15)
            random.shuffle(words)
            score = 0.5 + random.random() / 3
            lines.append({"text": " ".join(words), "language": label, "language_score": round(score, 4)})
        if number < 2:
            lines.append({"text": "x y z", "language": "deu_Latn"})
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a reference, a corpus of the web, and the limits fitted to them."""
    home = tmp_path_factory.mktemp("fit")
    corpus(home / "reference.jsonl", 40, 1)
    corpus(home / "web.jsonl", 30, 2)
    assert fit(home, "--web", str(home / "web.jsonl")) == 0
    return home


def fit(home: Path, *more: str, reference: str = "reference.jsonl", to: str = "limits.yaml") -> int:
    command = ["fit", "thresholds", str(home / reference), "-o", str(home / to), "--min-documents", "30"]
    return run_command_line([*command, *more])


def test_every_language_with_documents_enough_gets_limits_that_filters_take(fitted: Path) -> None:
    assert limit_faults(fitted / "limits.yaml") == []
    file = read_limits(fitted / "limits.yaml")
    assert list(file.languages) == sorted(LETTERS)
    assert list(file.scripts) == ["Latn"]
    longest = {label: one.limits["gopher_quality"]["max_mean_word_length"] for label, one in file.languages.items()}
    assert longest["eng_Latn"] == 10
    assert float(str(longest["fin_Latn"])) > 10.0


def test_stop_words_floors_and_splitters_are_those_of_the_language(fitted: Path) -> None:
    languages = read_limits(fitted / "limits.yaml").languages
    for label in ("fin_Latn", "fra_Latn", "rus_Cyrl"):
        own = FREQUENT[label].split()
        assert set((languages[label].stop_words or ())[: len(own)]) == set(own)
    assert languages["eng_Latn"].stop_words == ("the", "be", "to", "of", "and", "that", "have", "with")
    floor = languages["fra_Latn"].language_score
    assert floor is not None
    assert 0.5 < floor < 0.67
    assert [languages[label].words for label in ("eng_Latn", "rus_Cyrl")] == ["english", "multilingual"]


def test_long_words_of_finnish_pass_its_own_limits_and_not_those_of_english(fitted: Path) -> None:
    rows = [orjson.loads(line) for line in (fitted / "web.jsonl").read_bytes().splitlines()]
    finnish = [row["text"] for row in rows if row["language"] == "fin_Latn"]
    batch = pa.record_batch({"text": finnish, "language": ["fin_Latn"] * len(finnish)})
    gone = {}
    for name, fields in (("english", {}), ("fitted", {"limits": str(fitted / "limits.yaml")})):
        stage = GopherQuality.model_validate({"max_mean_word_length": 6, **fields})
        gone[name] = stage.judge(batch, stage.open()).rule.to_pylist().count("long_words")
    assert gone["english"] > len(finnish) / 2
    assert gone["fitted"] == 0


def test_the_same_documents_give_the_same_bytes_in_whatever_order_they_come(fitted: Path) -> None:
    lines = (fitted / "reference.jsonl").read_bytes().splitlines()
    Random(5).shuffle(lines)
    (fitted / "shuffled.jsonl").write_bytes(b"\n".join(lines))
    web = ("--web", str(fitted / "web.jsonl"))

    assert fit(fitted, *web, to="again.yaml") == fit(fitted, *web, reference="shuffled.jsonl", to="other.yaml") == 0

    text = (fitted / "limits.yaml").read_text("utf-8")
    assert (fitted / "again.yaml").read_text("utf-8") == text
    sections = text[text.index("\nlanguages:") :]
    other = (fitted / "other.yaml").read_text("utf-8")
    assert other[other.index("\nlanguages:") :] == sections


def test_the_file_says_how_it_was_fitted(fitted: Path) -> None:
    text = (fitted / "limits.yaml").read_text("utf-8")
    assert "gopher_quality.max_mean_word_length: {method: mean_std, english: 10.0}" in text
    assert "file: reference.jsonl, bytes: " in text
    assert "counts: {documents: 162, without_language_or_text: 0, damaged: 0}" in text
    assert '    deu_Latn: {documents: 2, limits: "script Latn"}\n' in text


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ("--english", "en"),
            "mean_std starts from English, and the reference has 0 documents of en (it has deu_Latn 2",
        ),
        (("--min-documents", "90"), "no language has 90 reference documents; eng_Latn has most, 40"),
        (("--language-column", "tongue"), "none of 162 reference documents has a language and a text"),
        (("--stop-words", "3"), "--stop-words: '3' is not a share"),
        (("--method", "best"), "there is no method 'best'"),
        (("--web", "nowhere.jsonl"), "nowhere.jsonl"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_a_mend(
    fitted: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    assert fit(fitted, *more, to="none.yaml") == 2
    told = capsys.readouterr().err
    assert message in told
    assert "mend: " in told
    assert not (fitted / "none.yaml").exists()


def test_the_language_may_be_told_for_all_documents(fitted: Path) -> None:
    (fitted / "plain.txt.jsonl").write_bytes(b'{"body": "a b"}\n' * 40)
    more = ("--language", "fra_Latn", "--text-column", "body", "--method", "tail")
    assert fit(fitted, *more, reference="plain.txt.jsonl", to="plain.yaml") == 0
    french = read_limits(fitted / "plain.yaml").languages["fra_Latn"]
    assert french.limits["gopher_quality"]["max_mean_word_length"] == 1


def test_a_file_that_cannot_be_written_whole_is_not_begun(fitted: Path) -> None:
    before = sorted(fitted.iterdir())
    (fitted / "taken").mkdir()

    assert fit(fitted, to="taken/no/limits.yaml") == 1
    assert fit(fitted, to="/dev/full") == 1

    (fitted / "taken").rmdir()
    assert sorted(fitted.iterdir()) == before
