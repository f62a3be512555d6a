"""Whatever is wrong with a pipeline is told: all of it, at its line, with its mend, before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from stages.errors import PipelineError

HEAD = 'textmill: 1\nread: {stages.read: {paths: "data/*.jsonl"}}\n'
TAIL = "write: {to: out}\n"


def only(found: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("step", "what", "mend"),
    [
        ("filters.lenght: {min_words: 2}", "no stage 'filters.lenght'", "filters.length"),
        ("length", "a stage's name has a dot", "filters.length"),
        ("7", "a step should be a stage", "filters.length: {"),
        ("{}", "has no stage", "filters.length"),
        ("checkpoint: true", "only checkpoint", "filters.length"),
        ("{dedup.exact: {}, filters.length: {}}", "2 stages: dedup.exact, filters.length", "new step"),
        ("{dedup.exact: {}, wehre: a}", "neither a stage nor a step key", "did you mean 'where'?"),
        ("{dedup.exact: {}, by: url}", "neither a stage nor a step key", "below it, indented"),
        ("{dedup.exact: {}, checkpoint: maybe}", "true or false", "checkpoint: true"),
        ("{dedup.exact: {}, name: two words}", "a word of letters", "second_pass"),
        ("{dedup.exact: {}, where: 5}", "should be an expression", "language"),
        ("{dedup.exact: {}, resources: {cpu: 2}}", "resources has no field 'cpu'", "did you mean 'cpus'?"),
        ("{dedup.exact: {}, resources: {cpus: 0}}", "greater than 0", ""),
        ("filters.length: {min_wrods: 2, min_bytes: 1}", "no field 'min_wrods'", "did you mean 'min_words'?"),
        ("filters.length: {min_words: many}", "'many' is not a count such as 30B", "Fewer words"),
        ("filters.length: {min_words: 1, mode: dorp}", "'drop' or 'tag'", "did you mean 'drop'?"),
        ("filters.length: [a]", "should be a mapping", "min_words"),
        ("filters.length: {min_words: 1, mode: 3}", "3 should be 'drop' or 'tag'", ""),
        ("filters.expression: {keep: url > 3}", "url", "columns here: id, text"),
        ("filters.expression: {keep: quality > 3}", "needs the column 'quality'", ""),
        ("filters.expression: {keep: quality >}", "keep", "expression"),
        ("stages.read: {paths: a}", "only a source may", "read:"),
        ("./none.py:Stage", "no stage file", "path"),
        ("dedup.exact: {by: '${vars.column}'}", "no variable 'column'", "vars: {column"),
    ],
)
def test_a_wrong_step_is_one_fault_at_its_line(bench: Any, step: str, what: str, mend: str) -> None:
    where, told, help_text = only(bench.faults(f"{HEAD}steps:\n  - dedup.exact\n  - {step}\n{TAIL}"))

    assert where == "p.yaml:5"
    assert what in told
    assert mend in help_text


@pytest.mark.parametrize(
    ("text", "where", "what", "mend"),
    [
        ("", "p.yaml:1", "the file is empty", "textmill: 1"),
        ("- a\n", "p.yaml:1", "should be a mapping", "textmill: 1"),
        (HEAD.replace("textmill: 1\n", "") + TAIL, "p.yaml:1", "`textmill` is missing", "textmill: 1"),
        (HEAD.replace("textmill: 1", "textmill: 2") + TAIL, "p.yaml:1", "not 2", "textmill: 1"),
        (HEAD.replace("textmill: 1", "textmill: true") + TAIL, "p.yaml:1", "not True", "textmill: 1"),
        (HEAD + TAIL + "sreed: 3\n", "p.yaml:4", "no top-level key 'sreed'", "did you mean 'seed'?"),
        (HEAD + TAIL + "seed: no\n", "p.yaml:4", "seed should be a whole number", "seed: 7"),
        (HEAD + TAIL + "name: 3\n", "p.yaml:4", "name should be text", "name:"),
        (HEAD + TAIL + "vars: 3\n", "p.yaml:4", "vars should be a mapping", "vars:"),
        (HEAD + TAIL + "vars: {a.b: 3}\n", "p.yaml:4", "no name for a variable", "letters"),
        (HEAD + TAIL + "models: {q: 3}\n", "p.yaml:4", "'q' should say what it is", "fasttext"),
        (HEAD + TAIL + "run: {workers: 0}\n", "p.yaml:4", "workers: 0", "Worker processes"),
        (HEAD + TAIL + "run: 4\n", "p.yaml:4", "run should be a mapping", "workers"),
        (HEAD + TAIL + "steps: dedup.exact\n", "p.yaml:4", "steps should be a list", "- "),
        (HEAD + TAIL + "sources: {a: stages.read}\n", "p.yaml:2", "short form", "streams"),
        (HEAD, "p.yaml:1", "`write` is missing", "write: {to: out}"),
        (HEAD + "write: out\n", "p.yaml:3", "write should be a mapping", "{to: out}"),
        (HEAD + "write: {}\n", "p.yaml:3", "no output", "to: out"),
        (HEAD + "write: {to: out, shard: 3}\n", "p.yaml:3", "no field 'shard'", "shard_size"),
        (HEAD + "write: {holdout: 1%}\n", "p.yaml:3", "needs the field 'to'", "to:"),
        (HEAD + "write: {to: out, holdout: 200%}\n", "p.yaml:3", "not a share", "holdout"),
        (HEAD + "write: {to: 's3://b/out'}\n", "p.yaml:3", "no folder of this machine", "local"),
        ("textmill: 1\n" + TAIL, "p.yaml:1", "`read` is missing", "stages.read"),
        ("textmill: 1\nread: data\n" + TAIL, "p.yaml:2", "a stage that reads", "paths"),
        ("textmill: 1\nread: {paths: data}\n" + TAIL, "p.yaml:2", "name the stage that reads", "stages.read: {paths"),
        ("textmill: 1\nread: {filters.length: {min_words: 1}}\n" + TAIL, "p.yaml:2", "does not read", "stages.read"),
        ("textmill: 1\nread: {stages.read: {paths: no/*.txt}}\n" + TAIL, "p.yaml:2", "no file", "pattern"),
        ("textmill: 1\nread: {stages.read: {paths: 7}}\n" + TAIL, "p.yaml:2", "7 should be text or a list", "quotes"),
        ("textmill: 1\nread: {stages.read: {path: data}}\n" + TAIL, "p.yaml:2", "", ""),
    ],
)
def test_a_wrong_section_is_a_fault_at_its_line(bench: Any, text: str, where: str, what: str, mend: str) -> None:
    found = bench.faults(text)

    assert all(one[0] == where for one in found)
    assert any(what in one[1] and mend in one[2] for one in found), found


SOURCES = "textmill: 1\nsources:\n  a: {stages.read: {paths: data}}\n  b: {stages.read: {paths: more}}\n"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("streams:\n  x: {from: [a, b]}\n  y: {from: x}\nwrite: {from: x, to: o}\n", 7, "stream 'y' is never used"),
        ("streams:\n  x: {from: a}\nwrite: {from: x, to: o}\n", 4, "source 'b' is never used"),
        ("streams:\n  x: {from: [a, b, c]}\nwrite: {from: x, to: o}\n", 6, "takes from 'c', which is neither"),
        ("streams:\n  x: {from: {a: 60%, b: -1}}\nwrite: {from: x, to: o}\n", 6, "greater than 0"),
        ("streams:\n  x: {from: [a, b]}\nwrite: {from: {x: 60%}, to: o}\n", 7, "only a stream mixes"),
        ("streams:\n  x: {from: [a, b, a]}\nwrite: {from: x, to: o}\n", 6, "takes 'a' twice"),
        ("streams:\n  x: {steps: []}\nwrite: {from: [x, a, b], to: o}\n", 6, "where its documents come from"),
        ("streams:\n  x: {from: [a, b], step: []}\nwrite: {from: x, to: o}\n", 6, "no key 'step'"),
        ("streams:\n  x: {from: [a, b, y]}\n  y: {from: x}\nwrite: {from: x, to: o}\n", 6, "in a circle"),
        ("streams:\n  x: {from: [x, a, b]}\nwrite: {from: x, to: o}\n", 6, "in a circle"),
        ("streams:\n  a: {from: [b]}\nwrite: {from: a, to: o}\n", 6, "both a source and a stream"),
        ("streams:\n  x: {from: [a, b]}\nwrite: {to: o}\n", 7, "where its documents come from"),
        ("streams:\n  x y: {from: [a, b]}\nwrite: {from: x y, to: o}\n", 6, "is no name"),
        ("streams:\n  x: {from: [a, b]}\nwrite:\n  p: {from: x, to: o}\n  q: {from: x, to: ./o}\n", 9, "one folder"),
        (
            "streams:\n  x: {from: [a, b]}\nwrite:\n  p: {from: x, to: /p/o}\n  q: {from: x, to: /q}\n",
            8,
            "no common folder",
        ),
        ("streams: {}\nwrite: {from: [a, b], too: o}\n", 6, "no field 'too'"),
    ],
)
def test_what_does_not_hang_together_is_a_fault(bench: Any, text: str, where: int, what: str) -> None:
    found = bench.faults(SOURCES + text)

    assert (f"p.yaml:{where}", True) in [(one[0], what in one[1]) for one in found], found


def test_all_faults_come_at_once_in_order_of_line(bench: Any) -> None:
    steps = "steps:\n  - filters.nix\n  - dedup.exact: {by: url, byy: 3}\n"
    text = f"{HEAD}{steps}write: {{to: 3}}\nseed: x\nrun: {{work: 3}}\n"

    found = bench.faults(text, ["nmae=x", "steps.filters.none.x=1"], overrides={"workers": 0})

    wheres = [one[0] for one in found]
    assert wheres == [
        *(f"p.yaml:{line}" for line in (4, 5, 6, 7, 8)),
        "--set steps.filters.none.x=1",
        "--set nmae=x",
        "command line",
    ]


def test_a_column_that_nothing_provides_is_named_with_who_would(bench: Any) -> None:
    (bench.folder / "own.py").write_text(
        "from stages.stage import Map\n\n\n"
        "class Mark(Map):\n    def needs(self):\n        return ('quality', 'language_rank')\n"
    )

    first, second = bench.faults(f"{HEAD}steps:\n  - filters.length: {{min_words: 1}}\n  - ./own.py:Mark\n{TAIL}")

    assert first[0] == "p.yaml:5"
    assert "./own.py:Mark needs the column 'quality', which nothing provides here" in first[1]
    assert "columns here: id, text" in first[1]
    assert "language_rank" in second[1]


def test_one_cause_is_one_fault(bench: Any) -> None:
    (bench.folder / "own.py").write_text(
        "from stages.stage import Map\n\n\nclass Mark(Map):\n    def needs(self):\n        return ('quality',)\n"
    )

    found = bench.faults(f"{HEAD}steps:\n  - filters.nix\n  - ./own.py:Mark\n{TAIL}")

    assert [one[0] for one in found] == ["p.yaml:4"]


@pytest.mark.parametrize(
    ("name", "what"),
    [("none.txt", "is missing"), ("empty.txt", "is empty"), ("folder", "is a folder"), ("", "is empty")],
)
def test_a_list_that_is_not_there_is_a_fault(bench: Any, name: str, what: str) -> None:
    (bench.folder / "own.py").write_text(
        "from stages.fields import ContentPath\nfrom stages.stage import Map\n\n\n"
        "class Listed(Map):\n    words: ContentPath | None = None\n"
    )
    (bench.folder / "empty.txt").write_text("")
    (bench.folder / "folder").mkdir()

    where, told, _ = only(bench.faults(f"{HEAD}steps:\n  - ./own.py:Listed:\n      words: '{name}'\n{TAIL}"))

    assert where == "p.yaml:5"
    assert what in told


def test_a_type_that_does_not_travel_is_refused(bench: Any) -> None:
    (bench.folder / "own.py").write_text(
        "import pyarrow as pa\nfrom stages.stage import Map\n\n\n"
        "class Mark(Map):\n    def adds(self):\n        return {'hash': pa.uint64()}\n"
    )

    assert "uint64, which does not travel" in only(bench.faults(f"{HEAD}steps:\n  - ./own.py:Mark\n{TAIL}"))[1]


@pytest.mark.parametrize(
    ("column", "step"),
    [
        ("cluster_size: string", "dedup.minhash"),
        ("length_words: string", "{filters.length: {min_words: 1, mode: tag}, where: url == 'a'}"),
    ],
)
def test_a_column_that_would_hold_two_types_is_a_fault(bench: Any, column: str, step: str) -> None:
    head = HEAD.replace('jsonl"', f'jsonl", columns: {{{column}}}')

    where, what, mend = only(bench.faults(f"{head}steps:\n  - {step}\n{TAIL}"))

    assert where == "p.yaml:4"
    assert "have it as string" in what
    assert "rename that column" in mend


def test_a_limit_below_one_is_refused(bench: Any) -> None:
    with pytest.raises(PipelineError, match="--limit 0"):
        bench.compile(HEAD + TAIL, limit=0)


def test_a_missing_file_is_a_fault(bench: Any) -> None:
    from pipelines.compile import validate_pipeline

    (fault,) = validate_pipeline("none.yaml", working_directory=bench.folder)

    assert fault.where == "none.yaml"
    assert "recipe" in fault.mend


@pytest.mark.parametrize(
    ("where", "what"), [("urk == 'a'", "urk"), ("url > 3", "url"), ("url ==", "where:"), ("len(text)", "condition")]
)
def test_a_condition_that_cannot_be_judged_is_a_fault(bench: Any, where: str, what: str) -> None:
    told = only(
        bench.faults(f'{HEAD}steps:\n  - dedup.exact\n  - filters.gopher_quality:\n    where: "{where}"\n{TAIL}')
    )

    assert told[0] == "p.yaml:6"
    assert what in told[1]
    assert told[2]
