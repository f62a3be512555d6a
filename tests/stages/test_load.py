"""Stages are found by their names, whatever their origin, and travel as names, fields and hashes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import stages
from stages.errors import StageError
from stages.load import UnknownStageError, build, known_stages, load_class, make_spec, spec_identity

OWN = '''\
from stages.stage import Filter
from stages.verdicts import keep_all


class Short(Filter):
    """Keeps everything."""

    limit: int = 3

    def judge(self, batch, tools):
        return keep_all(batch.num_rows)


class Helper:
    pass
'''


def install(folder: Path, entry: str, code: str = OWN) -> None:
    """A distribution with one entry point, as an installer leaves it."""
    facts = folder / "acme_textmill-1.2.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-textmill\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(f"[textmill.stages]\n{entry}\n")
    (folder / f"acme_{folder.name}.py").write_text(code)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_built_in_stages_are_known_by_their_import_paths() -> None:
    known = known_stages()

    assert known["filters.length"].kind == "filter"
    assert known["stages.language"].kind == "map"
    assert known["dedup.exact"].kind == "find"
    assert known["stages.read"].kind == "read"
    assert not [info for info in known.values() if info.kind == "broken"]
    assert all(info.summary and info.origin == "textmill" for info in known.values())


def test_a_built_in_stage_has_its_name_as_use() -> None:
    assert load_class("filters.length").use == "filters.length"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("filters.lenght", "filters.length"), ("filter.length", "filters.length"), ("length", "filters.length")],
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UnknownStageError) as error:
        load_class(wrong)

    assert right in error.value.mend


def test_a_class_in_a_file_loads_relative_to_the_pipeline(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)

    stage = load_class("./own.py:Short", tmp_path)()

    assert type(stage).use == "own.py:Short"
    assert build(make_spec(stage)) == stage


def test_moving_a_stage_file_changes_no_identity_and_editing_it_does(tmp_path: Path) -> None:
    told = []
    for name, code in (("a", OWN), ("b", OWN), ("c", OWN + "# edited\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.py").write_text(code)
        stage = load_class("./own.py:Short", tmp_path / name)()
        told.append(spec_identity(stage, make_spec(stage)))

    assert told[0] == told[1] != told[2]


def test_a_worker_refuses_a_file_that_was_edited_after_planning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    kind = load_class("./own.py:Short", tmp_path)
    spec = make_spec(kind())
    monkeypatch.delitem(sys.modules, kind.__module__)
    (tmp_path / "own.py").write_text(OWN + "# edited\n")

    with pytest.raises(StageError, match="changed after the plan"):
        build(spec)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("./none.py:Short", "no stage file"),
        ("./own.py:Long", "no class 'Long'"),
        ("./own.py:Helper", "is no stage"),
        ("./own.py", "names no class"),
        ("./bad.py:Short", "ZeroDivisionError"),
    ],
)
def test_a_path_that_leads_to_no_stage_says_why(tmp_path: Path, use: str, message: str) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "bad.py").write_text("1 / 0\n")

    with pytest.raises(LookupError, match=message):
        load_class(use, tmp_path)


def test_a_plugin_is_listed_and_travels(site: Path) -> None:
    install(site, f"acme.short = acme_{site.name}:Short")

    info = known_stages()["acme.short"]
    stage = load_class("acme.short")(limit=4)  # type: ignore[call-arg]

    assert (info.kind, info.summary, info.origin) == ("filter", "Keeps everything.", "acme-textmill 1.2")
    assert build(make_spec(stage)) == stage


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("acme.short = acme_nowhere:Short", "ModuleNotFoundError"),
        ("acme.short = {module}:Helper", "is no stage"),
        ("short = {module}:Short", "needs a dot"),
    ],
)
def test_a_broken_plugin_is_a_line_in_the_list_and_no_crash(site: Path, entry: str, message: str) -> None:
    install(site, entry.format(module=f"acme_{site.name}"))

    known = known_stages()

    broken = [info for info in known.values() if info.kind == "broken"]
    assert len(broken) == 1
    assert message in broken[0].summary
    assert known["filters.length"].kind == "filter"


def test_content_paths_travel_as_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from stages.fields import ContentPath\nfrom stages.stage import Map\n\n\n"
        "class Listed(Map):\n    words: ContentPath\n    tags: frozenset[str] = frozenset()\n"
    )
    (tmp_path / "words.txt").write_text("one\n")
    kind = load_class("./own.py:Listed", tmp_path)
    stage = kind.model_validate({"words": "words.txt", "tags": ["b", "a"]}, context={"base": str(tmp_path)})

    spec = make_spec(stage)

    assert spec.fields == {"words": str(tmp_path / "words.txt"), "tags": ["a", "b"]}
    assert build(spec) == stage
    assert spec.file == str(tmp_path / "own.py")


def test_what_a_stage_file_defines_unpickles_in_a_fresh_process(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    pickled = pickle.dumps(load_class("./own.py:Short", tmp_path)(limit=7))  # type: ignore[call-arg]

    code = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).limit)"
    home = str(Path(stages.__path__[0]).parent)
    ran = subprocess.run([sys.executable, "-c", code], input=pickled, capture_output=True, cwd=home, check=True)

    assert ran.stdout.split() == [b"7"]
