"""A pipeline becomes steps: what runs together, what each reads, and what changes which fingerprint."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.compile import compile_pipeline
from pipelines.plan import Plan
from stages.errors import PipelineError

FLAT = """\
textmill: 1
read: {stages.read: {paths: "data/*.jsonl"}}
steps:
  - filters.length: {min_words: 2}
  - filters.gopher_quality
  - dedup.exact
write: {to: out}
"""

FULL = """\
textmill: 1
seed: 7
sources:
  a: {stages.read: {paths: data}}
  b: {stages.read: {paths: more}}
streams:
  late: {from: [early, b], steps: [dedup.exact, {filters.length: {min_words: 1}}]}
  early: {from: a, steps: [{filters.length: {min_words: 2}}, {filters.length: {max_words: 9}, checkpoint: true}]}
write:
  all: {from: late, to: out/all, shard_size: 1MB, holdout: 10%}
  some: {from: early, to: out/some}
"""


def shape(plan: Plan) -> list[tuple[Any, ...]]:
    return [(step.kind, step.name, step.source, step.inputs, [link.name for link in step.links]) for step in plan.steps]


def prints(plan: Plan) -> list[str]:
    return [step.fingerprint for step in plan.steps]


def test_filters_run_as_one_step_and_a_find_as_its_own(bench: Any) -> None:
    plan = bench.compile(FLAT)

    assert shape(plan) == [
        ("map", "gopher_quality", "main", (), ["filters.length", "filters.gopher_quality"]),
        ("find", "exact", None, (0,), ["dedup.exact"]),
        ("write", "write", None, (1,), []),
    ]
    assert plan.home == str(bench.folder / "out")
    assert plan.steps[0].links[1].at == "p.yaml:5"


def test_streams_are_joined_ordered_and_cut_where_two_take_from_one(bench: Any) -> None:
    plan = bench.compile(FULL)

    assert shape(plan) == [
        ("map", "length", "a", (), ["early/filters.length", "early/filters.length (2)"]),
        ("map", "read", "b", (), []),
        ("find", "exact", None, (0, 1), ["late/dedup.exact"]),
        ("map", "length", None, (2,), ["late/filters.length"]),
        ("write", "write", None, (3,), []),
        ("write", "write", None, (0,), []),
    ]
    output = plan.steps[4].output
    assert output is not None
    assert (output.shard_size, output.holdout) == (10**6, 0.1)
    assert plan.home == str(bench.folder / "out")
    assert plan.seed == 7


def test_a_pipeline_without_steps_still_reads(bench: Any) -> None:
    plan = bench.compile(FLAT[: FLAT.index("  - filters")] + "write: {to: out}\n")

    assert shape(plan) == [("map", "read", "main", (), []), ("write", "write", None, (0,), [])]


def test_a_find_at_the_start_waits_for_a_step_that_reads(bench: Any) -> None:
    plan = bench.compile(FLAT.replace("  - filters.length: {min_words: 2}\n  - filters.gopher_quality\n", ""))

    assert [step[1] for step in shape(plan)] == ["read", "exact", "write"]


def test_a_checkpoint_and_a_dear_stage_end_a_step(bench: Any) -> None:
    (bench.folder / "own.py").write_text(
        "from stages.stage import Map\n\n\nclass Dear(Map):\n    ends_step = True\n\n"
        "    def map(self, batch, tools):\n        return batch\n"
    )
    steps = "  - ./own.py:Dear\n  - filters.length: {min_words: 2}\n    checkpoint: true\n    name: short\n"

    plan = bench.compile(FLAT.replace("  - filters.length: {min_words: 2}\n", steps))

    assert shape(plan)[:3] == [
        ("map", "Dear", "main", (), ["own.py:Dear"]),
        ("map", "length", None, (0,), ["short"]),
        ("map", "gopher_quality", None, (1,), ["filters.gopher_quality"]),
    ]


def test_a_source_that_two_take_from_is_read_once(bench: Any) -> None:
    plan = bench.compile(
        "textmill: 1\nsources: {a: {stages.read: {paths: data}}}\n"
        "streams: {x: {from: a, steps: [dedup.exact]}, y: {from: a}}\n"
        "write: {x: {from: x, to: out/x}, y: {from: [y], to: out/y}}\n"
    )

    assert [step[1:4] for step in shape(plan)] == [
        ("read", "a", ()),
        ("exact", None, (0,)),
        ("write", None, (1,)),
        ("write", None, (0,)),
    ]


def test_columns_of_the_run_directory_stay_there(bench: Any) -> None:
    plan = bench.compile(FLAT)
    output = plan.steps[-1].output

    assert output is not None
    assert "text" in output.columns
    assert [name for name in output.columns if name.startswith("_")] == []
    assert plan.steps[-1].schema.names == list(output.columns)
    assert "_offset" in plan.steps[-1].schema_in.names


def test_fingerprints_do_not_depend_on_where_things_stand_or_how_they_run(bench: Any, tmp_path: Path) -> None:
    here = bench.compile(FLAT)
    away = tmp_path / "far" / "away"
    shutil.copytree(bench.folder / "data", away / "data")
    (away / "p.yaml").write_text(FLAT.replace("to: out", "to: elsewhere"))

    there = compile_pipeline(
        away / "p.yaml",
        settings=["run.batch_rows=7", "name=other", "seed=0"],
        overrides={"workers": 3, "memory": "1GB", "engine": None},
        working_directory=away,
    )

    assert prints(here) == prints(there)
    assert (there.run.workers, there.run.memory, there.run.batch_rows) == (3, 10**9, 7)


@pytest.mark.parametrize(
    ("settings", "same"),
    [
        (["steps.dedup.exact.by=url"], 1),
        (["steps.filters.length.min_words=3"], 0),
        (["steps.dedup.exact.name=exactly"], 1),
        (["steps.filters.gopher_quality.where=language == 'eng_Latn'"], 0),
        (["steps.filters.gopher_quality.resources={cpus: 2, memory: 1GB}"], 3),
        (["run.max_document_bytes=1MB"], 0),
        (["write.shard_size=1MB"], 2),
        (["write.holdout=1%"], 2),
        (["seed=5"], 2),
        (["read.split_size=1KB"], 0),
    ],
)
def test_a_change_renews_the_steps_from_there_on(bench: Any, settings: list[str], same: int) -> None:
    before, after = prints(bench.compile(FLAT)), prints(bench.compile(FLAT, settings))

    assert [one == other for one, other in zip(before, after)] == [number < same for number in range(3)]


def test_changed_data_and_limits_renew_everything(bench: Any) -> None:
    before = bench.compile(FLAT)
    limited = bench.compile(FLAT, limit=1)
    (bench.folder / "data" / "a.jsonl").write_text('{"text": "other words"}\n')
    changed = bench.compile(FLAT)

    assert not set(prints(before)) & set(prints(limited))
    assert not set(prints(before)) & set(prints(changed))
    assert sum(split.limit or 0 for split in limited.sources["main"].splits) == 1


def test_the_plan_holds_the_yaml_that_ran(bench: Any) -> None:
    assert bench.compile(FLAT).text == FLAT

    text = bench.compile(FLAT, ["steps.filters.length.min_words=7"]).text
    again = bench.compile(text)

    assert "# --set steps.filters.length.min_words=7" in text
    assert again.steps[0].links[0].identity["fields"]["min_words"] == 7


def test_streams_with_other_columns_are_joined_with_a_note(bench: Any) -> None:
    plan = bench.compile(
        "textmill: 1\nsources: {a: {stages.read: {paths: data}}, b: {stages.read: {paths: more}}}\n"
        "streams: {x: {from: a, steps: [{filters.length: {min_words: 1, mode: tag}}]}, y: {from: b}}\n"
        "write: {from: [x, y], to: out}\n"
    )

    assert plan.steps[-1].schema.names[-2:] == ["length_rule", "length_words"]
    assert "length_rule" in plan.notes[0]


def test_a_source_whose_documents_meet_again_is_noted_where_they_do(bench: Any) -> None:
    plan = bench.compile(
        "textmill: 1\nsources: {a: {stages.read: {paths: data}}, b: {stages.read: {paths: more}}}\n"
        "streams: {x: {from: [b, a]}, y: {from: [x, a], steps: [dedup.exact]}}\n"
        "write: {from: y, to: out}\n"
    )

    [note] = plan.notes
    assert note.startswith("stream y: documents of a come to it on several ways")
    assert "unless dedup.exact follows" in note


def test_lists_belong_to_the_file_that_names_them(bench: Any) -> None:
    (bench.folder / "own.py").write_text(
        "from stages.fields import ContentPath\nfrom stages.stage import Map\n\n\n"
        "class Listed(Map):\n    words: ContentPath\n"
    )
    (bench.folder / "base").mkdir()
    (bench.folder / "base" / "words.txt").write_text("base\n")
    (bench.folder / "words.txt").write_text("mine\n")
    base = FLAT.replace("filters.gopher_quality", "../own.py:Listed: {words: words.txt}")
    (bench.folder / "base" / "base.yaml").write_text(base)

    plain = bench.compile("extends: base/base.yaml\n")
    mine = bench.compile("extends: base/base.yaml\nset: {'steps.../own.py:Listed.words': words.txt}\n")
    told = bench.compile("extends: base/base.yaml\n", ["steps.../own.py:Listed.words=words.txt"])

    paths = [plan.steps[0].links[1].spec.fields["words"] for plan in (plain, mine, told)]
    assert paths == [str(bench.folder / name) for name in ("base/words.txt", "words.txt", "words.txt")]
    assert prints(plain)[0] != prints(mine)[0] == prints(told)[0]


def test_a_recipe_is_known_by_its_name(bench: Any) -> None:
    with pytest.raises(PipelineError, match=r"did you mean 'quick'\?"):
        compile_pipeline("quik", working_directory=bench.folder)
