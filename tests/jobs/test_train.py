"""`textmill train fasttext`: the same model twice, figures over unseen documents, a card, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import run_command_line
from jobs.train.fasttext import passes_over
from jobs.train.metrics import area_under_curve, precision_and_recall, shortest_between, thresholds
from stages.score import FasttextModel, Score

GOOD = ("mill", "wheel", "flour", "river", "stone", "grain", "miller", "valley")
BAD = ("cheap", "watches", "click", "here", "buy", "now", "winner", "prize")
SMALL = ("--dimensions", 8, "--buckets", 1000, "--learning-rate", 0.5, "--epochs", 5)


def texts(words: tuple[str, ...], count: int, seed: int) -> list[str]:
    chance = np.random.default_rng(seed)
    shared = ("the", "of", "and", "a")
    return [f"{' '.join(chance.choice([*words, *shared], 9))} {number}\n{words[number % 8]}" for number in range(count)]


def labelled(count: int = 120) -> list[dict[str, object]]:
    good = [{"text": text, "label": "good", "host": f"g{at % 9}"} for at, text in enumerate(texts(GOOD, count, 1))]
    bad = [{"text": text, "label": "bad", "host": f"b{at % 9}"} for at, text in enumerate(texts(BAD, count, 2))]
    return [*good, *bad]


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def train(*arguments: object) -> int:
    return run_command_line(["train", "fasttext", *map(str, [*arguments, *SMALL])])


def card(folder: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((folder / "card.json").read_text())
    return told


def test_labelled_documents_give_a_model_that_scores_and_a_card(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", labelled())

    assert train("--data", data, "--label", "good", "--to", tmp_path / "hq") == 0

    told = card(tmp_path / "hq")
    assert told["held_out"]["auc"] == 1.0  # type: ignore[index]
    assert sorted(path.name for path in (tmp_path / "hq").iterdir()) == ["README.md", "card.json", "model.bin"]
    page = (tmp_path / "hq" / "README.md").read_text()
    assert f"--data {data}" in page
    assert f"| good | {told['data']['train']['good']} | {told['data']['held_out']['good']} |" in page  # type: ignore[index]
    stage = Score(models={"score": FasttextModel(fasttext=tmp_path / "hq" / "model.bin", label="good")})
    rows = stage.map(pa.record_batch({"text": ["the mill and the wheel", "click here now"]}), stage.open())
    assert [score > 0.5 for score in rows["score"].to_pylist()] == [True, False]


def test_the_same_documents_in_another_order_and_format_give_the_same_model(tmp_path: Path) -> None:
    rows = labelled()
    written(tmp_path / "a.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows[::-1]), tmp_path / "b.parquet")

    for name in ("a.jsonl", "b.parquet"):
        assert train("--data", tmp_path / name, "--label", "good", "--to", tmp_path / f"of-{name}") == 0

    one, other = card(tmp_path / "of-a.jsonl"), card(tmp_path / "of-b.parquet")
    assert one["model_sha256"] == other["model_sha256"]
    assert one["data"]["sha256"] == other["data"]["sha256"]  # type: ignore[index]


def test_repeats_blanks_and_left_out_labels_count_for_nothing(tmp_path: Path) -> None:
    rows = labelled()
    odd: list[dict[str, object]] = [
        {"text": f"  {rows[0]['text']} \n", "label": "bad"},
        {"text": " \n\t", "label": "bad"},
        {"text": "some text", "label": None},
        *({"text": f"so so {number}", "label": "medium"} for number in range(5)),
    ]
    written(tmp_path / "d.jsonl", rows)
    written(tmp_path / "more.jsonl", [*rows, *odd])

    for name in ("d", "more"):
        arguments = ("--data", tmp_path / f"{name}.jsonl", "--label", "good", "--leave-out", "medium")
        assert train(*arguments, "--to", tmp_path / name) == 0

    told = card(tmp_path / "more")
    counts = {key: told["data"][key] for key in ("repeated", "empty", "unlabelled", "left_out")}  # type: ignore[index]
    assert counts == {"repeated": 1, "empty": 1, "unlabelled": 1, "left_out": 5}
    assert told["model_sha256"] == card(tmp_path / "d")["model_sha256"]


def test_words_that_fasttext_takes_for_labels_or_an_end_are_not_trained_on(tmp_path: Path) -> None:
    rows = labelled()
    hostile = [{**row, "text": f"__label__good </s> {row['text']} \0 __label__bad"} for row in rows]
    for name, data in (("plain", rows), ("hostile", hostile)):
        written(tmp_path / f"{name}.jsonl", data)
        arguments = ("--data", tmp_path / f"{name}.jsonl", "--label", "good", "--punctuation", "attached")
        assert train(*arguments, "--to", tmp_path / name) == 0

    assert card(tmp_path / "plain")["model_sha256"] == card(tmp_path / "hostile")["model_sha256"]


def test_groups_are_held_out_as_a_whole(tmp_path: Path) -> None:
    data = written(tmp_path / "d.jsonl", labelled())

    arguments = ("--data", data, "--label", "good", "--group-by", "host", "--held-out", "30%")
    assert train(*arguments, "--to", tmp_path / "hq") == 0

    sizes = {row["host"]: 0 for row in labelled()}
    for row in labelled():
        sizes[row["host"]] += 1
    held_out = card(tmp_path / "hq")["data"]["held_out"]  # type: ignore[index]
    whole = {sum(sizes[f"g{at}"] for at in range(9) if chosen >> at & 1) for chosen in range(512)}
    assert held_out["good"] in whole


def test_two_runs_give_positives_and_negatives(tmp_path: Path) -> None:
    for name, words in (("hq", GOOD), ("raw", BAD)):
        written(tmp_path / f"{name}.jsonl", [{"text": text} for text in texts(words, 80, 3)])
        (tmp_path / f"{name}.yaml").write_text(
            f"textmill: 1\nread: {{stages.read: {{paths: {tmp_path / name}.jsonl}}}}\n"
            f"steps: [dedup.exact]\nwrite: {{to: {tmp_path / name}-run}}\n"
        )
        assert run_command_line(["run", str(tmp_path / f"{name}.yaml"), "--workers", "1"]) == 0

    runs = ("--positives", tmp_path / "hq-run", "--negatives", tmp_path / "raw-run")
    assert train(*runs, "--to", tmp_path / "model") == 0

    told = card(tmp_path / "model")
    assert (told["label"], told["labels"]) == ("positive", ["negative", "positive"])
    assert told["data"]["read"] == 160  # type: ignore[index]
    assert told["held_out"]["auc"] == 1.0  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "what", "mend"),
    [
        ("", "it needs documents", "--data FILE"),
        ("--positives d.jsonl", "positives and negatives", "--negatives RUN"),
        ("--data none.jsonl --label good", "none.jsonl", ""),
        ("--data d.jsonl", "which label is the score", "--label bad"),
        ("--data d.jsonl --label great", "no document has the label 'great'", "--label bad"),
        ("--data d.jsonl --label good --leave-out bad", "the same label: good 120", "another label"),
        ("--data d.jsonl --label-column grade --label good", "has the column 'grade'", "host"),
        ("--data d.jsonl --text-column body --label good", "could not be read", "--text-column"),
        ("--data d.jsonl --label good --group-by site", "has the column 'site'", "host"),
        ("--data few.jsonl --label good", "too few documents", "20 documents"),
        ("--data empty.jsonl --label good", "none has a label and a word", "--text-column"),
        ("--data blank.jsonl --label good", "'very good' is not one word", "--leave-out"),
        ("--data d.jsonl --label good --held-out 0", "on both sides", "10%"),
        ("--data d.jsonl --label good --held-out many", "not a share", "10%"),
        ("--data d.jsonl --label good --held-out 0.001%", "leaves one side without", "--held-out"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_mend(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    what: str,
    mend: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("d.jsonl"), labelled())
    written(Path("few.jsonl"), [*labelled()[:120], *labelled()[-7:]])
    written(Path("empty.jsonl"), [{**row, "text": " \n"} for row in labelled(25)])
    written(Path("blank.jsonl"), [*labelled(25), {"text": "x", "label": "very good"}])

    assert train(*arguments.split(), "--to", "hq") == 2

    told = capsys.readouterr().err
    assert what in told
    assert mend in told.partition("mend:")[2]
    assert not list(tmp_path.glob("*hq*"))


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(tmp_path / "d.jsonl", labelled())
    (tmp_path / "hq").mkdir()
    (tmp_path / "hq" / "mine.txt").write_text("mine")

    assert train("--data", data, "--label", "good", "--to", tmp_path / "hq") == 2

    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "hq").iterdir()] == ["mine.txt"]


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order() -> None:
    chance = np.random.default_rng(3)
    scores, positive = chance.integers(0, 6, 60) / 10, chance.random(60) < 0.4

    pairs = [(good > bad) + (good == bad) / 2 for good in scores[positive] for bad in scores[~positive]]

    assert area_under_curve(scores, positive) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)
    with pytest.raises(ValueError, match="positive and negative"):
        area_under_curve(scores, np.ones(60, np.bool_))


def test_precision_and_recall_are_shares_of_the_kept_and_of_the_positive() -> None:
    kept, positive = np.array([1, 1, 1, 0, 0], np.bool_), np.array([1, 0, 1, 1, 0], np.bool_)

    assert precision_and_recall(kept, positive) == (2 / 3, 2 / 3)
    assert precision_and_recall(np.zeros(5, np.bool_), positive) == (0, 0)


def test_a_threshold_keeps_what_it_says_and_equal_scores_together() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.8, 0.1, 0.05, 0.04, 0.03, 0.02, 0.0])
    positive = np.arange(10) < 3

    first, second, last = thresholds(scores, positive, (0.1, 0.2, 1.0))

    assert (first.threshold, first.kept, first.precision, first.recall) == (0.9, 0.1, 1.0, 1 / 3)
    assert (second.kept, second.precision, second.recall) == (0.4, 0.75, 1.0)
    assert (last.threshold, last.kept) == (0.0, 1.0)
    for one in (first, second, last):
        assert float((scores >= one.threshold).mean()) == one.kept


@pytest.mark.parametrize(
    ("low", "high", "number"),
    [
        (0.1, 0.9, 0.9),
        (0.5, 0.5000001, 0.5000001),
        (0.0181, 0.0181127, 0.01811),
        (-1, 0, 0),
        (0.00994, 0.00996, 0.00996),
        (0.2, float(np.float32(0.3)), 0.3),
        (0.6, 0.96, 0.9),
    ],
)
def test_a_limit_is_written_with_as_few_digits_as_separate(low: float, high: float, number: float) -> None:
    assert shortest_between(low, high) == number


def test_few_documents_are_read_more_often_than_many() -> None:
    assert [passes_over(count) for count in (40, 4000, 10_000, 400_000)] == [25, 25, 10, 3]
