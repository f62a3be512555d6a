"""Named models of a pipeline: found by stages, checked at their own lines, relative to their own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fasttext_new
import pytest

from pipelines.schema import json_schema

STAGE = """
from typing import Annotated, Literal
from pydantic import BaseModel, Field
from stages.fields import ContentPath, Runtime
from stages.models import Named
from stages.stage import Map

class Remote(BaseModel, extra="forbid"):
    llm: Literal["http"]
    model: str
    base_url: Annotated[str, Runtime()] = ""

class Embedded(BaseModel, extra="forbid"):
    llm: Literal["cpu"]
    weights: ContentPath

class Talks(Map):
    llm: Named[Annotated[Remote | Embedded, Field(discriminator="llm")]]
    title: str = ""
"""
PIPELINE = """textmill: 1
read: {{stages.read: {{paths: data}}}}
steps: [./own.py:Talks: {{llm: {taken}}}]
write: {{to: out}}
models:
  far:
    llm: http
    model: m
  near:
    llm: cpu
    weights: w.bin
  {more}
"""


@pytest.fixture
def talking(bench: Any) -> Any:
    (bench.folder / "own.py").write_text(STAGE)
    (bench.folder / "w.bin").write_text("weights")
    return bench


def pipeline(taken: str, more: str = "") -> str:
    return PIPELINE.format(taken=taken, more=more)


def test_a_stage_takes_a_model_by_name_and_the_others_are_noted(talking: Any) -> None:
    plan = talking.compile(pipeline("near"))

    fields = plan.steps[0].links[0].spec.fields
    assert fields["llm"] == {"llm": "cpu", "weights": str(talking.folder / "w.bin")}
    assert plan.notes == ("models: no stage takes far",)


def test_a_name_and_its_mapping_are_one_fingerprint_and_ports_are_in_none(talking: Any) -> None:
    texts = ["far", "{llm: http, model: m}", "{llm: http, model: m, base_url: 'http://b'}", "{llm: http, model: n}"]

    told = [talking.compile(pipeline(taken)).steps[0].fingerprint for taken in texts]

    assert told[0] == told[1] == told[2] != told[3]


def test_a_models_paths_are_relative_to_the_file_that_declares_it(talking: Any) -> None:
    (talking.folder / "base").mkdir()
    (talking.folder / "base" / "base.yaml").write_text(pipeline("near").replace("./own", "../own"))
    (talking.folder / "base" / "w.bin").write_text("others")
    over = "extends: base/base.yaml\n"

    plain = talking.compile(over)
    own = talking.compile(f"{over}models: {{near: {{llm: cpu, weights: w.bin}}}}\n")
    part = talking.compile(f"{over}set: {{models.near.weights: w.bin}}\n")
    told = talking.compile(over, ["models.near.weights=w.bin"])

    paths = [plan.steps[0].links[0].spec.fields["llm"]["weights"] for plan in (plain, own, part, told)]
    assert paths == [str(talking.folder / name) for name in ("base/w.bin", "w.bin", "w.bin", "w.bin")]


@pytest.mark.parametrize(
    ("taken", "more", "where", "what", "mend"),
    [
        ("fra", "", "p.yaml:3", "there is no model named 'fra'", "did you mean 'far'?"),
        ("zzz", "", "p.yaml:3", "there is no model named 'zzz'", "declared: far, near"),
        ("3", "", "p.yaml:3", "llm: 3", ""),
        ("x", "x: {llm: cpu}", "p.yaml:12", "the model 'x' needs the field 'weights'", "write"),
        ("x", "x: {llm: http, model: m, bas_url: u}", "p.yaml:12", "'x' has no field 'bas_url'", "'base_url'?"),
        ("x", "x: {llm: http, model: 7}", "p.yaml:12", "the model 'x': model: 7 should be text", "quotes"),
        ("x", "x: {llm: htp, model: m}", "p.yaml:12", "'llm' \"htp\" should be 'http', 'cpu'", ""),
        ("x", "x: {llm: cpu, weights: no.bin}", "p.yaml:12", "the model 'x': weights: the file", "folder of the YAML"),
        ("x", "x: 3", "p.yaml:12", "the model 'x' should say what it is", "write"),
        ("x", "x: {llm: cpu, weights: '${vars.gone}'}", "p.yaml:12", "gone", ""),
        ("'${vars.gone}'", "", "p.yaml:3", "gone", ""),
        ("{llm: http, model: m, bas_url: u}", "", "p.yaml:3", "has no field 'llm.bas_url'", "'base_url'?"),
    ],
)
def test_a_wrong_model_is_one_fault_at_its_own_line(
    talking: Any, taken: str, more: str, where: str, what: str, mend: str
) -> None:
    [fault] = talking.faults(pipeline(taken, more))

    assert fault[0] == where
    assert what in fault[1]
    assert mend in fault[2]


def test_two_stages_with_one_wrong_model_have_one_fault(talking: Any) -> None:
    step = "./own.py:Talks: {llm: x}"
    text = pipeline("x", "x: {llm: http}").replace(step, f"{step}, {step}")

    [fault] = talking.faults(text)

    assert fault[:2] == ("p.yaml:12", "the model 'x' needs the field 'model'")


def test_a_model_that_no_valid_stage_takes_is_no_fault(talking: Any) -> None:
    assert talking.faults(pipeline("near", "odd: {anything: at all}")) == []


def test_models_may_be_left_empty(talking: Any) -> None:
    assert talking.faults("textmill: 1\nread: {stages.read: {paths: data}}\nwrite: {to: out}\nmodels:\n") == []


def test_the_schema_for_editors_takes_declared_models() -> None:
    assert json_schema()["properties"]["models"]["additionalProperties"] == {"type": "object"}


SCORED = """textmill: 1
read: {{stages.read: {{paths: data}}}}
steps:
  - stages.score:
      quality: {model}
  - filters.expression: {{keep: "{keep}"}}
