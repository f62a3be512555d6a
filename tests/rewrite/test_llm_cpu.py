"""The embedded model: it answers, the same in any company, and says what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from rewrite.backends.gguf import read_head
from rewrite.llm import Llm, Prompt, Sampling, open_llm, problems, unreachable
from rewrite.models import CpuModel, LlmModel, model_identity, model_name, model_resources, shipped_file
from stages.errors import StageError
from stages.stage import hash_file

SMALL = CpuModel.model_validate({"llm": "cpu", "context": 512})
SHORT = Sampling(max_tokens=10)
HELLO = Prompt("You are kind.", "Say hello.", "a" * 32)
RAIN = Prompt("You are kind.", "What is rain?", "b" * 32)


@pytest.fixture(scope="module")
def llm() -> Iterator[Llm]:
    llm = open_llm(SMALL, None)
    yield llm
    llm.close()


def test_the_small_model_answers_through_its_chat_template(llm: Llm) -> None:
    (reply,) = llm.generate([HELLO], Sampling(max_tokens=24))
    assert "hello" in reply.text.lower()
    assert "<|im_" not in reply.text
    assert (reply.finish, reply.error) == ("stop", None)
    words = llm.count_tokens(["You are kind.Say hello."])[0]
    assert words < reply.prompt_tokens < words + 20, "the template adds its marks"
    assert 2 <= reply.completion_tokens <= 24


def test_a_reply_does_not_depend_on_the_others_in_its_batch(llm: Llm) -> None:
    sampling = Sampling(max_tokens=10, temperature=0.8)
    together = llm.generate([HELLO, RAIN], sampling)
    assert [*llm.generate([RAIN], sampling), *llm.generate([HELLO], sampling)] == together[::-1]
    assert together[1].finish == "length"
    assert together[1].completion_tokens == 10


def test_documents_and_seeds_draw_their_own_words(llm: Llm) -> None:
    texts = {
        llm.generate([Prompt(RAIN.system, RAIN.user, document)], Sampling(max_tokens=8, temperature=1.5, seed=seed))[
            0
        ].text
        for document, seed in [("a", 0), ("a", 1), ("b", 0)]
    }
    assert len(texts) == 3


def test_a_schema_binds_the_answer(llm: Llm) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"wet": {"type": "boolean"}}, "required": ["wet"]}
    sampling = Sampling(max_tokens=24, json_schema={**schema, "additionalProperties": False})
    (reply,) = llm.generate([Prompt("", "Is rain wet?", "c")], sampling)
    assert set(orjson.loads(reply.text)) == {"wet"}


def test_a_prompt_longer_than_the_context_is_an_error_and_stops_no_other(llm: Llm) -> None:
    assert llm.context() == 512
    long, short = llm.generate([Prompt("", "word " * 600, "d"), HELLO], SHORT)
    assert (long.finish, long.text) == ("error", "")
    assert "exceeds the available context size (512 tokens)" in (long.error or "")
    assert short.finish != "error"


def test_tokens_are_counted_as_the_model_sees_them(llm: Llm) -> None:
    assert llm.count_tokens(["", "hello world", "hello " * 100]) == [0, 2, 101]


def test_nothing_is_loaded_before_the_first_missing_reply(tmp_path: Path) -> None:
    first = open_llm(SMALL, tmp_path)
    replies = first.generate([HELLO], SHORT)
    first.close()

    again = open_llm(SMALL, tmp_path)
    assert again.generate([HELLO], SHORT) == replies
    assert getattr(again, "_backend") is None  # noqa: B009
    again.close()


def test_the_shipped_model_is_found_and_named_by_its_content() -> None:
    file = shipped_file()
    assert SMALL.path == file is not None
    assert problems(SMALL) == []
    assert unreachable(SMALL) == []
    assert model_identity(SMALL) == {"content": hash_file(file)}
    assert model_name(SMALL) == f"gguf:{hash_file(file)[:16]}"
    assert model_resources(SMALL).memory > file.stat().st_size


def test_the_context_is_never_more_than_the_model_was_trained_for() -> None:
    llm = open_llm(SMALL.model_copy(update={"context": 100_000}), None)
    assert llm.context() == 8192
    llm.close()


def test_files_that_are_no_model_are_told_at_plan_time(tmp_path: Path) -> None:
    shipped = shipped_file()
    assert shipped is not None
    whole = shipped.read_bytes()[: 3 * 2**20]
    wrong = {
        "missing.gguf": (None, "do not exist; mend: correct `path`"),
        "text.gguf": (b"not a model", "this is no GGUF file"),
        "old.gguf": (b"GGUF" + bytes(20), "GGUF version 0 is not known"),
        "torn.gguf": (whole[:1000], "ends in its head"),
        "mad.gguf": (whole[:24] + b"\xff" * 64, "damaged"),
        "plain.gguf": (b"GGUF" + (3).to_bytes(4, "little") + bytes(16), "has no chat template"),
    }
    for name, (content, message) in wrong.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        model = CpuModel.model_validate({"llm": "cpu", "path": str(tmp_path / name)})
        assert [message in one for one in problems(model)] == [True], name
    with pytest.raises(StageError, match="no weights"):
        open_llm(CpuModel.model_validate({"llm": "cpu", "path": str(tmp_path / "missing.gguf")}), None)


def test_weights_that_break_off_end_the_run_and_not_the_process(tmp_path: Path) -> None:
    shipped = shipped_file()
    assert shipped is not None
    (tmp_path / "torn.gguf").write_bytes(shipped.read_bytes()[: 5 * 2**20])
    model = CpuModel.model_validate({"llm": "cpu", "path": str(tmp_path / "torn.gguf")})
    assert read_head(tmp_path / "torn.gguf").chats
    with pytest.raises(StageError, match="cannot load these weights"):
        open_llm(model, None).generate([HELLO], SHORT)


def test_models_are_told_apart_by_their_kind() -> None:
    models: TypeAdapter[LlmModel] = TypeAdapter(LlmModel)
    kinds = [{"llm": "cpu"}, {"llm": "http", "model": "m"}, {"llm": "vllm", "model": "m"}]
    found = [models.validate_python(kind) for kind in kinds]
    assert [one.llm for one in found] == ["cpu", "http", "vllm"]
    assert [models.validate_json(models.dump_json(one)) for one in found] == found
    for wrong in ({"llm": "gpu"}, {"model": "m"}, {"llm": "cpu", "base_url": "http://x"}, {"llm": "http"}):
        with pytest.raises(ValidationError):
            models.validate_python(wrong)


def test_vllm_where_it_is_missing_says_where_to_get_it(tmp_path: Path) -> None:
    model = TypeAdapter(LlmModel).validate_python({"llm": "vllm", "model": "small", "path": str(tmp_path)})
    missing, folder = problems(model)
    assert "vLLM is not installed here; mend: install vLLM in an environment of its own (docs/llm.md" in missing
    assert "has no config.json" in folder
    with pytest.raises(StageError, match="vLLM is not installed here"):
        open_llm(model, None).generate([HELLO], SHORT)
