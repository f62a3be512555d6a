"""How many tokens a text has: exactly with a `tokenizer.json`, else by a stated estimate.

The estimate is one token for 3 bytes, rounded up (`rewrite.llm.estimate_tokens`): more than most tokenizers make of
prose, so that what is planned with it fits. It needs no model, so plans and replays do not either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rewrite.windows import Unit, byte_sizes, windows
from stages.errors import StageError

BYTES_PER_TOKEN: Final = 3


@dataclass(frozen=True, slots=True)
class Ruler:
    """Measures and cuts texts in tokens. `tokenizer`: of the library `tokenizers`, or None for the estimate."""

    tokenizer: Any

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special ones."""
        if self.tokenizer is None:
            return [-(-size // BYTES_PER_TOKEN) for size in byte_sizes(texts)]
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def windows(self, text: str, unit: Unit, max_tokens: int) -> list[str]:
        """The text in windows of at most `max_tokens`. With a tokenizer the tokens of units are added up."""
        if self.tokenizer is None:
            return windows(text, unit, max_tokens * BYTES_PER_TOKEN, byte_sizes)
        return windows(text, unit, max_tokens, self.count)


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts documents for a prompt: windows of paragraphs and finer, none of them tiny.

    `max_tokens`: of a window, None never cuts. A window below `min_tokens` joins its neighbour, so windows may be that
    much larger: of three words a model makes up a page.
    """

    ruler: Ruler
    max_tokens: int | None
    min_tokens: int

    def cut(self, text: str) -> list[str]:
        """The windows; in order they are the text."""
        if self.max_tokens is None:
            return [text]
        kept: list[str] = []
        sizes: list[int] = []
        found = self.ruler.windows(text, "paragraph", self.max_tokens)
        for window, size in zip(found, self.ruler.count(found)):
            if kept and min(size, sizes[-1]) < self.min_tokens:
                kept[-1] += window
                sizes[-1] += size
            else:
                kept.append(window)
                sizes.append(size)
        return kept


def open_ruler(path: Path | None) -> Ruler:
    """The ruler of a `tokenizer.json`, or of the estimate. Raises StageError for a file that is none."""
    if path is None:
        return Ruler(None)
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise StageError(
            'a tokenizer file needs the library tokenizers\n    mend: pip install "textmill[tokenize]", or leave '
            "`tokenizer` out to count one token for 3 bytes"
        ) from error
    try:
        return Ruler(Tokenizer.from_file(str(path)))
    except Exception as error:  # the library raises bare Exception for a file it cannot read
        raise StageError(f"{path} is no tokenizer.json: {error}\n    mend: name the file of a tokenizer") from error
