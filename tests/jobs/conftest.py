"""One Ray and one Spark for all tests of a session that ask for them, as small as they go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from jobs.engines.engine import Engine
from jobs.engines.opening import open_engine
from pipelines.plan import RunOptions
from tests.jobs.clusters import Cluster, ray_head

MEMORY = 600 * 2**20


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Cluster]:
    """A Ray head that runs until the session ends."""
    with ray_head() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def ray_engine(ray_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that has joined the head until the session ends; runs with `engine: ray` use it too."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in ray_cluster.environment.items():
                if name.startswith("RAY_"):
                    patch.setenv(name, value)
            opened = open_engine(RunOptions(engine="ray"), 2, MEMORY, tmp_path_factory.mktemp("ray"))
            engine = stack.enter_context(opened)
        yield engine


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
