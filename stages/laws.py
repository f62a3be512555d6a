"""The laws of stages, as a kit: run `check_stage(YourStage())` in your tests.

The idea: an engine may cut, order and repeat the work as it likes only because every stage keeps the same few laws; so
they are checked on the stage alone, without an engine, on made-up documents in many scripts and on texts that break
careless code. A breach is an AssertionError that names the law:

    description        the class and every field say what they are for; the model is frozen and forbids unknown fields
    identity           the fields survive JSON and come back as the same stage with the same fingerprint
    declared columns   `adds()` names every new column with its plain type, and the stage gives just these
    hostile texts      no text makes the stage raise, but for exceptions that its docstring names
    determinism        two workers, each with tools of its own, say the same
    cuts               any cut into batches gives the same rows, in whatever order one worker sees the batches
    empty batch        no rows in, no rows out, with the same columns
    needs              `id` and the columns of `needs()` and `uses()` are all it reads
    verdicts, rows, parents, derived rows, rejected rows, conservation, unchanged columns   see `stages/answers.py`
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any, Final

import orjson
import pyarrow as pa

from stages.answers import Answer, ask, check_declared_types, require, stage_name
from stages.errors import StageError
from stages.hashing import canonical_json
from stages.meanings import field_meanings
from stages.move import Move
from stages.specimens import hostile_texts, sample_documents
from stages.stage import Filter, Find, Map, Stage, identity

__all__ = ["check_stage", "sample_documents"]

BYSTANDER: Final = "law_bystander"
"""A column no stage knows: it has to come through."""

_NEVER_A_DOCUMENTS_FAULT: Final = (MemoryError, OSError, ImportError)
_CUTS: Final = 3


def check_stage(stage: Stage, documents: pa.RecordBatch | None = None, *, seed: int = 0) -> None:
    """Hold a Filter or a Map against every law above.

    `documents`: what to try it on, with `id`, the columns of `needs()` and any others; `sample_documents(64, seed)`
    when left out. `seed` also decides the random cuts. Raises AssertionError for the first breach found; ValueError
    when the documents are empty or lack a needed column; TypeError for a Find or a Move, which needs an engine to run
    on; StageError for what `open` raises, and MemoryError, OSError and ImportError as they come.
    """
    if isinstance(stage, Find | Move):
        kind = "Find" if isinstance(stage, Find) else "Move"
        raise TypeError(
            f"{stage_name(stage)} is a {kind}: documents have to meet, which takes an engine\n"
            "    mend: run it in a small pipeline with 1 and with 2 workers and compare the digests"
        )
    if not isinstance(stage, Filter | Map):
        raise TypeError(f"{stage_name(stage)} is neither a Filter nor a Map\n    mend: subclass one of them")
    check_description(stage)
    check_identity(stage)
    check_declared_types(stage)
    batch = _trial(stage, sample_documents(64, seed) if documents is None else documents)
    everything = pa.concat_batches([batch, *check_hostile_texts(stage, batch)])
    check_cuts(stage, everything, seed)
    check_needs(stage, everything)


def check_description(stage: Stage) -> None:
    """The class has a docstring of its own, every field a text; the model is frozen and forbids unknown fields."""
    kind, law = type(stage), "description"
    require(bool((vars(kind).get("__doc__") or "").strip()), stage, law, "the class has no docstring; it is the help")
    bare = [name for name, text in field_meanings(kind).items() if not text.strip()]
    require(not bare, stage, law, f"the fields {bare} have no docstring below them")
    whole = kind.model_config.get("frozen") is True and kind.model_config.get("extra") == "forbid"
    require(whole, stage, law, "its model_config must leave frozen=True and extra='forbid' as they are")
    numbered = type(kind.version) is int and kind.version >= 1
    require(numbered, stage, law, f"`version` is {kind.version!r}, not an integer from 1")


def check_identity(stage: Stage) -> None:
    """The fields, sent as JSON to a worker, make the same stage there, with the same identity."""
    law = "identity"
    try:
        rebuilt = type(stage).model_validate(orjson.loads(orjson.dumps(stage.model_dump(mode="json"))))
        same = canonical_json(identity(rebuilt)) == canonical_json(identity(stage))
    except (ValueError, TypeError) as fault:
        raise AssertionError(
            f"{stage_name(stage)} breaks the law of {law}: its fields are not JSON: {fault}"
        ) from fault
    require(rebuilt == stage and same, stage, law, f"rebuilt from its fields it is another stage: {rebuilt!r}")


def check_hostile_texts(stage: Filter | Map, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """No hostile text makes the stage raise anything its docstring does not name; the batches it survived come back.

    Hostile texts stand in every needed column of strings or bytes at once; in the last try those other than `text` are
    null.
    """
    tools, documented = stage.open(), _docstrings(stage)
    survived = []
    for number, (name, text) in enumerate({**hostile_texts(), "null in optional columns": None}.items()):
        row = _hostile_row(stage, batch, number, text)
        try:
            ask(stage, row, tools)
        except (AssertionError, *_NEVER_A_DOCUMENTS_FAULT):
            raise
        except Exception as fault:
            if type(fault).__name__ in documented:
                continue
            raise AssertionError(
                f"{stage_name(stage)} breaks the law of hostile texts: {name}: {type(fault).__name__}: {fault}\n"
                "    mend: give a verdict (a rule that starts with `error:` marks broken input), or name the exception "
                "in the docstring"
            ) from fault
        survived.append(row)
    return survived


def check_needs(stage: Stage, batch: pa.RecordBatch) -> None:
    """With `id` and the needed columns alone the stage says the same as with all."""
    added = list(stage.adds()) if isinstance(stage, Map) else None
    wide = ask(stage, batch, stage.open(), columns=added)
    only = [name for name in batch.schema.names if name == "id" or name in (*stage.needs(), *stage.uses())]
    try:
        narrow = ask(stage, batch.select(only), stage.open(), columns=added)
    except (AssertionError, StageError, *_NEVER_A_DOCUMENTS_FAULT):
        raise
    except Exception as fault:
        breach = (
            f"with {only} alone it raised {type(fault).__name__}: {fault}; declare in needs() or uses() what it reads"
        )
        raise AssertionError(f"{stage_name(stage)} breaks the law of needs: {breach}") from fault
    _same(stage, "needs", batch, wide, narrow, f"with {only} alone")


def check_cuts(stage: Stage, batch: pa.RecordBatch, seed: int) -> None:
    """The whole batch, twice, by two workers; row by row in a shuffled order; random cuts; no rows at all."""
    chance, tools = Random(seed), stage.open()
    whole = ask(stage, batch, stage.open())
    _same(stage, "determinism", batch, whole, ask(stage, batch, tools), "a second time, with tools of its own,")
    rows = batch.num_rows
    single = list(range(rows))
    chance.shuffle(single)
    _same(stage, "cuts", batch, whole, _pieces(stage, batch, tools, [(at, at + 1) for at in single]), "row by row")
    for _ in range(_CUTS):
        edges = sorted({0, rows, *(chance.randrange(rows + 1) for _ in range(4))})
        _same(stage, "cuts", batch, whole, _pieces(stage, batch, tools, list(pairwise(edges))), f"cut at {edges}")
    empty = ask(stage, batch.slice(0, 0), tools)
    require(empty.schema == whole.schema, stage, "empty batch", f"its columns are\n{empty.schema}\nnot\n{whole.schema}")


def _pieces(stage: Stage, batch: pa.RecordBatch, tools: Any, cuts: list[tuple[int, int]]) -> Answer:
    """The answers to slices of the batch, put back in the batch's order."""
    fates = [""] * batch.num_rows
    schema = None
    for start, end in cuts:
        answer = ask(stage, batch.slice(start, end - start), tools)
        other = f"a batch of the rows {start} to {end} has the columns\n{answer.schema}\nanother one\n{schema}"
        require(schema is None or answer.schema == schema, stage, "declared columns", other)
        schema = answer.schema
        fates[start:end] = answer.fates
    return Answer(tuple(fates), schema)


