"""What limits by language change: limits fitted to one half of documents in 48 languages, held against the other half.

    TEXTMILL_DATA=/path/to/data python benchmarks/fit_multilingual.py [--markdown]

Every second document of `multilingual/docs.jsonl.gz` (documentation, 48 languages and scripts) is the reference of
`textmill fit thresholds`, with its methods as they come; the others are judged by gopher_repetition, fineweb (as
FineWeb2 sets it up) and gopher_quality one after the other: with the limits of English, with these and without the rule
on (English) stop words, and with the fitted limits. Prints the share of documents that go. Languages with fewer than 50
documents in the reference are judged by the limits of their script. Then the same for each method alone: over the
languages with limits of their own, the median share that goes, and the middle half of the languages.
"""

from __future__ import annotations

import gzip
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
import pyarrow as pa

from jobs.fit.corpora import Corpus
from jobs.fit.limits_text import limits_text
from jobs.fit.methods import METHODS
from jobs.fit.thresholds import Settings, fit_thresholds
from stages.language_limits import LimitsFile, adaptive_filters
from stages.limits_file import read_limits
from stages.stage import Filter

FEWEST: Final = 50
LABELS: Final = {
    "ar": "arb_Arab", "as": "asm_Beng", "ca": "cat_Latn", "cs": "ces_Latn", "da": "dan_Latn", "de": "deu_Latn",
    "dz": "dzo_Tibt", "el": "ell_Grek", "en": "eng_Latn", "es": "spa_Latn", "et": "ekk_Latn", "eu": "eus_Latn",
    "fa": "fas_Arab", "fi": "fin_Latn", "fr": "fra_Latn", "gl": "glg_Latn", "gu": "guj_Gujr", "hi": "hin_Deva",
    "hr": "hrv_Latn", "hu": "hun_Latn", "id": "ind_Latn", "it": "ita_Latn", "ja": "jpn_Jpan", "km": "khm_Khmr",
    "ko": "kor_Hang", "lt": "lit_Latn", "lv": "lvs_Latn", "mr": "mar_Deva", "nb": "nob_Latn", "nl": "nld_Latn",
    "nn": "nno_Latn", "om": "orm_Latn", "pl": "pol_Latn", "pt": "por_Latn", "pt-BR": "por-BR_Latn", "ro": "ron_Latn",
    "ru": "rus_Cyrl", "sl": "slv_Latn", "sr": "srp_Cyrl", "sr-Latn": "srp_Latn", "sv": "swe_Latn", "ta": "tam_Taml",
    "te": "tel_Telu", "tr": "tur_Latn", "uk": "ukr_Cyrl", "vi": "vie_Latn", "zh-Hans": "cmn_Hani",
    "zh-Hant": "yue_Hani",
}  # fmt: skip
FILTERS: Final[dict[str, dict[str, Any]]] = {
    "gopher_repetition": dict.fromkeys(
        ("max_duplicate_paragraphs", "max_duplicate_paragraph_characters", "max_duplicate_line_characters")
    ),
    "fineweb": {"max_short_lines": None, "max_duplicate_line_characters": 0.1},
    "gopher_quality": {},
}


def halves(home: Path, folder: Path) -> list[list[dict[str, Any]]]:
    """The documents in turn: reference and judged, each also as a file."""
    found: list[list[dict[str, Any]]] = [[], []]
    met: dict[str, int] = {}
    with gzip.open(home / "multilingual" / "docs.jsonl.gz") as file:
        for line in file:
            document = orjson.loads(line)
            label = LABELS[document["lang"]]
            met[label] = met.get(label, 0) + 1
            found[met[label] % 2].append({"text": document["text"], "language": label})
    for name, half in zip(("reference", "judged"), found):
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(map(orjson.dumps, half)))
    return found


def removed(documents: list[dict[str, Any]], fields: dict[str, dict[str, Any]]) -> list[str | None]:
    """For each document the filter that drops it, or None."""
    batch = pa.RecordBatch.from_pylist(documents)
    gone: list[str | None] = [None] * len(documents)
    for name, more in fields.items():
        stage = adaptive_filters()[name].model_validate({**FILTERS[name], **more})
        assert isinstance(stage, Filter)
        for at, rule in enumerate(stage.judge(batch, stage.open()).rule.to_pylist()):
            gone[at] = gone[at] or (rule and name)
    return gone


def fitted(folder: Path, judged: list[dict[str, Any]], methods: tuple[str, ...]) -> tuple[LimitsFile, list[str | None]]:
    """Limits fitted to the reference, and what they drop."""
    settings = Settings(methods, min_documents=FEWEST)
    found = fit_thresholds(Corpus((str(folder / "reference.jsonl"),)), None, settings)
    limits = folder / "limits.yaml"
    limits.write_text(limits_text(found), "utf-8")
    return read_limits(limits), removed(judged, {name: {"limits": str(limits)} for name in FILTERS})


def share(judged: list[dict[str, Any]], gone: list[str | None], label: str) -> float:
    """Percent of a language's documents that go."""
    told = [one for one, document in zip(gone, judged) if document["language"] == label]
    return 100 * sum(one is not None for one in told) / len(told)


def main() -> None:
    home = os.environ.get("TEXTMILL_DATA")
    if not home:
        raise SystemExit("set TEXTMILL_DATA to the data folder")
    plain: dict[str, dict[str, Any]] = {name: {} for name in FILTERS}
    without = {**plain, "gopher_quality": {"min_stop_words": None}}
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        reference, judged = halves(Path(home), folder)
        began = time.process_time()
        file, gone = fitted(folder, judged, ())
        seconds = time.process_time() - began
        ways = {"English": removed(judged, plain), "without stop words": removed(judged, without), "fitted": gone}
        alone = {method: fitted(folder, judged, (method,))[1] for method in METHODS}
    size = sum(len(one["text"].encode()) for one in reference)
    print(
        f"{len(reference)} documents of {size / 1e6:.1f} MB fitted to, as many judged, in {seconds:.1f} CPU seconds\n"
    )
    rows = []
    for label in sorted({one["language"] for one in judged}):
        count = sum(one["language"] == label for one in judged)
        found = file.find(label)
        whose = "own" if found and found[0] == label else found[0] if found else "none"
        rows.append([label, str(count), whose, *(f"{share(judged, one, label):.0f} %" for one in ways.values())])
    everything = [100 * sum(one is not None for one in way) / len(judged) for way in ways.values()]
    rows.append(["all", str(len(judged)), "", *(f"{one:.0f} %" for one in everything)])
    head = ["language", "judged", "limits", *ways]
    if "--markdown" in sys.argv:
        print("\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)))
    else:
        for row in (head, *rows):
            print(f"{row[0]:14}{row[1]:>8}  {row[2]:14}" + "".join(f"{cell:>20}" for cell in row[3:]))
    print("\n| limits | removed, median of languages | middle half |\n|---|---|---|")
    own = sorted(file.languages)
    for name, one in {**ways, **alone}.items():
        shares = sorted(share(judged, one, label) for label in own)
        low, middle, high = (shares[len(shares) * quarter // 4] for quarter in (1, 2, 3))
        print(f"| {name} | {middle:.0f} % | {low:.0f} % to {high:.0f} % |")


if __name__ == "__main__":
    main()
