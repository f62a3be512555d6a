"""The shipped recipes compile, and mean what their names say."""

from __future__ import annotations

from pathlib import Path

import fasttext_new
import pytest
from tokenizers import Tokenizer, models

from pipelines import compile_pipeline, recipe_names
from stages.archives.write import WarcWriter
from stages.errors import PipelineError

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>Some words.</p></body></html>"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.jsonl").write_text('{"text": "some words"}\n')
    for folder in ("crawl", "good", "other"):
        (tmp_path / folder).mkdir()
        with (tmp_path / folder / "a.warc.gz").open("wb") as file:
            writer = WarcWriter(file)
            date, name = "2024-01-01T00:00:00Z", "urn:uuid:7a9f5f4e-0000-4000-8000-000000000001"
            writer.write("response", record_id=name, date=date, block=PAGE, url="http://a.example/")
    lines = ["__label__positive the mill grinds the flour\n", "__label__negative buy watches now\n"]
    (tmp_path / "train.txt").write_text("".join(lines * 5))
    model = fasttext_new.train_supervised(input=str(tmp_path / "train.txt"), dim=4, bucket=100, thread=1, verbose=0)
    model.save_model(str(tmp_path / "model.bin"))
    _gneissweb_models(tmp_path)
    return tmp_path


def _gneissweb_models(place: Path) -> None:
    """What the recipe `gneissweb` takes from its users, without anything in it."""
    (place / "models").mkdir()
    names = {"oh_eli5": "hq", "gneissweb_quality_annotator": "hq", "technology_computing": "technology"}
    for name, label in {**names, **{name: name for name in ("medical", "education", "science")}}.items():
        (place / "train.txt").write_text(f"__label__{label} the mill\n__label__cc buy watches\n")
        model = fasttext_new.train_supervised(input=str(place / "train.txt"), dim=2, bucket=10, minCount=1, verbose=0)
        model.save_model(str(place / "models" / f"fasttext_{name}.bin"))
    Tokenizer(models.BPE(vocab={"a": 0}, merges=[])).save(str(place / "models" / "tokenizer.json"))


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_runs_on_its_default_paths(place: Path, name: str) -> None:
    # A model's path starts at the YAML file, which for a recipe is nowhere of the user's.
    settings = {"full": ["vars.classifier=model.bin"], "gneissweb": ["vars.models=models"]}.get(name, [])
    plan = compile_pipeline(name, settings=settings, working_directory=place)

    assert plan.name == name
    assert plan.file == f"{name}.yaml"
    assert plan.home == str(place / "out")
    assert plan.text.startswith("#")


def test_the_full_recipe_names_the_model_that_it_misses(place: Path) -> None:
    with pytest.raises(PipelineError, match=r"model\.bin is missing"):
        compile_pipeline("full", working_directory=place)


def test_the_demo_stores_extracted_text_before_it_is_filtered(place: Path) -> None:
    plan = compile_pipeline("demo", working_directory=place)

    assert [step.name for step in plan.steps] == ["extract", "gopher_quality", "exact", "minhash", "write"]
    assert [link.name for link in plan.steps[0].links] == ["filters.url", "stages.extract"]
    output = plan.steps[-1].output
    assert output is not None
    assert "text" in output.columns
    assert "content" not in output.columns


def test_a_setting_on_the_command_line_reaches_its_step(place: Path) -> None:
    plan = compile_pipeline("quick", settings=["steps.dedup.minhash.threshold=0.8"], working_directory=place)

    assert plan.steps[2].links[0].identity["fields"]["threshold"] == 0.8