write: {{to: out}}
models:
  raw_hq: {{fasttext: models/hq.bin, label: {label}}}
"""


@pytest.fixture
def scoring(bench: Any) -> Any:
    (bench.folder / "train.txt").write_text("__label__hq one two three\n__label__low four five six\n")
    model = fasttext_new.train_supervised(input=str(bench.folder / "train.txt"), dim=4, thread=1, verbose=0)
    (bench.folder / "models").mkdir()
    model.save_model(str(bench.folder / "models" / "hq.bin"))
    return bench


def scored(model: str = "raw_hq", keep: str = "quality > 0.02", label: str = "__label__hq") -> str:
    return SCORED.format(model=model, keep=keep, label=label)


def test_a_score_and_a_decision_on_it_compile(scoring: Any) -> None:
    plan = scoring.compile(scored())

    assert str(plan.steps[0].schema.field("quality").type) == "float"
    assert plan.notes == ()


@pytest.mark.parametrize(
    ("changed", "where", "what", "mend"),
    [
        ({"model": "raw"}, "p.yaml:5", "there is no model named 'raw'", "'raw_hq'?"),
        ({"model": "{fasttext: models/hq.bin}"}, "p.yaml:5", "needs the field 'quality.label'", "label"),
        ({"model": "{fasttext: models/hq.bin, lab: hq}"}, "p.yaml:5", "field 'quality.lab", "label"),
        ({"model": "{fasttext: hq.bin, label: hq}"}, "p.yaml:5", "hq.bin is missing", "folder of the YAML"),
        ({"label": "high"}, "p.yaml:4", "has no label 'high'", ""),
        ({"label": "7"}, "p.yaml:9", "the model 'raw_hq': label: 7 should be text", "quotes"),
        ({"keep": "qualty > 0.02"}, "p.yaml:6", "'qualty'", "add such a stage"),
        ({"keep": "quality > 'high'"}, "p.yaml:6", "quality", "columns here"),
    ],
)
def test_what_is_wrong_with_a_score_is_told_at_its_line(
    scoring: Any, changed: dict[str, str], where: str, what: str, mend: str
) -> None:
    found = scoring.faults(scored(**changed))

    assert any(fault[0] == where and what in fault[1] and mend in fault[2] for fault in found), found


def test_the_schema_for_editors_takes_columns_with_a_model_or_its_name() -> None:
    told = json_schema()["$defs"]["stages.score"]

    model, name = told["additionalProperties"]["anyOf"]
    assert (sorted(model["properties"]), name["type"]) == (
        ["fasttext", "label", "max_chars", "newline", "punctuation"],
        "string",
    )
    assert "required" not in told


def test_a_model_file_counts_by_its_content(scoring: Any, tmp_path: Path) -> None:
    before = scoring.compile(scored()).steps[0].fingerprint
    (tmp_path / "models" / "hq.bin").rename(tmp_path / "models" / "moved.bin")
    moved = scoring.compile(scored().replace("hq.bin", "moved.bin")).steps[0].fingerprint
    content = bytearray((tmp_path / "models" / "moved.bin").read_bytes())
    content[-1] ^= 1
    (tmp_path / "models" / "moved.bin").write_bytes(content)

    assert before == moved != scoring.compile(scored().replace("hq.bin", "moved.bin")).steps[0].fingerprint
