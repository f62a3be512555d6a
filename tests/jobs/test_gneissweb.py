"""The recipe `gneissweb` from end to end: tiny classifiers, and the very documents that its rule keeps."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import fasttext_new
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers

import pipelines
from filters.expression import Expression
from jobs.cli import run_command_line

TOPICS = {"medical": "fever", "education": "lesson", "technology": "kernel", "science": "quark"}
FILES = {
    "fasttext_oh_eli5": ("hq", "because"),
    "fasttext_gneissweb_quality_annotator": ("hq", "teaches"),
    "fasttext_medical": ("medical", TOPICS["medical"]),
    "fasttext_education": ("education", TOPICS["education"]),
    "fasttext_technology_computing": ("technology", TOPICS["technology"]),
    "fasttext_science": ("science", TOPICS["science"]),
}
EASY = "Birds sang loudly there. Water flowed slowly downhill. "
HARD = "so we go on to it and at it as he is in it or by it " * 3 + ". "
"""156 words in a sentence, all of them short."""
LONG = "the birds of a village by a river can see it all from up on a hill as we do or so it is said to us now. "
"""25 words in a sentence, 19 of them short: too hard to read, but for a category."""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder of models, each of which knows a document by one word, and a tokenizer with a token for every byte."""
    (tmp_path / "models").mkdir()
    for name, (label, word) in FILES.items():
        other = [f"__label__cc {EASY}", f"__label__cc {HARD}", f"__label__cc {LONG}"]
        lines = [f"__label__{label} {word} {word} {word}"] * 60 + other * 20
        (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
        model = fasttext_new.train_supervised(
            input=str(tmp_path / "train.txt"), dim=8, bucket=100, epoch=30, lr=1.0, thread=1, verbose=0
        )
        model.save_model(str(tmp_path / "models" / f"{name}.bin"))
    letters = {letter: at for at, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(tmp_path / "models" / "tokenizer.json"))
    return tmp_path


def keeps(row: dict[str, float]) -> bool:
    """GneissWeb's rule as its notebook has it."""
    in_category = any(row[name] > 0.5 for name in TOPICS)
    good = row["quality"] > 0.002 or row["education_quality"] > 0.03
    readable = row["readability_eflaw"] < (70 if in_category else 30)
    low, high = (0.10, 0.50) if in_category else (0.22, 0.28)
    usual = low <= row["extreme_tokens_per_character"] <= high
    return (good and readable) or (good and usual)


def test_the_expression_is_the_rule() -> None:
    recipe = yaml.safe_load((Path(pipelines.__file__).parent / "gneissweb.yaml").read_text())
    stage = Expression.model_validate(recipe["steps"][-1]["filters.expression"])
    values = {
        "quality": (0.002, 0.0021),
        "education_quality": (0.03, 0.031),
        **dict.fromkeys(TOPICS, (0.5, 0.51)),
        "readability_eflaw": (29.9, 30.0, 69.9, 70.0),
        "extreme_tokens_per_character": (0.09, 0.10, 0.21, 0.22, 0.28, 0.29, 0.50, 0.51),
    }
    rows = [dict(zip(values, row)) for row in product(*values.values())]

    found = stage.judge(pa.RecordBatch.from_pylist(rows), stage.open())

    assert [rule is None for rule in found.rule.to_pylist()] == [keeps(row) for row in rows]


def test_the_recipe_keeps_what_its_rule_keeps(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = "because because because because because because because because because because because. "
    documents = {
        "easy and good": good + EASY,
        "easy, not good": EASY + "Nothing else happened today.",
        "hard and good": good[:-2] + " " + HARD,
        "long and good": good[:-2] + " " + LONG,
        "long, good, in a category": f"because because {'quark ' * 17}{LONG}",
        "hard, good, in a category": f"{good[:-2]} {'quark ' * 30}{HARD.replace(' it', ' us')}",
        "taught": "teaches " * 20 + ". " + EASY,
    }
    rows = [json.dumps({"title": name, "text": text}) for name, text in documents.items()]
    (house / "documents").mkdir()
    (house / "documents" / "a.jsonl").write_text("\n".join(rows))
    monkeypatch.chdir(house)

    code = run_command_line(["run", "gneissweb", "--workers", "1", "--set", f"vars.models={house}/models"])

    assert code == 0
    kept = pq.read_table(house / "out" / "data").to_pylist()
    assert sorted(row["title"] for row in kept) == ["easy and good", "long, good, in a category", "taught"]
