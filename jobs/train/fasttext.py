"""Trains a fastText classifier and judges it on documents it has not seen.

The result is a folder: `model.bin`, a card for people (`README.md`) and one for programs (`card.json`). It appears at
once, when all is done. With one thread the same documents give the same bytes, in whatever order they come.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa

from jobs.refusal import store_errors
from jobs.train.card import card_text
from jobs.train.examples import (
    BUCKETS,
    Example,
    Origin,
    Punctuation,
    Tally,
    bucket_of,
    check_labels,
    examples,
    refusal,
    training_line,
    write_in_order,
)
from jobs.train.metrics import Scores, Truth, area_under_curve, precision_and_recall, thresholds
from jobs.version import textmill_version
from stages.score import FasttextModel, Score

MODEL: Final = "model.bin"
_HELD_OUT: Final = pa.schema([("id", pa.string()), ("text", pa.string()), ("label", pa.string())])
_BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train: fastText's parameters under its own names, and the split. `epoch`: None for `passes_over`."""

    dim: int = 100
    wordNgrams: int = 2
    epoch: int | None = None
    lr: float = 0.5
    bucket: int = 2_000_000
    minCount: int = 1
    thread: int = 1
    seed: int = 0
    held_out: float = 0.1
    punctuation: Punctuation = "apart"


def train_fasttext(
    origins: Sequence[Origin], to: Path, label: str | None, left_out: Sequence[str], settings: Settings, command: str
) -> dict[str, Any]:
    """Train, judge and write the folder `to`; what its `card.json` says.

    `label`: the label that is scored; the others are negatives, each with a name of its own in the model. `left_out`:
    labels whose documents count for nothing. Raises PipelineError when the documents or the folder will not do.
    """
    library = _library()
    with store_errors(str(to), "write the model"):
        return _written(library, origins, to, label, left_out, settings, command)


def passes_over(documents: int) -> int:
    """How often to read so many documents: as often as gives 100,000 readings, but 3 to 25 times.

    PreSelect reads its 400,000 documents three times (https://arxiv.org/abs/2503.00808); fastText's own tutorial reads
    12,000 questions 25 times (https://fasttext.cc/docs/en/supervised-tutorial.html), because few steps leave a model
    where it started.
    """
    return min(25, max(3, round(100_000 / documents)))


def _library() -> Any:
    try:
        import fasttext_new
    except ImportError as error:
        raise refusal("the library fasttext-new is not installed", 'pip install "textmill[train]"') from error
    return fasttext_new


def _written(
    library: Any,
    origins: Sequence[Origin],
    to: Path,
    label: str | None,
    left_out: Sequence[str],
    settings: Settings,
    command: str,
) -> dict[str, Any]:
    """Make the folder beside its place, and put it there when it is whole."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise refusal(f"{to} is there already", "give another folder with --to, or remove it")
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
    try:
        tally = Tally()
        _write_examples(
            examples(origins, left_out, settings.held_out, settings.seed, tally, settings.punctuation), draft
        )
        scored = check_labels(tally, label)
        settings = replace(settings, epoch=settings.epoch or passes_over(tally.train.total()))
        _train(library, draft, settings)
        told = _card(draft, tally, scored, settings, command, [path for origin in origins for path in origin.paths])
        (draft / "card.json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        (draft / "README.md").write_text(card_text(told), encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(to)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return told


def _write_examples(found: Iterable[Example], folder: Path) -> None:
    """Spread training lines over buckets, and write held-out documents as they are."""
    waiting: list[Example] = []
    with ExitStack() as stack:
        buckets = [stack.enter_context((folder / f"{at:02d}.lines").open("wb")) for at in range(BUCKETS)]
        stream = stack.enter_context(pa.ipc.new_stream(str(folder / "held-out.arrow"), _HELD_OUT))
        for example in found:
            if not example.held_out:
                buckets[bucket_of(example.key)].write(training_line(example))
                continue
            waiting.append(example)
            if len(waiting) == _BATCH:
                stream.write_batch(_rows(waiting))
                waiting = []
        stream.write_batch(_rows(waiting))


def _rows(found: Sequence[Example]) -> pa.RecordBatch:
    columns = [[example.key for example in found], [example.text for example in found]]
    return pa.record_batch([*columns, [example.label for example in found]], schema=_HELD_OUT)


def _train(library: Any, folder: Path, settings: Settings) -> None:
    """From the buckets to the model; the buckets are removed."""
    buckets = sorted(folder.glob("*.lines"))
    with (folder / "train.txt").open("wb") as file:
        write_in_order(buckets, file)
    for bucket in buckets:
        bucket.unlink()
    how = {name: value for name, value in asdict(settings).items() if name not in ("held_out", "punctuation")}
    model = library.train_supervised(input=str(folder / "train.txt"), verbose=0, loss="softmax", **how)
    model.save_model(str(folder / MODEL))


def _card(
    folder: Path, tally: Tally, label: str, settings: Settings, command: str, paths: Sequence[str]
) -> dict[str, Any]:
    """Judge the model, and say all there is to say of it; the examples are removed."""
    scores, labels, keys = _held_out_scores(folder, label, settings)
    positive: Truth = labels == label
    precision, recall = precision_and_recall(scores >= 0.5, positive)
    state = _sha256(folder / "train.txt")
    for key, name in sorted(zip(keys, labels.tolist())):
        state.update(f"{key} {name}\n".encode())
    for name in ("train.txt", "held-out.arrow"):
        (folder / name).unlink()
    return {
        "textmill": textmill_version(),
        "command": command,
        "model": MODEL,
        "label": label,
        "labels": sorted(tally.train),
        "model_sha256": _sha256(folder / MODEL).hexdigest(),
        "data": {
            "paths": list(paths),
            "sha256": state.hexdigest(),
            "read": tally.read,
            "damaged": tally.damaged,
            "unlabelled": tally.unlabelled,
            "left_out": tally.left_out,
            "empty": tally.empty,
            "repeated": tally.repeated,
            "train": dict(sorted(tally.train.items())),
            "held_out": dict(sorted(tally.held_out.items())),
        },
        "settings": asdict(settings),
        "held_out": {
            "auc": area_under_curve(scores, positive),
            "precision_at_0.5": precision,
            "recall_at_0.5": recall,
            "thresholds": [asdict(one) for one in thresholds(scores, positive)],
        },
    }


def _held_out_scores(folder: Path, label: str, settings: Settings) -> tuple[Scores, Any, list[str]]:
    """The scores of the held-out documents by `stages.score` itself, their labels and keys. No score counts as 0."""
    model = FasttextModel(fasttext=folder / MODEL, label=label, punctuation=settings.punctuation)
    stage = Score(models={"score": model})
    tools = stage.open()
    scores: list[float] = []
    labels: list[str] = []
    keys: list[str] = []
    with pa.ipc.open_stream(str(folder / "held-out.arrow")) as stream:
        for batch in stream:
            scores += [score or 0.0 for score in stage.map(batch, tools)["score"].to_pylist()]
            labels += batch["label"].to_pylist()
            keys += batch["id"].to_pylist()
    return np.array(scores), np.array(labels), keys


def _sha256(path: Path) -> Any:
    with path.open("rb") as file:
        state = sha256()
        while piece := file.read(1 << 20):
            state.update(piece)
    return state
