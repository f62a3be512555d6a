"""Our reader of fastText's files against fastText's own code, on the bundled model and on models made here."""

from __future__ import annotations

import struct
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest

from stages.errors import StageError
from stages.kernels.fasttext_model import read_model
from stages.kernels.fasttext_predict import probabilities
from stages.kernels.texts import texts_of
from stages.languages.identifiers import bundled_model
from stages.specimens import hostile_texts, sample_documents

WIDTH = 5
WORDS = ("the", "mill", "Mühle", "磨坊", "and", "wheel", "</s>")
LABELS = ("__label__high", "__label__low", "__label__odd", "__label__a", "__label__b")
TEXTS = [*sample_documents(40)["text"].to_pylist(), *hostile_texts().values(), "the mill and the wheel", "mill", "the"]


def model_file(
    path: Path, *, loss: int, word_grams: int = 1, grams: tuple[int, int] = (2, 4), pruned: bool = False
) -> Path:
    """A classifier of random numbers in fastText's format; quantised when pruned, as fastText's are."""
    chance = np.random.default_rng(5)
    buckets = 64
    kept = [3, 60, 7, 8, 21, 40, 41, 13, 0, 63]
    rows = len(WORDS) + (len(kept) if pruned else buckets)
    head = struct.pack("<14i", 793712314, 12, WIDTH, 5, 5, 1, 5, word_grams, loss, 3, buckets, *grams, 100)
    sizes = (len(WORDS) + len(LABELS), len(WORDS), len(LABELS), 1000, len(kept) if pruned else -1)
    entries = [(word, 50 - at, 0) for at, word in enumerate(WORDS)]
    entries += [(label, 30 - 7 * at, 1) for at, label in enumerate(LABELS)]
    parts = [head, struct.pack("<d", 0.0001), struct.pack("<iiiqq", *sizes)]
    parts += [word.encode() + struct.pack("<xqb", count, kind) for word, count, kind in entries]
    if pruned:
        parts += [struct.pack("<ii", bucket, row) for row, bucket in enumerate(kept)]
        parts += [b"\1", quantised(chance, rows)]
    else:
        parts += [b"\0", dense(chance, rows)]
    path.write_bytes(b"".join([*parts, b"\0", dense(chance, len(LABELS))]))
    return path


def dense(chance: np.random.Generator, rows: int) -> bytes:
    return struct.pack("<qq", rows, WIDTH) + chance.normal(0, 2, rows * WIDTH).astype("<f4").tobytes()


def quantised(chance: np.random.Generator, rows: int) -> bytes:
    """Codes for stretches of 2, 2 and 1 columns, and a code for each row's length."""

    def centroids(columns: int, stretches: int, stretch: int, last: int) -> bytes:
        values = chance.normal(0, 1.5, columns * 256).astype("<f4").tobytes()
        return struct.pack("<iiii", columns, stretches, stretch, last) + values

    codes = chance.integers(0, 256, rows * 3, dtype=np.uint8).tobytes()
    lengths = chance.integers(0, 256, rows, dtype=np.uint8).tobytes()
    head = struct.pack("<?qqi", True, rows, WIDTH, len(codes))
    return head + codes + centroids(WIDTH, 3, 2, 1) + lengths + centroids(1, 1, 1, 1)


def assert_same(path: Path, texts: list[str]) -> None:
    """Every label's probability is fastText's, which leaves out labels below 1e-5."""
    model, oracle = read_model(path), fasttext.load_model(str(path)).f
    chances, known = probabilities(model, texts_of(pa.array(texts)))
    for row in np.flatnonzero(known).tolist():
        line = texts[row].replace("\n", " ").replace("</s>", " ") + "\n"
        found = {label: min(1.0, chance) for chance, label in oracle.predict(line, len(model.labels), 0.0, "strict")}
        told = [found.get(f"__label__{label}", 0.0) for label in model.labels]
        np.testing.assert_allclose(chances[row], told, rtol=0, atol=1.1e-5, err_msg=texts[row][:40])


def test_the_bundled_model_says_what_fasttext_says() -> None:
    assert_same(bundled_model(), TEXTS)


@pytest.mark.parametrize("loss", [1, 2, 3, 4], ids=["hierarchical", "negative", "softmax", "one-vs-all"])
@pytest.mark.parametrize(
    "shape",
    [{}, {"word_grams": 3}, {"grams": (0, 0)}, {"grams": (1, 3)}, {"pruned": True}, {"pruned": True, "word_grams": 2}],
    ids=str,
)
def test_a_model_of_any_kind_says_what_fasttext_says(tmp_path: Path, loss: int, shape: dict[str, object]) -> None:
    path = model_file(tmp_path / "model.bin", loss=loss, **shape)  # type: ignore[arg-type]

    assert_same(path, TEXTS[::3])


def test_a_text_says_the_same_alone_and_among_others() -> None:
    model = read_model(bundled_model())
    column = pa.array(TEXTS)

    together, _ = probabilities(model, texts_of(column))
    alone = [probabilities(model, texts_of(column.slice(row, 1)))[0][0] for row in range(len(TEXTS))]

    assert (together == np.array(alone)).all()


def test_texts_without_a_word_are_not_known() -> None:
    chances, known = probabilities(read_model(bundled_model()), texts_of(pa.array(["", " \0\n\t", "x", None])))

    assert known.tolist() == [False, False, True, False]
    assert (chances[[0, 1, 3]] == 0).all()


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
def test_a_cut_off_file_is_refused(tmp_path: Path, share: float) -> None:
    whole = model_file(tmp_path / "model.bin", loss=3).read_bytes()
    (tmp_path / "cut.bin").write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(StageError, match="mend: name a"):
        read_model(tmp_path / "cut.bin")


def test_word_vectors_are_refused(tmp_path: Path) -> None:
    content = bytearray(model_file(tmp_path / "model.bin", loss=2).read_bytes())
    content[36:40] = struct.pack("<i", 1)
    (tmp_path / "vectors.bin").write_bytes(content)

    with pytest.raises(StageError, match="word vectors, not a classifier"):
        read_model(tmp_path / "vectors.bin")
