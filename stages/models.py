"""Models that a pipeline declares once and stages take by name.

    models:
      raw_hq: {fasttext: models/hq.bin, label: __label__hq}
    …
      - stages.score: {quality: raw_hq}

A field of the type `Named[FasttextModel]` takes the mapping itself or such a name. The idea: a name is looked up while
the pipeline is read, so a stage holds the mapping from then on; workers and fingerprints know no names. The field's
type says what the model must be, and paths in it are relative to the YAML file in which it was declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Model = TypeVar("Model")

UNKNOWN_MODEL: Final = "unknown_model"
"""The type of the error for a name that is not declared; its context has `known`, the names that are."""
UNFIT_MODEL: Final = "unfit_model"
"""The type of the error for a declared model that the field cannot take; its context has `name`, `kind` (the field's
type) and `error`."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A model as a pipeline declares it: its values, and the folder that paths in it are relative to."""

    values: Mapping[str, Any]
    base: str


@dataclass(frozen=True, slots=True)
class OrName:
    """Marks a field that takes the name of a declared model in place of the model; see `Named`.

    The names come from `models` in the validation context, a mapping of names to `Declared`.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_wrap_validator_function(partial(_by_name, source), handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "description": "The name of a model under `models`."}]}


Named = Annotated[Model, OrName()]
"""`llm: Named[SomeModel]`: the model as a mapping, or the name of a declared one."""


def _by_name(kind: Any, value: Any, check: core_schema.ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """The model of a mapping, or of the declared mapping that a name stands for."""
    if not isinstance(value, str):
        return check(value)
    context: dict[str, Any] = info.context or {}
    declared: Mapping[str, Declared] = context.get("models", {})
    if value not in declared:
        raise PydanticCustomError(
            UNKNOWN_MODEL, "there is no model named '{name}'", {"name": value, "known": tuple(declared)}
        )
    here = context.get("base")
    context["base"] = declared[value].base
    try:
        return check(dict(declared[value].values))
    except ValidationError as error:
        raise PydanticCustomError(
            UNFIT_MODEL, "the model named '{name}' does not fit here", {"name": value, "kind": kind, "error": error}
        ) from error
    finally:
        context["base"] = here
