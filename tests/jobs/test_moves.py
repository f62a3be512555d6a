"""Documents that travel: mixed, repeated, shuffled and gathered, with one digest, the books kept, and resume."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

import stages.move
from jobs.home import open_store
from jobs.run import run_plan
from jobs.verify import verify_run
from pipelines.compile import compile_pipeline
from stages.errors import PipelineError, StageError
from tests.jobs.village_corpus import write_corpus

STAGES = Path(__file__).with_name("moving_stages.py")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder / "a", count=200, files=2, broken=0)
    write_corpus(folder / "b", count=80, files=1, broken=0, seed=2)
    shutil.copy(STAGES, folder / STAGES.name)
    return folder


def run(corpus: Path, to: Path, steps: Sequence[str], feeds: str = "[a, b]", **overrides: Any) -> dict[str, Any]:
    """Run a stream over both sources; the manifest of a run that verifies clean."""
    listed = "".join(f"      - {step}\n" for step in steps)
    (corpus / "p.yaml").write_text(
        f"""textmill: 1
sources:
  a: {{stages.read: {{paths: "{corpus}/a/*.jsonl", split_size: 40kB}}}}
  b: {{stages.read: {{paths: "{corpus}/b/*.jsonl"}}}}
streams:
  m:
    from: {feeds}
    steps:
{listed or "      []"}
write: {{from: m, to: "{to}", shard_size: 50kB}}
"""
    )
    plan = compile_pipeline(corpus / "p.yaml", overrides={"workers": 1, **overrides})
    manifest = run_plan(plan).manifest
    assert manifest is not None
    assert [check.told for check in verify_run(open_store(str(to)), manifest) if not check.held] == []
    return dict(manifest)


def ids_of(to: Path) -> list[str]:
    """Ids in the order of the shards."""
    return [name for file in sorted((to / "data").rglob("*.parquet")) for name in pq.read_table(file)["id"].to_pylist()]


def measures(manifest: dict[str, Any], stage: str) -> dict[str, float]:
    [found] = [step["measures"] for step in manifest["steps"] if step["stages"] and step["stages"][0]["stage"] == stage]
    return dict(found)


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages.move, "PART_BYTES", 30_000)


def test_weights_of_a_stream_hold_and_all_is_told(corpus: Path, tmp_path: Path) -> None:
    manifest = run(corpus, tmp_path / "out", [], "{a: 60%, b: 40%}")

    told = measures(manifest, "stages.mix")
    assert told["a.share"] == pytest.approx(0.6, abs=0.01)
    assert told["b.bytes"] == told["b.available"]  # the scarcer one is taken whole
    [flow] = [flow for flow in manifest["flows"] if flow["stage"] == "stages.mix"]
    assert flow["rules"] == {"over_quota": flow["dropped"]}
    assert flow["out"] == told["a.documents"] + told["b.documents"]


def test_budgets_over_epochs_repeat_documents_with_ids_of_their_own(corpus: Path, tmp_path: Path) -> None:
    mix = "stages.mix: {budgets: {a: 50, b: 220}, unit: documents, epochs: 2.5}"

    manifest = run(corpus, tmp_path / "out", [mix])

    ids = ids_of(tmp_path / "out")
    rows = pq.read_table(tmp_path / "out/data")
    assert (len(ids), len(set(ids))) == (270, 270)
    assert measures(manifest, "stages.mix").items() >= {"a.documents": 50, "b.documents": 220, "b.wanted": 220}.items()
    by_epoch = [rows["epoch"].to_pylist().count(epoch) for epoch in range(4)]
    assert by_epoch == [50 + 88, 88, 44, 0]
    assert all(
        (parent is None) == (epoch == 0)
        for parent, epoch in zip(rows["parent_id"].to_pylist(), rows["epoch"].to_pylist())
    )


def test_groups_are_named_by_a_column_or_by_conditions(corpus: Path, tmp_path: Path) -> None:
    by = "stages.mix: {weights: {a: 1}, by: source, unit: documents}"
    groups = """stages.mix: {weights: {first: 1, rest: 1}, groups: {first: "source == 'a'", rest: "source == 'b'"}}"""

    first, second = run(corpus, tmp_path / "by", [by]), run(corpus, tmp_path / "groups", [groups])

    assert set(pq.read_table(tmp_path / "by/data")["source"].to_pylist()) == {"a"}
    [flow] = [flow for flow in first["flows"] if flow["stage"] == "stages.mix"]
    assert flow["rules"] == {"not_in_mix": 88}
    assert measures(second, "stages.mix")["first.share"] == pytest.approx(0.5, abs=0.02)


def test_a_total_that_cannot_be_met_shrinks_all_groups_alike(corpus: Path, tmp_path: Path) -> None:
    mix = "stages.mix: {weights: {a: 1, b: 1}, total: 100M, unit: documents}"

    told = measures(run(corpus, tmp_path / "out", [mix]), "stages.mix")

    assert (told["a.documents"], told["b.documents"]) == (88, 88)


@pytest.mark.usefixtures("many_parts")
def test_a_shuffle_is_one_order_for_any_workers_and_batches(corpus: Path, tmp_path: Path) -> None:
    kept = run(corpus, tmp_path / "kept", [])
    first = run(corpus, tmp_path / "first", ["stages.shuffle"])
    second = run(corpus, tmp_path / "second", ["stages.shuffle"], workers=2, batch_rows=7)

    assert first["digest"] == second["digest"]
    assert first["content_digest"] == kept["content_digest"]
    before, after = ids_of(tmp_path / "kept"), ids_of(tmp_path / "first")
    assert sorted(before) == sorted(after)
    # A neighbour stays a neighbour with a chance of one in all documents.
    stayed = len(set(pairwise(before)) & set(pairwise(after)))
    assert stayed <= 8


@pytest.mark.usefixtures("many_parts")
def test_a_move_begun_and_killed_sends_only_what_is_missing(corpus: Path, tmp_path: Path) -> None:
    whole = run(corpus, tmp_path / "whole", ["stages.shuffle"])
    run(corpus, tmp_path / "out", ["stages.shuffle"], keep="all")
    [step] = (tmp_path / "out/_textmill/steps").glob("*-shuffle-*")
    receipts = sorted((step / "receipts").iterdir())
    assert len(receipts) > 4
    for file in [step / "manifest.json", tmp_path / "out/_textmill/manifest.json", receipts[1], receipts[3]]:
        file.unlink()

    again = run(corpus, tmp_path / "out", ["stages.shuffle"], workers=2)

    assert again["digest"] == whole["digest"]
    assert {json.loads(file.read_bytes())["part"] for file in receipts} == set(range(len(receipts)))


def test_shards_lie_in_folders_by_value_and_the_card_names_them(corpus: Path, tmp_path: Path) -> None:
    to = tmp_path / "out"

    one = run(corpus, to, ["./moving_stages.py:ByLength"])
    two = run(corpus, tmp_path / "two", ["./moving_stages.py:ByLength"], workers=2, batch_rows=11)

    assert one["digest"] == two["digest"]
    assert {path.name for path in (to / "data").iterdir()} == {"length-00001", "length-00002"}
    for value in (1, 2):
        shards = sorted((to / f"data/length-0000{value}").iterdir())
        assert [shard.name for shard in shards] == [
            f"train-{number:05d}-of-{len(shards):05d}.parquet" for number in range(len(shards))
        ]
        for shard in shards:
            with pq.ParquetFile(shard) as file:
                assert str(file.schema_arrow.field("length").type) == "uint16"
                assert set(file.read()["length"].to_pylist()) == {value}
    configs = yaml.safe_load((to / "README.md").read_text().split("---")[1])["configs"]
    assert [config["config_name"] for config in configs] == ["default", "length-00001", "length-00002"]
    assert configs[1]["data_files"] == [{"split": "train", "path": "data/length-00001/train-*.parquet"}]


def test_documents_that_end_in_new_ones_are_accounted_for(corpus: Path, tmp_path: Path) -> None:
    manifest = run(corpus, tmp_path / "out", ["filters.length: {min_words: 25}", "./moving_stages.py:Pairs"])

    [flow] = [flow for flow in manifest["flows"] if flow["stage"].endswith("Pairs")]
    pairs = measures(manifest, "moving_stages.py:Pairs")["pairs"]
    assert (flow["in"], flow["dropped"]) == (2 * pairs + flow["dropped"], flow["in"] % 2)
    assert flow["out"] == pairs == manifest["documents"]
    assert pq.read_table(tmp_path / "out/data").column_names == ["id", "text"]


def test_a_move_that_loses_documents_ends_the_run(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"lost|out of the last|took in"):
        run(corpus, tmp_path / "out", ["./moving_stages.py:Loses"])


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        (["stages.mix: {}"], "either `weights` or `budgets`"),
        (["stages.mix: {weights: {a: 1}, budgets: {b: 1}}"], "either `weights` or `budgets`"),
        (["stages.mix: {weights: {a: 120%}}"], "120%"),
        (["stages.mix: {budgets: {a: 10}, total: 5}"], "`total` belongs to `weights`"),
        (["stages.mix: {weights: {a: 1}, by: nothing}"], "needs the column 'nothing'"),
        (["stages.mix: {weights: {a: 1}, by: language_score}"], "named by strings"),
        (["stages.mix: {weights: {a: 1}, groups: {a: 'id >'}}"], "groups.a"),
        (["stages.mix: {weights: {a: 1}, groups: {b: 'id == 1'}}"], "needs both"),
        (["stages.mix: {weights: {a: 1}, unit: tokens}"], "needs the column 'tokens'"),
        (["{stages.shuffle: {}, where: \"id == 'x'\"}"], "takes no `where`"),
        (["stages.repeat"], "needs the column 'epochs'"),
    ],
)
def test_what_cannot_be_moved_is_refused_before_the_run(
    corpus: Path, tmp_path: Path, steps: list[str], what: str
) -> None:
    with pytest.raises(PipelineError) as refused:
        run(corpus, tmp_path / "out", steps)
    assert what in str(refused.value)


def test_a_group_without_documents_is_told_with_its_mend(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"no documents.*\n.*take the group out"):
        run(corpus, tmp_path / "out", ["stages.mix: {weights: {a: 1, z: 1}, by: source}"])
    with pytest.raises(StageError, match="no stream 'z'"):
        run(corpus, tmp_path / "other", ["stages.mix: {weights: {a: 1, z: 1}}"])


@pytest.mark.usefixtures("many_parts")
def test_an_order_that_is_kept_spreads_files_evenly_over_parts(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "plain", [])
    run(corpus, tmp_path / "kept", ["./moving_stages.py:Keeps"], workers=2)

    assert ids_of(tmp_path / "kept") == ids_of(tmp_path / "plain")
    [step] = (tmp_path / "kept/_textmill/steps").glob("*-Keeps-*")
    counts = [json.loads(file.read_bytes())["in"] for file in sorted((step / "receipts").iterdir())]
    assert len(counts) > 2
    assert max(counts) < sum(counts) / 2
