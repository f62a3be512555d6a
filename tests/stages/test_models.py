"""A field takes a model as a mapping or by the name under which a pipeline declares it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from stages.fields import ContentPath, Runtime
from stages.load import make_spec
from stages.models import Declared, Named
from stages.stage import Map, identity


class Remote(BaseModel, extra="forbid"):
    llm: Literal["http"]
    model: str
    base_url: Annotated[str, Runtime()] = ""


class Local(BaseModel, extra="forbid"):
    llm: Literal["cpu"]
    weights: ContentPath


class Talks(Map):
    llm: Named[Annotated[Remote | Local, Field(discriminator="llm")]]
    more: dict[str, Named[Local]] = Field(default_factory=dict)


@pytest.fixture
def context(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "w.bin").write_bytes(b"weights")
    models = {
        "small": Declared({"llm": "cpu", "weights": "w.bin"}, str(tmp_path / "there")),
        "far": Declared({"llm": "http", "model": "m", "base_url": "http://a"}, str(tmp_path)),
        "broken": Declared({"llm": "cpu", "weight": "w.bin"}, str(tmp_path)),
    }
    return {"base": str(tmp_path), "models": models}


def test_a_name_stands_for_the_mapping_with_paths_from_where_it_was_declared(
    context: dict[str, Any], tmp_path: Path
) -> None:
    fields = {"llm": "small", "more": {"a": "small", "b": {"llm": "cpu", "weights": "own.bin"}}}

    stage = Talks.model_validate(fields, context=context)

    there, here = tmp_path / "there" / "w.bin", tmp_path / "own.bin"
    assert stage.llm == Local(llm="cpu", weights=there)
    assert [model.weights for model in stage.more.values()] == [there, here]


def test_a_stage_travels_with_the_mapping_and_needs_no_names(context: dict[str, Any]) -> None:
    stage = Talks.model_validate({"llm": "far", "more": {"a": "small"}}, context=context)

    fields = dict(make_spec(stage).fields)

    assert fields["llm"] == {"llm": "http", "model": "m", "base_url": "http://a"}
    assert Talks.model_validate(fields, context={"base": "/"}) == stage


def test_a_named_model_counts_by_content_and_without_runtime_fields(context: dict[str, Any]) -> None:
    def fields_of(stage: Talks) -> Any:
        return identity(stage)["fields"]

    stage = Talks.model_validate({"llm": "far", "more": {"a": "small"}}, context=context)
    moved = Remote(llm="http", model="m", base_url="http://elsewhere")

    assert fields_of(stage)["llm"] == {"llm": "http", "model": "m"}
    assert fields_of(stage) == fields_of(stage.model_copy(update={"llm": moved}))
    assert list(fields_of(stage)["more"]["a"]["weights"]) == ["content"]


def test_an_unknown_name_is_refused_with_the_known_ones(context: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no model named 'smal'") as caught:
        Talks.model_validate({"llm": "smal"}, context=context)

    assert caught.value.errors()[0]["ctx"]["known"] == ("small", "far", "broken")


def test_a_name_without_declarations_is_refused() -> None:
    with pytest.raises(ValidationError, match="no model named 'small'"):
        Talks.model_validate({"llm": "small"})


def test_a_declaration_that_does_not_fit_is_refused_by_its_name(context: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="model named 'broken' does not fit") as caught:
        Talks.model_validate({"llm": "broken"}, context=context)

    inner = caught.value.errors()[0]["ctx"]["error"]
    assert [error["loc"] for error in inner.errors()] == [("cpu", "weights"), ("cpu", "weight")]
