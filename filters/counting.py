"""Filters that count in texts: how they cut words, and what of that is checked before a run."""

from __future__ import annotations

import pyarrow as pa

from filters.adaptive import AdaptiveFilter
from stages.counting import Counter, Wanted
from stages.limits_file import read_limits
from stages.words.splitters import Splitter, splitter_faults


class CountingFilter(AdaptiveFilter):
    """A filter whose rules compare counts of `stages.counting`, which neighbours share."""

    words: Splitter = "english"
    """How texts are cut into words: `english` as spaCy's English tokenizer does, which datatrove takes; `multilingual`
    by the same rules without what is English in them; `whitespace` as `str.split`; `unicode` into runs of letters,
    digits and marks; `chinese`, `japanese`, `thai`, `lao` by dictionaries (`textmill[words]`), `khmer`, `burmese` by
    clusters; `auto` by the column `language`."""

    def needs(self) -> tuple[str, ...]:
        needed = super().needs()
        return (*needed, "language") if self.words == "auto" and "language" not in needed else needed

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the limits file, and which packages the splitters of words are missing."""
        faults = [*super().check(schema), *splitter_faults(self.words, schema)]
        if self.limits is None or faults:
            return faults
        sections = read_limits(self.limits, type(self)).languages.values()
        assigned = dict.fromkeys(section.words for section in sections if section.words is not None)
        return [fault for words in assigned for fault in splitter_faults(words, schema)]

    def counts(self) -> Wanted:
        raise TypeError(f"{type(self).__name__} does not define counts")

    def open(self) -> Counter:
        """What counts; loads the kernel, so that no batch waits for it."""
        return Counter(self.counts())
