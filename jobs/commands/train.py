"""`textmill train fasttext`: a classifier from labelled documents, or from two runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from jobs.home import data_name, finished_manifest, open_store
from jobs.offer import command_line, short_path
from jobs.table import text_table
from jobs.train.examples import PREFIX, Origin, refusal
from jobs.train.fasttext import MODEL, Settings, train_fasttext
from stages.fields import parse_share

POSITIVE, NEGATIVE = "positive", "negative"
"""The labels of documents that come from two runs."""

_OPTIONS: Final = {
    "dim": "--dimensions",
    "wordNgrams": "--word-grams",
    "epoch": "--epochs",
    "lr": "--learning-rate",
    "bucket": "--buckets",
    "minCount": "--min-count",
    "thread": "--threads",
    "seed": "--seed",
    "held_out": "--held-out",
    "punctuation": "--punctuation",
}


def train_fasttext_command(
    to: Path,
    data: Sequence[str],
    columns: tuple[str | None, str, str | None],
    label: str | None,
    left_out: Sequence[str],
    runs: tuple[Sequence[str], Sequence[str]],
    held_out: str,
    settings: dict[str, Any],
) -> None:
    """Train and say how well the classifier does.

    `columns`: of the text, of the label, and of the group. `runs`: those of the positives and those of the negatives;
    a run is a run directory, or files as `--data` takes them.
    """
    text, label_column, group = columns
    positives, negatives = runs
    if bool(data) == bool(positives or negatives):
        what = "it needs documents: labelled ones, or positives and negatives"
        raise refusal(what, "give --data FILE, or --positives RUN and --negatives RUN")
    if not data and not (positives and negatives):
        raise refusal("it needs positives and negatives", "give --positives RUN and --negatives RUN")
    if data:
        origins = [Origin(tuple(data), text, label=label_column, group=group)]
    else:
        sides = [(path, POSITIVE) for path in positives] + [(path, NEGATIVE) for path in negatives]
        origins = [Origin(documents_of(path), text, fixed=fixed, group=group) for path, fixed in sides]
        label = label or POSITIVE
    how = Settings(held_out=_share(held_out), **settings)
    command = _command(to, data, columns, label if data else None, left_out, runs, how)
    bare = [name.removeprefix(PREFIX) for name in left_out]
    told = train_fasttext(origins, to, label.removeprefix(PREFIX) if label else None, bare, how, command)
    _print(told, to)


def documents_of(path: str) -> tuple[str, ...]:
    """The shards of a run directory without its held-out ones; any other path as it is."""
    if not Path(path).is_dir():
        return (path,)
    store = open_store(path)
    manifest = finished_manifest(store)
    if manifest is None:
        return (path,)
    shards = [
        data_name(output["folder"], shard["as"])
        for output in manifest["outputs"]
        for shard in output["shards"]
        if shard["split"] == "train"
    ]
    if not shards:
        raise refusal(f"the run in {path} has no documents", "name a run that kept some")
    return tuple(str(Path(path) / name) for name in shards)


def _command(
    to: Path,
    data: Sequence[str],
    columns: tuple[str | None, str, str | None],
    label: str | None,
    left_out: Sequence[str],
    runs: tuple[Sequence[str], Sequence[str]],
    settings: Settings,
) -> str:
    """The command that does the same again, for the card: every option that is not as it is anyway."""
    text, label_column, group = columns
    words = ["textmill", "train", "fasttext"]
    for option, values in (("--data", data), ("--positives", runs[0]), ("--negatives", runs[1])):
        words += [word for value in values for word in (option, value)]
    single = [("--text-column", text), ("--label-column", label_column if label_column != "label" else None)]
    single += [("--label", label), *(("--leave-out", name) for name in left_out), ("--group-by", group)]
    plain = asdict(Settings())
    single += [(_OPTIONS[name], str(value)) for name, value in asdict(settings).items() if value != plain[name]]
    words += [word for option, value in single if value is not None for word in (option, value)]
    return shlex.join([*words, "--to", str(to)])


def _share(text: str) -> float:
    try:
        share = parse_share(text)
    except ValueError as error:
        raise refusal(f"--held-out: {error}", "write --held-out 10%") from error
    if not 0 < share < 1:
        raise refusal("--held-out must leave documents on both sides", "write --held-out 10%")
    return share


def _print(told: dict[str, Any], to: Path) -> None:
    data, judged = told["data"], told["held_out"]
    counts = f"{sum(data['train'].values()):,} documents, judged on {sum(data['held_out'].values()):,} others"
    print(f"{short_path(to)}/{MODEL}: label {told['label']}, trained on {counts}")
    print(f"area under the ROC curve {judged['auc']:.4f}, ", end="")
    print(f"at 0.5 precision {judged['precision_at_0.5']:.4f} and recall {judged['recall_at_0.5']:.4f}\n")
    rows = [
        [
            f"{100 * one['wanted']:g} %",
            f"score >= {one['threshold']!r}",
            f"{one['precision']:.4f}",
            f"{one['recall']:.4f}",
        ]
        for one in judged["thresholds"]
    ]
    print(text_table(["keep the best", "threshold", "precision", "recall"], rows))
    print(f"\nthe whole card: {short_path(to)}/README.md\nnext: name it under `models:` and score with it;")
    print(f"    {command_line('stages', 'stages.score')}")
