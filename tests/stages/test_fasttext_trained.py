"""Our reader of fastText's files against a fastText library, on models trained here: any loss, dense or quantised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import fasttext_new
import numpy as np
import pyarrow as pa
import pytest

from stages.errors import StageError
from stages.kernels.fasttext_file import read_labels
from stages.kernels.fasttext_model import read_model
from stages.kernels.fasttext_predict import probabilities
from stages.kernels.texts import texts_of
from stages.specimens import hostile_texts, sample_documents

NOUNS = ("mill", "wheel", "Mühle", "磨坊", "flour", "river", "stone", "miller")
TEXTS = [
    *("no word of these was ever seen", "x" * 3000, "mill " * 300, "the  mill\tand\vthe\fwheel\r"),
    *(text for text in hostile_texts().values() if text.strip() and "</s>" not in text),
    *sample_documents(12)["text"].to_pylist(),
]


def training_file(folder: Path, labels: int = 5) -> Path:
    """Lines of three labels or more, each with words of its own and common ones."""
    chance = np.random.default_rng(11)
    lines = []
    for number in range(400):
        label = number % labels
        own = [f"{NOUNS[label % 8]}{chance.integers(9)}" for _ in range(6)]
        common = [NOUNS[at] for at in chance.integers(0, 8, 8)]
        lines.append(f"__label__l{label} {' '.join(chance.permutation([*own, *common]))}\n")
    (folder / "train.txt").write_text("".join(lines))
    return folder / "train.txt"


def trained(folder: Path, quantised: dict[str, Any] | None = None, **how: Any) -> Path:
    lines = training_file(folder)
    made = fasttext_new.train_supervised(
        input=str(lines), **{"dim": 10, "epoch": 4, "lr": 0.5, "bucket": 2000, "thread": 1, "verbose": 0, **how}
    )
    if quantised is not None:
        made.quantize(input=str(lines), **quantised)
    made.save_model(str(folder / "model"))
    return folder / "model"


def assert_same(path: Path) -> None:
    """Every label's probability is the library's, clamped to 1; it leaves out what it takes for impossible."""
    model, oracle = read_model(path), fasttext_new.load_model(str(path))
    chances, known = probabilities(model, texts_of(pa.array(TEXTS)))
    assert known.sum() > 20
    for row in np.flatnonzero(known).tolist():
        names, values = oracle.predict(TEXTS[row].replace("\n", " "), k=-1, threshold=-1.0)
        told = dict(zip(names, np.minimum(values, 1).tolist()))
        wanted = [told[f"__label__{label}"] for label in model.labels]
        np.testing.assert_allclose(chances[row], wanted, rtol=0, atol=1e-5, err_msg=TEXTS[row][:40])


@pytest.mark.parametrize("loss", ["softmax", "hs", "ns", "ova"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"wordNgrams": 2},
        {"wordNgrams": 4, "minn": 2, "maxn": 3},
        {"quantised": {}, "minn": 2, "maxn": 4},
        {"quantised": {"cutoff": 150, "qnorm": True, "dsub": 3}, "wordNgrams": 2, "bucket": 300},
        {"quantised": {"qout": True, "cutoff": 300}, "wordNgrams": 3, "minn": 3, "maxn": 3},
    ],
    ids=str,
)
def test_a_trained_model_says_what_the_library_says(tmp_path: Path, loss: str, how: dict[str, Any]) -> None:
    assert_same(trained(tmp_path, loss=loss, **how))


def test_the_labels_are_read_from_the_dictionary_alone(tmp_path: Path) -> None:
    content = trained(tmp_path).read_bytes()
    (tmp_path / "half").write_bytes(content[: len(content) * 4 // 5])

    assert sorted(read_labels(tmp_path / "half")) == ["l0", "l1", "l2", "l3", "l4"]
    assert read_labels(tmp_path / "half") == read_model(trained(tmp_path)).labels
    with pytest.raises(StageError, match="no fastText classifier"):
        read_model(tmp_path / "half")


def test_a_dictionary_that_is_cut_off_is_refused_with_the_file_and_the_mend(tmp_path: Path) -> None:
    content = trained(tmp_path).read_bytes()
    (tmp_path / "start").write_bytes(content[: content.index(b"__label__") + 12])

    for read in (read_labels, read_model):
        with pytest.raises(StageError, match=r"start is no fastText .* its dictionary is cut off\n    mend: "):
            read(tmp_path / "start")


def test_labels_are_read_without_numba(tmp_path: Path) -> None:
    read = "import sys; from stages.kernels.fasttext_file import read_labels as read; from pathlib import Path"
    told = f"{read}; print(len(read(Path(sys.argv[1]))), 'numba' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", told, trained(tmp_path)], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["5", "False"]


def test_a_text_scores_the_same_alone_and_among_others(tmp_path: Path) -> None:
    model = read_model(trained(tmp_path, wordNgrams=3))
    column = pa.array(TEXTS)

    together, _ = probabilities(model, texts_of(column))
    alone = [probabilities(model, texts_of(column.slice(row, 1)))[0][0] for row in range(len(TEXTS))]

    assert (together == np.array(alone)).all()
