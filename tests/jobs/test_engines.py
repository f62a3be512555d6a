"""The four verbs mean the same on every engine: local, Ray, Spark."""

from __future__ import annotations

import errno
import pickle
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest

from jobs.engines.engine import Engine
from jobs.engines.failure import as_refusal
from stages.errors import EngineError, PipelineError, StageError, StoreError
from stages.stage import Resources
from tests.jobs.traveling_workers import GROUPS, ROWS, TASK, CountCalls, Double, Gather, Refuse, Spread

# Ray leaves the handles of its processes lying about.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

ENGINES = ("local", "ray", "spark")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


def sorted_rows(table: pa.Table) -> list[dict[str, Any]]:
    return table.sort_by("number").to_pylist()  # type: ignore[no-any-return]


def made(tasks: int, parts: int) -> list[dict[str, Any]]:
    """What `Spread` makes of so many tasks, without any engine."""
    scan = pa.record_batch([pa.array(range(tasks), pa.int32())], schema=TASK)
    return sorted_rows(pa.Table.from_batches(Spread(parts)(iter([scan])), ROWS))


def test_scan_gives_a_row_for_each_task(engine: Engine) -> None:
    assert sorted(engine.scan(5).collect()["task"].to_pylist()) == [0, 1, 2, 3, 4]


def test_no_task_gives_no_row_and_calls_no_worker(engine: Engine) -> None:
    found = engine.scan(0).map(CountCalls(), TASK).collect()
    assert found.num_rows == 0
    assert found.schema == TASK


def test_every_kind_of_column_comes_through_as_it_was(engine: Engine) -> None:
    found = engine.scan(3).map(Spread(4), ROWS).collect()
    assert found.schema == ROWS
    assert sorted_rows(found) == made(3, 4)


def test_a_table_of_the_drivers_comes_through_as_it_was(engine: Engine) -> None:
    rows = pa.Table.from_pylist(made(2, 3), schema=ROWS)
    assert sorted_rows(engine.table(rows).collect()) == made(2, 3)
    assert sorted_rows(engine.table(rows.slice(5, 20)).collect()) == made(2, 3)[5:25]


def test_an_empty_table_is_a_frame_too(engine: Engine) -> None:
    assert engine.table(ROWS.empty_table()).shuffle(3, ["key", "number"]).map(Gather(), GROUPS).collect().num_rows == 0


def test_consecutive_maps_are_passed_in_order(engine: Engine) -> None:
    found = engine.scan(2).map(Spread(3), ROWS).map(Double(), ROWS).map(Double(), ROWS).collect()
    assert Counter(found["number"].to_pylist()) == dict.fromkeys(range(-120, 120), 2)


@pytest.mark.parametrize("parts", [2, 300])
def test_shuffle_hands_over_whole_parts_in_order(engine: Engine, parts: int) -> None:
    frame = engine.scan(4).map(Spread(parts), ROWS).shuffle(parts, ["key", "number"])
    found = frame.map(Gather(), GROUPS).collect().to_pylist()
    expected: dict[tuple[int, int], list[int]] = {}
    for row in made(4, parts):
        expected.setdefault((row["_part"], row["key"]), []).append(row["number"])
    assert {(row["part"], row["key"]): row["numbers"] for row in found} == expected
    assert len(found) == len(expected)
    assert len({(row["part"], row["call"]) for row in found}) == len({row["part"] for row in found})


def test_shuffled_rows_keep_every_kind_of_column(engine: Engine) -> None:
    assert sorted_rows(engine.scan(3).map(Spread(5), ROWS).shuffle(5, ["number"]).collect()) == made(3, 5)


def test_a_shuffle_of_a_shuffle_sorts_again(engine: Engine) -> None:
    first = engine.scan(2).map(Spread(3), ROWS).shuffle(3, ["number"]).map(Double(), ROWS)
    found = first.shuffle(3, ["key", "number"]).map(Gather(), GROUPS).collect()
    assert all(numbers == sorted(numbers) for numbers in found["numbers"].to_pylist())
    assert sum(map(len, found["numbers"].to_pylist())) == 240