def _same(stage: Stage, law: str, batch: pa.RecordBatch, one: Answer, other: Answer, how: str) -> None:
    """Name the first row whose fate differs."""
    for row, (before, after) in enumerate(zip(one.fates, other.fates, strict=True)):
        if before != after:
            at = next((at for at, pair in enumerate(zip(before, after)) if pair[0] != pair[1]), 0)
            where = f"document {batch['id'][row]} (row {row})"
            told = f"first …{before[max(0, at - 60) : at + 60]}…, then …{after[max(0, at - 60) : at + 60]}…"
            require(False, stage, law, f"{how} {where} comes out otherwise: {told}")


def _trial(stage: Stage, documents: pa.RecordBatch) -> pa.RecordBatch:
    """The documents with a bystander column, once it is clear that the stage can be run on them."""
    missing = [name for name in ("id", *stage.needs()) if name not in documents.schema.names]
    if missing or not documents.num_rows:
        what = f"the documents lack {missing}" if missing else "there are no documents"
        raise ValueError(f"{stage_name(stage)} cannot be tried: {what}\n    mend: pass a RecordBatch that has them")
    if BYSTANDER in documents.schema.names:
        return documents
    return documents.append_column(BYSTANDER, pa.array(range(documents.num_rows), pa.int64()))


def _hostile_row(stage: Stage, batch: pa.RecordBatch, number: int, text: str | None) -> pa.RecordBatch:
    """The batch's first row with the hostile text in its needed columns and an id of its own."""
    row = batch.slice(0, 1)
    for at, field in enumerate(row.schema):
        value: Any
        if field.name == "id":
            value = f"{number:032x}"
        elif field.name not in stage.needs() or (field.name == "text" and text is None):
            continue
        elif text is None or pa.types.is_nested(field.type):
            value = None
        elif pa.types.is_string(field.type) or pa.types.is_binary(field.type):
            value = text.encode() if pa.types.is_binary(field.type) else text
        else:
            continue
        row = row.set_column(at, field, pa.array([value], field.type))
    return row


def _docstrings(stage: Filter | Map) -> str:
    """What the stage documents: the class and its method."""
    method = type(stage).judge if isinstance(stage, Filter) else type(stage).map
    return f"{type(stage).__doc__ or ''}\n{method.__doc__ or ''}"
