"""Tokenizers behind one face: what the stage `stages.tokenize` encodes with, and what notebooks and tests decode with.

from stages.tokenizers import decode, open_tokenizer

tokenizer = open_tokenizer("cl100k")             # or the path of a Hugging Face tokenizer.json
decode(tokenizer, row["input_ids"])              # the bytes of the documents, without BOS, EOS and padding
decode(tokenizer, row["input_ids"], controls="show")
"""

from __future__ import annotations

from pathlib import Path

from stages.tokenizers.offline import VOCABULARIES, open_vocabulary
from stages.tokenizers.tokenizer import Tokenizer, decode

__all__ = ["VOCABULARIES", "Tokenizer", "decode", "open_tokenizer"]


def open_tokenizer(source: str | Path) -> Tokenizer:
    """The tokenizer of a name in `VOCABULARIES`, of a file `tokenizer.json`, or inside a model's `.gguf`.

    Raises StageError where the library is not installed or the file is no tokenizer.
    """
    if isinstance(source, str) and source in VOCABULARIES:
        return open_vocabulary(source)
    if Path(source).suffix == ".gguf":
        from stages.tokenizers.gguf import open_gguf

        return open_gguf(Path(source))
    from stages.tokenizers.huggingface import open_file

    return open_file(Path(source))