def test_union_gives_the_rows_of_both_sides_once(engine: Engine) -> None:
    left, right = engine.scan(2).map(Spread(3), ROWS), engine.table(pa.Table.from_pylist(made(2, 3), schema=ROWS))
    both = left.union(right).map(Double(), ROWS)
    found = both.shuffle(3, ["key", "number"]).map(Gather(), GROUPS).collect()
    assert Counter(number for numbers in found["numbers"].to_pylist() for number in numbers) == dict.fromkeys(
        range(-120, 120), 2
    )
    assert len({row["part"] for row in found.to_pylist()}) == 2


def test_a_frame_collected_twice_gives_the_same_rows(engine: Engine) -> None:
    frame = engine.scan(2).map(Spread(3), ROWS).shuffle(3, ["number"])
    assert sorted_rows(frame.collect()) == sorted_rows(frame.collect())


def test_progress_ends_with_all_tasks_done(engine: Engine) -> None:
    seen: list[tuple[int, int]] = []
    engine.progress = lambda done, tasks: seen.append((done, tasks))
    engine.scan(3).map(CountCalls(), TASK).collect()
    engine.progress = None
    assert seen[-1][0] == seen[-1][1] > 0


def test_frames_that_do_not_fit_are_refused(engine: Engine) -> None:
    with pytest.raises(EngineError, match="shuffle needs the column _part"):
        engine.scan(1).shuffle(1, ["task"])
    with pytest.raises(EngineError, match="equal schemas"):
        engine.scan(1).union(engine.scan(1).map(Spread(2), ROWS))


def test_an_error_of_ours_reaches_the_driver_as_itself(engine: Engine) -> None:
    with pytest.raises(StageError) as raised:
        engine.scan(1).map(Spread(2), ROWS).map(Refuse("stage"), ROWS).shuffle(2, ["number"]).collect()
    assert type(raised.value) is StageError
    assert str(raised.value) == "lines.py: the stage refuses\n    mend: ask it kindly"


def test_what_no_machine_of_a_cluster_has_is_refused(ray_engine: Engine) -> None:
    frame = ray_engine.scan(1).map(CountCalls(), TASK, Resources(cpus=1, gpus=2))
    with pytest.raises(EngineError, match=r"no machine of the cluster has 1 cores, 2 GPUs (?s:.*)mend: lower"):
        frame.collect()


def test_a_full_disk_reaches_the_driver_as_itself(engine: Engine) -> None:
    with pytest.raises(OSError, match="/far/away") as raised:
        engine.scan(1).map(Spread(2), ROWS).map(Refuse("disk"), ROWS).collect()
    assert raised.value.errno == errno.ENOSPC


def test_a_fault_in_a_worker_is_told_with_its_trace(engine: Engine) -> None:
    with pytest.raises(EngineError, match="a worker failed: ValueError: not a number") as raised:
        engine.scan(1).map(Spread(2), ROWS).map(Refuse("fault"), ROWS).collect()
    assert "traveling_workers.py" in str(raised.value)
    assert "mend: this is a fault of textmill or of a stage" in str(raised.value)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (StoreError("here: cannot be read"), StoreError, "here: cannot be read"),
        (PipelineError("no such field"), PipelineError, "no such field"),
        (FileNotFoundError(errno.ENOENT, "gone", "/far"), FileNotFoundError, "gone: '/far'"),
        (pa.ArrowInvalid("bad"), EngineError, "a worker failed: ArrowInvalid: bad"),
        (MemoryError(), EngineError, "a worker ran out of memory\n    mend: lower --workers"),
        (SystemExit(3), EngineError, "a worker failed: SystemExit: 3"),
    ],
)
def test_what_a_worker_raises_survives_the_way_to_the_driver(
    error: BaseException, kind: type[Exception], told: str
) -> None:
    arrived = pickle.loads(pickle.dumps(as_refusal(error)))
    assert type(arrived) is kind
    assert told in str(arrived)


def test_a_task_that_always_dies_ends_the_run_after_a_few_attempts(engine: Engine) -> None:
    with pytest.raises(EngineError, match=r"(?s)([24] times|died 3 times).*mend: "):
        engine.scan(1).map(Spread(2), ROWS).map(Refuse("death"), ROWS).collect()


def test_an_engine_works_on_after_all_that(engine: Engine) -> None:
    assert sorted_rows(engine.scan(1).map(Spread(2), ROWS).collect()) == made(1, 2)
