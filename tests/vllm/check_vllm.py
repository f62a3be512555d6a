"""vLLM for real, in process and as a server, with the small model: `make test-vllm`, in an environment of its own.

The name keeps it out of the other tests, whose environment has no vLLM.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from rewrite.llm import Prompt, Sampling, open_llm, problems, unreachable
from rewrite.models import HttpModel, VllmModel, model_identity
from stages.errors import StageError
from tests.vllm.weights import write_weights

os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
"""GB; left alone, vLLM takes half of the machine's memory."""

SHORT = Sampling(max_tokens=24)
KEY = "sk-of-the-test"
HELLO = Prompt("You are kind.", "Say hello.", "a" * 32)
RAIN = Prompt("You are kind.", "What is rain?", "b" * 32)
LONG = Prompt("", "word " * 2000, "c" * 32)
SCHEMA = {
    "type": "object",
    "properties": {"wet": {"type": "boolean"}},
    "required": ["wet"],
    "additionalProperties": False,
}


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_weights(folder)
    return folder


@pytest.fixture(scope="session")
def engine(weights: Path) -> VllmModel:
    return VllmModel(llm="vllm", model="small", path=weights, context=1024, gpus=False, eager=True, batch=3)


@pytest.fixture(scope="session")
def server(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(weights)]
    command += ["--served-model-name", "small", "--host", "127.0.0.1", "--port", str(port), "--api-key", KEY]
    command += ["--max-model-len", "1024", "--enforce-eager", "--generation-config", "vllm"]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(1)
    raise AssertionError(f"the server did not start within ten minutes: {log.read_text()[-3000:]}")


def test_in_process_it_answers_refuses_long_prompts_and_replays(engine: VllmModel, tmp_path: Path) -> None:
    assert problems(engine) == []
    llm = open_llm(engine, tmp_path)
    assert llm.context() == 1024
    assert llm.count_tokens(["", "hello world", "hello " * 100]) == [0, 2, 101]

    hello, long, rain, again = llm.generate([HELLO, LONG, RAIN, HELLO], SHORT)

    assert "hello" in hello.text.lower()
    assert (hello.finish, rain.finish, again) == ("stop", "length", hello)
    assert (long.finish, long.text) == ("error", "")
    assert "but the model takes 1024 in all" in (long.error or "")
    assert rain.completion_tokens == 24
    schema = Sampling(max_tokens=24, json_schema=SCHEMA)
    assert set(orjson.loads(llm.generate([Prompt("", "Is rain wet?", "d")], schema)[0].text)) == {"wet"}
    llm.close()

    replay = open_llm(engine, tmp_path)
    assert replay.generate([RAIN, HELLO], SHORT) == [rain, hello]
    assert getattr(replay, "_backend") is None  # noqa: B009
    replay.close()
    served = HttpModel(llm="http", model="small", base_url="http://127.0.0.1:9/v1")
    assert model_identity(served) == model_identity(engine)
    other = open_llm(served, tmp_path)
    assert other.generate([RAIN, HELLO], SHORT) == [rain, hello], "replies belong to the weights, not to the backend"
    other.close()


def test_as_a_server_it_answers_through_the_http_backend(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_KEY", KEY)
    model = HttpModel(llm="http", model="small", base_url=server, api_key_env="THE_KEY", concurrency=4)
    assert unreachable(model, 120) == []
    llm = open_llm(model, tmp_path)
    rains = [Prompt("You are kind.", f"What is rain in {place}?", place) for place in ("Rome", "Oslo", "Lima", "Bern")]

    hello, long, *rest = llm.generate([HELLO, LONG, *rains], SHORT)

    assert "hello" in hello.text.lower()
    assert (long.finish, long.text) == ("error", "")
    assert "the server answered 400" in (long.error or "")
    assert all(reply.text and reply.finish in ("stop", "length") for reply in rest)
    assert all(0 < reply.completion_tokens <= 24 and reply.prompt_tokens > 10 for reply in rest)
    schema = Sampling(max_tokens=24, json_schema=SCHEMA)
    assert set(orjson.loads(llm.generate([Prompt("", "Is rain wet?", "d")], schema)[0].text)) == {"wet"}
    llm.close()


def test_a_wrong_key_or_model_is_told_before_the_run(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "sk-another")
    model = HttpModel(llm="http", model="small", base_url=server, api_key_env="THE_KEY")
    assert ["the server answered 401" in told and "sk-" not in told for told in unreachable(model, 60)] == [True]
    monkeypatch.setenv("THE_KEY", KEY)
    unknown = model.model_copy(update={"model": "large"})
    assert ["the server answered 404" in told for told in unreachable(unknown, 60)] == [True]
    with pytest.raises(StageError, match="404"):
        open_llm(unknown, None).generate([HELLO], SHORT)
