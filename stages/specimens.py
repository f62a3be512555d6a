"""Made-up documents to try a stage on: several scripts and shapes of page, and texts that break careless code.

The idea: a stage that was only ever shown English prose meets its first emoji, NUL or megabyte line in the middle of a
crawl; here it meets them at home. Everything is made from the seed alone.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

import orjson
import pyarrow as pa

from stages.document import COLUMNS, document_id

SENTENCES: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "The mill stands where the river bends, and its wheel has turned since the bridge was built.",
        "Nobody in the village could say who had oiled the gears that winter.",
        "We measured the flow of water twice a day and wrote the numbers with a pencil.",
        "Flour from the first stones is coarse, so the baker sifts it before the dough rests.",
    ),
    "de": (
        "Die Mühle steht am Ufer, und das Rad dreht sich seit dem Bau der Brücke.",
        "Im Dorf wusste niemand, wer im Winter die Zahnräder geölt hatte.",
        "Zweimal am Tag haben wir den Wasserstand gemessen und aufgeschrieben.",
    ),
    "fr": (
        "Le moulin se trouve au bord de la rivière, là où le pont a été construit.",
        "Personne au village ne savait qui avait réparé la roue pendant l’hiver.",
    ),
    "ru": (
        "Мельница стоит у реки, и её колесо крутится с тех пор, как построили мост.",
        "Никто в деревне не знал, кто смазал шестерни той зимой.",
    ),
    "el": ("Ο μύλος βρίσκεται δίπλα στο ποτάμι και η ρόδα του γυρίζει χρόνια τώρα.",),
    "ar": ("تقع الطاحونة بجانب النهر، وعجلتها تدور منذ بناء الجسر.", "لم يعرف أحد في القرية من أصلح العجلة."),
    "he": ("הטחנה עומדת ליד הנהר, והגלגל שלה מסתובב מאז שנבנה הגשר.",),
    "hi": ("चक्की नदी के किनारे खड़ी है और उसका पहिया पुल बनने के बाद से घूम रहा है।",),
    "th": ("โรงสีตั้งอยู่ริมแม่น้ำและกังหันหมุนมาตั้งแต่สร้างสะพาน",),
    "zh": ("磨坊坐落在河边,自从桥建成以来,水轮一直在转动。", "村里没有人知道那年冬天是谁修好了齿轮。"),
    "ja": ("水車小屋は川のそばにあり、橋が架かってからずっと回っています。",),
    "ko": ("방앗간은 강가에 있고 다리가 놓인 뒤로 물레방아가 계속 돌고 있다.",),
}
"""Sentences we wrote ourselves, by language."""

_SHAPES: Final = ("prose", "prose", "prose", "list", "short", "code", "repeated", "capitals")


def sample_documents(rows: int = 64, seed: int = 0) -> pa.RecordBatch:
    """Made-up documents with every column of `stages.document.COLUMNS`, the same for the same `rows` and `seed`.

    Twelve languages, prose, lists, code, capitals, repeated lines and very short texts; about one in eight repeats an
    earlier text under another id. Optional columns hold a null here and there.
    """
    chance = Random(seed)
    documents: list[dict[str, Any]] = []
    # Row by row: these are a few made-up documents for tests, never a hot path.
    for number in range(rows):
        language = chance.choice(sorted(SENTENCES))
        text = _page(chance, language)
        if documents and chance.random() < 0.12:
            text = chance.choice(documents)["text"]
        documents.append(_document(chance, seed, number, language, text))
    return pa.RecordBatch.from_pylist(documents, pa.schema(list(COLUMNS.items())))


def hostile_texts() -> dict[str, str]:
    """Texts that careless code falls over, by what is odd about them; one of them is a line of 1 MB."""
    return {
        "empty": "",
        "blanks": " \t \u00a0\u3000 ",
        "newlines only": "\n\n\r\n\n",
        "one letter": "a",
        "punctuation only": "... --- !!! ???",
        "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 🇺🇳 👍🏽 " * 20,
        "right to left": "\u202eقلب النص\u202c والنهر יחד עם עברית 123 abc " * 10,
        "NUL": "before\0after \0\0 end",
        "control characters": "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028\u2029\ufeff",
        "combining marks": "a" + "\u0301" * 5000 + " Z̷a̴l̵g̶o̷",
        "beyond the basic plane": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈𐌰𐌹 𠜎𠜱 \U0010ffff",
        "lines without text": "- \n• \n* \n" * 200,
        "label of a classifier": "__label__en </s> <|endoftext|> %s {0} {{x}} \\N",
        "numbers": "1 2 3 4.5 -6 7e8 ٣٤٥ ④ Ⅷ ½ " * 30,
        "one line of 1 MB": "x" * 2**20,
        "one word a thousand times": "mill " * 1000,
    }


def _page(chance: Random, language: str) -> str:
    """The text of one page, in one of several shapes."""
    sentences = [chance.choice(SENTENCES[language]) for _ in range(chance.randint(2, 12))]
    shape = chance.choice(_SHAPES)
    if shape == "list":
        return "\n".join(f"- {sentence}" for sentence in sentences)
    if shape == "short":
        return sentences[0][:20]
    if shape == "code":
        return "\n".join(
            f"def turn_{at}(wheel):\n    return wheel[{at}]  # {line}" for at, line in enumerate(sentences)
        )
    if shape == "repeated":
        return "\n".join([sentences[0]] * 8 + sentences[1:])
    if shape == "capitals":
        return " ".join(sentences).upper()
    middle = len(sentences) // 2
    return "\n\n".join(" ".join(part) for part in (sentences[:middle], sentences[middle:]) if part)


def _document(chance: Random, seed: int, number: int, language: str, text: str) -> dict[str, Any]:
    """One row, with nulls in optional columns now and then."""

    def perhaps(value: Any) -> Any:
        return value if chance.random() < 0.85 else None

    return {
        "id": document_id("specimens", str(seed), str(number)),
        "text": text,
        "source_id": perhaps(f"item-{number}"),
        "record_id": perhaps(f"<urn:specimen:{seed}:{number}>"),
        "parent_id": None,
        "url": perhaps(f"https://village.example/{language}/page-{number}.html?from=mill#top"),
        "source": "specimens",
        "dump": perhaps("2024-10"),
        "date": perhaps(f"2024-03-{number % 28 + 1:02d}T08:00:00Z"),
        "title": perhaps(text[:30].strip()),
        "file_path": "specimens.jsonl",
        "language": perhaps(language),
        "language_score": perhaps(round(chance.random(), 3)),
        "license": perhaps("CC0-1.0"),
        "metadata": perhaps(orjson.dumps({"number": number, "shape": {"words": len(text.split())}}).decode()),
        "blocks": _paragraphs(text),
    }


def _paragraphs(text: str) -> list[dict[str, Any]]:
    """The byte spans of a text's paragraphs."""
    spans: list[dict[str, Any]] = []
    start = 0
    for paragraph in text.split("\n\n"):
        end = start + len(paragraph.encode())
        spans.append({"kind": "paragraph", "start": start, "end": end})
        start = end + 2
    return spans
