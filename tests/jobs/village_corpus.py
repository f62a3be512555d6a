"""Small corpora that the tests of jobs make for themselves, with exact copies, and a pipeline for them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

WORDS = (
    *("the", "of", "and", "to", "in", "a", "is", "that", "with", "have", "be", "river", "mill", "stone", "water"),
    *("bread", "village", "road", "winter", "summer", "garden", "letter", "music", "paper", "window", "morning"),
    *("evening", "people", "little", "great", "light", "house", "child", "work", "hand", "story"),
)


def documents(count: int, seed: int = 1) -> list[str]:
    """Texts of 20 to 300 words; every tenth is an exact copy of another."""
    chance = random.Random(seed)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(20, 300))) + "." for _ in range(count)]
    texts += texts[: count // 10]
    chance.shuffle(texts)
    return texts


def write_corpus(folder: Path, count: int = 300, files: int = 3, broken: int = 1, seed: int = 1) -> Path:
    """JSONL files of documents, each with `broken` lines that are no JSON at its end."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = documents(count, seed)
    for number in range(files):
        lines = [json.dumps({"text": text, "url": f"http://village.example/{number}"}) for text in texts[number::files]]
        lines += ["{broken"] * broken
        (folder / f"part{number}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


STEPS = (
    "filters.length: {min_words: 50}",
    "filters.gopher_quality: {min_words: 60}",
    "dedup.exact",
    "filters.length: {max_words: 280}",
)


def write_pipeline(
    file: Path,
    corpus: Path,
    to: Path,
    steps: Sequence[str] = STEPS,
    split_size: str = "40kB",
    shard_size: str = "60kB",
    pattern: str = "*.jsonl",
) -> Path:
    """A flat pipeline over the corpus."""
    listed = "".join(f"  - {step}\n" for step in steps)
    file.write_text(
        f"""textmill: 1
name: test
read: {{stages.read: {{paths: "{corpus}/{pattern}", split_size: {split_size}}}}}
steps:
{listed}write: {{to: "{to}", shard_size: {shard_size}}}
"""
    )
    return file
