"""How fast texts become tokens: MB of text per core-second of the stage, and of the libraries by themselves.

The texts are a tenth of three collections in `TEXTMILL_DATA`, in many languages. A `tokenizer.json` is made of them
first (byte-level BPE, 16,000 tokens, GPT-2's way of splitting), and read by the stage and by the library `tokenizers`,
whose `encode_batch` on one thread is the peer; it must give the same ids. One core, the fastest of three passes.

    TEXTMILL_DATA=… python benchmarks/tokenize_speed.py
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa

from stages.tokenize import Tokenize
from stages.tokenizers import VOCABULARIES

COLLECTIONS = ("multilingual/docs", "dedup/planted_docs", "quality/quality")
EVERY = 10


def read_texts(home: Path) -> list[str]:
    texts = []
    for name in COLLECTIONS:
        with gzip.open(home / f"{name}.jsonl.gz") as file:
            texts += [orjson.loads(line)["text"] for number, line in enumerate(file) if number % EVERY == 0]
    return texts


def train(texts: list[str], file: Path) -> None:
    """A byte-level BPE with GPT-2's way of splitting."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=16_000, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(file))


def best_seconds(work: Callable[[], object], passes: int = 3) -> float:
    """CPU-seconds of the fastest pass."""
    taken = []
    for _ in range(passes):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        sys.exit("set TEXTMILL_DATA to the folder with the measurement data")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    texts = read_texts(Path(home))
    size = sum(len(text.encode()) for text in texts) / 1e6
    batch = pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": texts})
    print(f"{len(texts):,} documents, {size:.1f} MB")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        train(texts, file)
        stage = Tokenize(tokenizer=file, eos=None)
        tools = stage.open()
        print(f"stage, tokenizer.json          {size / best_seconds(lambda: stage.map(batch, tools)):7.2f} MB/s")
        print(f"tokenizers encode_batch        {size / peer(file, texts, stage.map(batch, tools)):7.2f} MB/s")
    for name in VOCABULARIES:
        stage = Tokenize(tokenizer=name, eos=None, round_trip="allow")
        tools = stage.open()
        speed = size / best_seconds(lambda stage=stage, tools=tools: stage.map(batch, tools))
        alone = size / best_seconds(lambda tools=tools: tools.tokenizer.encode(texts))
        checked = stage.model_copy(update={"round_trip": "require"})
        whole = size / best_seconds(lambda checked=checked, tools=tools: checked.map(batch, tools))
        print(f"stage, {name:<14}          {whole:7.2f} MB/s   unchecked {speed:7.2f}   library alone {alone:7.2f}")


def peer(file: Path, texts: list[str], ours: pa.RecordBatch) -> float:
    """The library's seconds on the same texts. Exits where its ids are others."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    seconds = best_seconds(lambda: tokenizer.encode_batch(texts, add_special_tokens=False))
    theirs = [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]
    if theirs != ours["input_ids"].to_pylist():
        sys.exit("the stage gives other ids than the library")
    return seconds


if __name__ == "__main__":
    main()
