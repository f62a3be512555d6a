"""The reply store: nothing stored is lost or asked again, whoever is killed when, and all readers agree."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from hashlib import blake2b
from pathlib import Path

import pytest

from rewrite.llm import Prompt, Reply, Sampling, open_llm
from rewrite.models import CpuModel, HttpModel, model_identity
from rewrite.replies import ReplyStore, reply_key
from rewrite.reply_index import ReplyIndex
from stages.errors import StageError, StoreError
from tests.rewrite.hostile_server import Handler, echo, serving
from tests.rewrite.storing_child import SAMPLING, prompts

HERE = Path(__file__).parents[2]


def key(number: int) -> bytes:
    return blake2b(str(number).encode(), digest_size=16).digest()


def reply(number: int) -> Reply:
    return Reply(f"Antwort {number} 🙂" * (number % 7), "length" if number % 2 else "stop", number, 2 * number)


def filled(folder: Path, numbers: range) -> Path:
    """Store some replies and give the segment they lie in."""
    before = set(folder.glob("*")) if folder.is_dir() else set()
    store = ReplyStore(folder)
    for number in numbers:
        store.put(key(number), reply(number))
    store.close()
    return next(iter(set(folder.glob("*")) - before))


def test_a_reply_comes_back_as_it_was(tmp_path: Path) -> None:
    filled(tmp_path / "deep" / "replies", range(20))

    store = ReplyStore(tmp_path / "deep" / "replies")

    assert store.find([key(number) for number in range(20)]) == [reply(number) for number in range(20)]
    assert store.find([key(99)]) == [None]


def test_a_long_reply_comes_back_whole(tmp_path: Path) -> None:
    long = Reply("wörd " * 50_000, "length", 3, 50_000)
    store = ReplyStore(tmp_path)
    store.put(key(1), long)
    assert store.find([key(1)]) == [long]


def test_reading_alone_leaves_no_file(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.find([key(1)])
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_workers_see_what_others_store_while_they_are_open(tmp_path: Path) -> None:
    one, other = ReplyStore(tmp_path), ReplyStore(tmp_path)
    one.put(key(1), reply(1))
    other.put(key(2), reply(2))
    one.put(key(3), reply(3))

    for store in (one, other):
        assert store.find([key(3), key(2), key(1)]) == [reply(3), reply(2), reply(1)]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_torn_tail_costs_the_torn_reply_alone(tmp_path: Path) -> None:
    whole = filled(tmp_path / "whole", range(5)).read_bytes()
    borders = [0]
    for count in range(1, 6):
        borders.append(filled(tmp_path / str(count), range(count)).stat().st_size)
    for cut in range(0, len(whole), 3):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "1-dead.replies").write_bytes(whole[:cut])
        kept = max(count for count, border in enumerate(borders) if border <= cut)

        store = ReplyStore(folder)
        assert store.find([key(number) for number in range(5)]) == [
            reply(number) if number < kept else None for number in range(5)
        ]
        store.put(key(4), reply(4))
        store.close()
        assert ReplyStore(folder).find([key(4)]) == [reply(4)]


def test_a_damaged_reply_is_missing_and_may_be_stored_anew(tmp_path: Path) -> None:
    segment = filled(tmp_path, range(3))
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)

    store = ReplyStore(tmp_path)
    assert store.find([key(1), key(2)]) == [reply(1), None]
    store.put(key(2), reply(2))
    store.close()

    assert ReplyStore(tmp_path).find([key(2)]) == [reply(2)]


def test_of_two_answers_to_one_request_every_reader_takes_the_same(tmp_path: Path) -> None:
    first, second = ReplyStore(tmp_path), ReplyStore(tmp_path)
    first.put(key(0), reply(0))
    second.put(key(1), Reply("second", "stop", 1, 1))
    first.put(key(1), Reply("first", "stop", 1, 1))
    first.look_again()
    second.look_again()

    readers = [first, second, ReplyStore(tmp_path)]

    assert [reader.find([key(1)])[0] for reader in readers] == [Reply("first", "stop", 1, 1)] * 3


def test_a_full_disk_ends_the_run_and_keeps_what_was_stored(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.put(key(1), reply(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StoreError, match="cannot be stored"):
            store.put(key(2), Reply("x" * 5000, "stop", 1, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.put(key(3), reply(3))
    store.close()

    assert ReplyStore(tmp_path).find([key(1), key(2), key(3)]) == [reply(1), None, reply(3)]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="cannot be made"):
        ReplyStore(tmp_path / "file" / "replies")


def test_the_index_takes_sixteen_bytes_a_reply() -> None:
    count = 40_000
    keys = [key(number) for number in range(count)]
    tracemalloc.start()
    index = ReplyIndex()
    for number, one in enumerate(keys):
        index.add(one, number)
    index.sort()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 17 * count
    assert len(index) == count
    assert all(list(index.places(keys[number])) == [number] for number in range(0, count, 997))


def test_keys_that_share_a_half_are_told_apart(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.put(b"same-half" + b"1234567", reply(1))
    store.put(b"same-half" + b"7654321", reply(2))
    assert store.find([b"same-half" + b"7654321", b"same-half" + b"0000000"]) == [reply(2), None]


def test_all_that_decides_a_reply_is_in_its_key() -> None:
    model = HttpModel(llm="http", model="small")
    prompt, sampling = Prompt("system", "user", "a" * 32), Sampling()
    variants = [
        (model, prompt, sampling),
        (model.model_copy(update={"model": "other"}), prompt, sampling),
        (model.model_copy(update={"revision": "2"}), prompt, sampling),
        (model, Prompt("systemu", "ser", "a" * 32), sampling),
        (model, Prompt("system", "user", "b" * 32), sampling),
        (model, Prompt("system", "user", "a" * 32, 1), sampling),
        *[
            (model, prompt, Sampling.model_validate(change))
            for change in (
                {"seed": 1},
                {"temperature": 0.5},
                {"top_p": 0.9},
                {"top_k": 5},
                {"max_tokens": 9},
                {"stop": ["\n"]},
                {"json_schema": {"type": "object"}},
            )
        ],
    ]
    keys = [reply_key(model_identity(one), sampling, prompt) for one, prompt, sampling in variants]
    assert len(set(keys)) == len(variants)


def test_where_and_how_a_model_runs_is_not_in_the_key(tmp_path: Path) -> None:
    model = HttpModel(llm="http", model="small")
    moved = HttpModel(llm="http", model="small", base_url="https://other/v1", concurrency=2, timeout=1, retries=0)
    assert model_identity(model) == model_identity(moved)
    for name in ("one.gguf", "other.gguf"):
        (tmp_path / name).write_bytes(b"the same weights")
    models = [
        CpuModel.model_validate({"llm": "cpu", "path": str(tmp_path / name)}) for name in ("one.gguf", "other.gguf")
    ]
    assert model_identity(models[0]) == model_identity(models[1])


def test_equal_requests_are_asked_once_and_failed_ones_again(tmp_path: Path) -> None:
    def rule(handler: Handler, user: str, before: int) -> None:
        if user == "bad" and before == 0:
            handler.send_json({"error": "no"}, 400)
        else:
            echo(handler, user, before)

    asked = [Prompt("", "good", "a"), Prompt("", "bad", "b"), Prompt("", "good", "a"), Prompt("", "good", "c")]
    with serving(rule) as served:
        llm = open_llm(HttpModel(llm="http", model="m", base_url=served.url), tmp_path)
        first = llm.generate(asked, SAMPLING)
        again = llm.generate(asked, SAMPLING)
        llm.close()
        assert (served.times_asked("good"), served.times_asked("bad")) == (2, 2)
    assert [one.finish for one in first] == ["stop", "error", "stop", "stop"]
    assert [one.text for one in again] == ["doog", "dab", "doog", "doog"]


def test_a_replay_needs_no_model(tmp_path: Path) -> None:
    asked = prompts(30)
    with serving(echo) as served:
        model = HttpModel(llm="http", model="m", base_url=served.url, retries=0)
        llm = open_llm(model, tmp_path)
        live = llm.generate(asked, SAMPLING)
        llm.close()

    replayed = open_llm(model, tmp_path)
    assert replayed.generate(asked[::-1], SAMPLING) == live[::-1]
    with pytest.raises(StageError, match=r"does not answer: no connection.*\n    mend: start the server"):
        replayed.generate([Prompt("", "never asked", "z")], SAMPLING)
    replayed.close()


def test_a_prompt_that_is_no_unicode_is_a_failed_reply(tmp_path: Path) -> None:
    llm = open_llm(HttpModel(llm="http", model="m", base_url="http://127.0.0.1:9/v1"), tmp_path)
    found = llm.generate([Prompt("", "\ud800", "a")], SAMPLING)
    assert (found[0].finish, found[0].error) == ("error", "the prompt is not valid Unicode")


def test_twenty_kills_during_generation_lose_and_repeat_nothing(tmp_path: Path) -> None:
    count, kills = 300, 20
    asked = prompts(count)
    model = HttpModel(llm="http", model="small")
    keys = [reply_key(model_identity(model), SAMPLING, prompt) for prompt in asked]
    users = {prompt.user: number for number, prompt in enumerate(asked)}

    def rule(handler: Handler, user: str, before: int) -> None:
        time.sleep(0.002)
        echo(handler, user, before)

    with serving(rule) as served:
        command = [sys.executable, "-m", "tests.rewrite.storing_child", served.url, str(tmp_path), str(count)]
        child = subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        statuses = []
        for number in range(kills + 1):
            known = {at for at, reply in enumerate(ReplyStore(tmp_path).find(keys)) if reply is not None}
            with served.lock:
                start = len(served.users)
            child.stdin.write("go\n")
            child.stdin.flush()
            worker = int(child.stdout.readline())
            if number < kills:
                while len(served.users) < start + 6 + number % 5:
                    time.sleep(0.005)
                os.kill(worker, signal.SIGKILL)
            statuses.append(int(child.stdout.readline().split()[1]))
            with served.lock:
                requested = [users[user] for user in served.users[start:] if user in users]
            assert known.isdisjoint(requested), "a stored reply was requested again"
        child.stdin.close()
        child.stdout.close()
        assert child.wait(10) == 0
    assert statuses == [signal.SIGKILL] * kills + [0]
    assert len(served.users) < count + kills * 8
    found = ReplyStore(tmp_path).find(keys)
    assert [one and one.text for one in found] == [prompt.user[::-1] for prompt in asked]
