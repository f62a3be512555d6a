"""One Ray and one Spark for all tests of a session that ask for them, as small as they go."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from jobs.engines.engine import Engine
from jobs.engines.opening import open_engine
from pipelines.plan import RunOptions

MEMORY = 600 * 2**20


@pytest.fixture(scope="session")
def ray_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine on a Ray that runs until the session ends; runs with `engine: ray` use it too."""
    with open_engine(RunOptions(engine="ray"), 2, MEMORY, tmp_path_factory.mktemp("ray")) as engine:
        yield engine
    with warnings.catch_warnings():
        # Ray ends its processes without waiting for them, which Python tells of when their handles go.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def spark_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine on a Spark that runs until the session ends; runs with `engine: spark` use it too.

    It tries a task twice, not four times, and compiles its Java once, not twice: both only cost time here.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_MASTER", "local[2,2]")
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        with open_engine(RunOptions(engine="spark"), 2, MEMORY, tmp_path_factory.mktemp("spark")) as engine:
            yield engine


@pytest.fixture(scope="session")
def local_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The local engine with two workers."""
    with open_engine(RunOptions(), 2, MEMORY, tmp_path_factory.mktemp("local")) as engine:
        yield engine
