"""Which pairs of letters no language writes often: makes `stages/kernels/odd_pairs.txt`.

    TEXTMILL_DATA=/path/to/data python benchmarks/language_pairs.py > stages/kernels/odd_pairs.txt

(with the project installed, or PYTHONPATH set to its folder). Reads `langid/udhr.jsonl.gz`, the Universal Declaration
of Human Rights in some 500 languages; counts the pairs of ASCII letters of each translation that has 3,000 of them, and
prints those that are rarer than one in 2,000 in 98 of 100 of these. Noise plays no part in it.
"""

from __future__ import annotations

import gzip
import os
from collections import defaultdict
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt
import orjson

FEWEST = 3000
RARE = 1 / 2000
LANGUAGES = 0.98


def counted(text: str) -> npt.NDArray[np.int64]:
    """How often each letter of ASCII stands before each, whatever their case."""
    codes = np.frombuffer(text.encode().lower(), np.uint8).astype(np.int64) - ord("a")
    before, after = codes[:-1], codes[1:]
    pairs = (before >= 0) & (before < 26) & (after >= 0) & (after < 26)
    return np.bincount(before[pairs] * 26 + after[pairs], minlength=26 * 26)


def main() -> None:
    translations: defaultdict[str, list[str]] = defaultdict(list)
    with gzip.open(Path(os.environ["TEXTMILL_DATA"]) / "langid" / "udhr.jsonl.gz") as file:
        for line in file:
            record = orjson.loads(line)
            translations[record["udhr_code"]].append(record["text"])
    counts = [counted("\n".join(texts)) for texts in translations.values()]
    shares = np.stack([count / count.sum() for count in counts if count.sum() >= FEWEST])
    odd = np.quantile(shares, LANGUAGES, axis=0).reshape(26, 26) < RARE
    for letter, others in zip(ascii_lowercase, odd):
        pairs = [letter + other for other, is_odd in zip(ascii_lowercase, others) if is_odd]
        if pairs:
            print(" ".join(pairs))


if __name__ == "__main__":
    main()
