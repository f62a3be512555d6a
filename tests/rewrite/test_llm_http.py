"""The HTTP backend: whatever a server does, each request ends as a reply or an error, in order, in bounded memory."""

from __future__ import annotations

import gc
import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from email.utils import formatdate

import pytest
from pydantic import ValidationError

from rewrite.backends.http_answer import retry_after
from rewrite.backends.http_request import wait_before
from rewrite.llm import Prompt, Reply, Sampling, open_llm, problems, seed_of, unreachable
from rewrite.models import HttpModel
from stages.errors import StageError
from tests.rewrite.hostile_server import Handler, echo, serving

KEY = "sk-very-secret-0123456789"
SAMPLING = Sampling(max_tokens=20)
FINE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "fine"}}


def model_at(url: str, **fields: object) -> HttpModel:
    quick = {"retries": 3, "backoff": 0.01, "max_wait": 0.05, "timeout": 20.0, "concurrency": 32}
    return HttpModel.model_validate({"llm": "http", "model": "small", "base_url": url, **quick, **fields})


def ask(model: HttpModel, *users: str, sampling: Sampling = SAMPLING) -> list[Reply]:
    llm = open_llm(model, None)
    try:
        return llm.generate([Prompt("Be brief.", user, f"doc-{user}") for user in users], sampling)
    finally:
        llm.close()


Act = Callable[[Handler, str], None]


def twice(first: Act) -> Callable[[Handler, str, int], None]:
    """Bad at first, good the second time."""
    return lambda handler, user, before: first(handler, user) if before == 0 else handler.answer(user[::-1])


def always(act: Act) -> Callable[[Handler, str, int], None]:
    return lambda handler, user, before: act(handler, user)


def busy(handler: Handler, user: str) -> None:
    handler.send_json({"error": "slow down"}, 429, Retry_After="0")


def busy_until(handler: Handler, user: str) -> None:
    handler.send_json({"error": "slow down"}, 503, Retry_After=formatdate(time.time() + 3600, usegmt=True))


def broken(handler: Handler, user: str) -> None:
    handler.send(b"<html>Internal Server Error</html>", 500, Content_Type="text/html")


def dropped(handler: Handler, user: str) -> None:
    handler.hang_up()


def dropped_halfway(handler: Handler, user: str) -> None:
    handler.send(b'{"choices": [', Content_Length="5000")
    handler.hang_up()


def drip(handler: Handler, user: str) -> None:
    handler.send(b"{", Content_Length="5000")
    for _ in range(400):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def drip_headers(handler: Handler, user: str) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def noise(handler: Handler, user: str) -> None:
    handler.wfile.write(bytes(range(256)) * 4 + b"\r\n\r\n")
    handler.hang_up()


def half_json(handler: Handler, user: str) -> None:
    handler.send(b'{"choices": [{"message": {"content": "cut o')


def no_choices(handler: Handler, user: str) -> None:
    handler.send_json({"choices": []})


def odd_choice(handler: Handler, user: str) -> None:
    handler.send_json({"choices": [{"message": {"content": ["not", "a", "text"]}}]})


def web_page(handler: Handler, user: str) -> None:
    handler.send(b"<html>Please log in</html>", Content_Type="text/html")


def huge(handler: Handler, user: str) -> None:
    handler.send(b"", Content_Length=str(2**30))
    for _ in range(1024):
        handler.wfile.write(b"x" * 2**20)


def bomb(handler: Handler, user: str) -> None:
    handler.send(gzip.compress(bytes(2**20)), Content_Encoding="gzip")


def tells_the_key(handler: Handler, user: str) -> None:
    handler.send_json({"error": f"wrong key: {handler.headers['Authorization']}"}, 400)


def odd_counts(handler: Handler, user: str) -> None:
    handler.send_json({"choices": [FINE], "usage": {"prompt_tokens": -3, "completion_tokens": "many"}})


REPLIED = [
    echo,
    twice(busy),
    twice(busy_until),
    twice(broken),
    twice(dropped),
    twice(dropped_halfway),
    twice(half_json),
]
FAILED = {
    "the server answered 500: <html>Internal": always(broken),
    "the connection broke": always(dropped),
    "the connection broke: RemoteProtocolError": always(dropped_halfway),
    "the connection broke: RemoteProtocolError: illegal": always(noise),
    "is not JSON: {": always(half_json),
    "holds no choice": always(no_choices),
    "holds no text": always(odd_choice),
    "is not JSON: <html>Please log in": always(web_page),
    "longer than": always(huge),
    "or compressed": always(bomb),
    "the server answered 400": always(tells_the_key),
    "the server answered 429": always(busy),
}
SLOW = [always(drip), always(drip_headers)]


def test_two_thousand_requests_to_a_hostile_server_all_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)
    good = [*REPLIED, *[echo] * len(REPLIED)] * 2
    rules, expected = [*good, *FAILED.values()], [*[None] * len(good), *FAILED]

    def rule(handler: Handler, user: str, before: int) -> None:
        kind, _, number = user.partition(" ")
        if kind == "slow":
            SLOW[int(number) % 2](handler, user, before)
        elif kind == "hard":
            rules[int(number) % len(rules)](handler, user, before)
        else:
            echo(handler, user, before)

    users = [f"hard {number}" if number % 100 else f"slow {number // 100}" for number in range(2000)]
    with serving(rule) as served:
        model = model_at(served.url, api_key_env="THE_KEY", timeout=4.0, retries=1, max_reply_bytes=65536)
        replies = ask(model, *users)

    assert len(replies) == 2000
    for user, reply in zip(users, replies):
        kind, _, number = user.partition(" ")
        wanted = expected[int(number) % len(expected)] if kind == "hard" else "within 4 seconds"
        if wanted is None:
            assert (reply.text, reply.finish, reply.error) == (user[::-1], "stop", None)
        else:
            assert (reply.text, reply.finish) == ("", "error")
            assert wanted in (reply.error or ""), user
        assert KEY not in repr(reply)


def test_huge_and_compressed_answers_take_no_memory() -> None:
    def rule(handler: Handler, user: str, before: int) -> None:
        echo(handler, user, before) if user == "Say yes." else huge(handler, user) if before % 2 else bomb(
            handler, user
        )

    with serving(rule) as served:
        tracemalloc.start()
        replies = ask(model_at(served.url, max_reply_bytes=100_000), *[f"{number}" for number in range(40)])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert {reply.finish for reply in replies} == {"error"}
    assert peak < 60 * 2**20


def test_requests_are_sent_as_the_sampling_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", f" {KEY}\n")
    schema = {"type": "object"}
    sampling = Sampling(max_tokens=9, temperature=0.5, top_p=0.9, top_k=4, seed=3, stop=("END",), json_schema=schema)
    with serving(echo) as served:
        assert ask(model_at(served.url + "/", api_key_env="THE_KEY"), "hello", sampling=sampling)[0].text == "olleh"
        assert served.headers["Authorization"] == f"Bearer {KEY}"
    assert served.bodies[-1] == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 4,
        "stop": ["END"],
        "seed": seed_of(Prompt("", "", "doc-hello"), sampling),
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    }


def test_finish_and_counts_are_the_servers_and_estimated_where_it_gives_none() -> None:
    def rule(handler: Handler, user: str, before: int) -> None:
        handler.answer("cut", "length") if user == "long" else odd_counts(handler, user)

    with serving(rule) as served:
        assert ask(model_at(served.url), "long", "odd") == [Reply("cut", "length", 7, 3), Reply("fine", "stop", 4, 2)]


def test_what_the_server_refuses_is_asked_once() -> None:
    def rule(handler: Handler, user: str, before: int) -> None:
        echo(handler, user, before) if user == "Say yes." else handler.send_json({"error": "context is 8"}, 400)

    with serving(rule) as served:
        assert ask(model_at(served.url), "too long")[0].error == 'the server answered 400: {"error":"context is 8"}'
        assert served.times_asked("too long") == 1


def test_replies_in_any_order_come_back_in_that_of_the_prompts() -> None:
    def rule(handler: Handler, user: str, before: int) -> None:
        time.sleep(0.001 * (len(user) + sum(user.encode()) * 7 % 20))
        echo(handler, user, before)

    users = [f"number {number}" for number in range(100)]
    with serving(rule) as served:
        assert [reply.text for reply in ask(model_at(served.url), *users)] == [user[::-1] for user in users]


def test_what_a_stage_forgets_to_close_is_closed_with_it() -> None:
    with serving(echo) as served:
        llm = open_llm(model_at(served.url), None)
        llm.generate([Prompt("", "a", "a")], SAMPLING)
        del llm
        gc.collect()
        assert not [thread for thread in threading.enumerate() if thread.name == "textmill-http"]


def test_no_more_requests_are_under_way_than_allowed() -> None:
    def rule(handler: Handler, user: str, before: int) -> None:
        time.sleep(0.01)
        echo(handler, user, before)

    with serving(rule) as served:
        ask(model_at(served.url, concurrency=3), *[f"{number}" for number in range(30)])
        assert 1 < served.most_under_way <= 3


def test_a_server_that_dies_costs_its_requests_one_try_each() -> None:
    with serving(echo) as served:
        llm = open_llm(model_at(served.url, retries=2, backoff=0.3, max_wait=0.3, concurrency=1), None)
        assert llm.generate([Prompt("", "a", "a")], SAMPLING)[0].text == "a"
    began = time.monotonic()
    replies = llm.generate([Prompt("", f"{number}", "a") for number in range(50)], SAMPLING)
    assert time.monotonic() - began < 5
    assert ["after 3 tries" in (reply.error or "") for reply in replies] == [True] + [False] * 49
    llm.close()


def test_waits_double_and_are_capped_whatever_the_server_asks() -> None:
    model = model_at("http://127.0.0.1:9/v1", backoff=1.0, max_wait=60.0)
    for number, full in [(0, 1), (3, 8), (9, 60), (1000, 60)]:
        assert all(full / 2 <= wait_before(number, None, model) <= full for _ in range(50))
    assert 5 <= wait_before(0, 5.0, model) <= 6
    assert wait_before(0, 1e9, model) == 60


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=10.0) == seconds


def test_a_server_that_is_down_is_told_before_the_run() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        model = model_at(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        (told,) = unreachable(model)
    assert "does not answer: no connection to http://127.0.0.1:" in told
    assert "mend: start the server" in told


def test_a_wrong_model_or_key_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)
    with serving(always(tells_the_key)) as served:
        (told,) = unreachable(model_at(served.url, api_key_env="THE_KEY"))
        with pytest.raises(StageError, match="the server answered 400"):
            ask(model_at(served.url), "hello")
    assert "wrong key: Bearer [key]" in told
    assert KEY not in told


def test_no_part_of_a_key_is_told_wherever_the_server_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)

    def rule(handler: Handler, user: str, before: int) -> None:
        if user == "Say yes.":
            echo(handler, user, before)
        elif user.startswith("header"):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + KEY.encode() + b"\r\n\r\n")
            handler.hang_up()
        else:
            handler.send(b" " * 5000 + b"-" * int(user) + KEY.encode() + b"-" * 300, 400 if int(user) % 2 else 200)

    with serving(rule) as served:
        replies = ask(model_at(served.url, api_key_env="THE_KEY", retries=0), "header", *map(str, range(200, 300)))
    told = [reply.error or "" for reply in replies]
    assert "[key]" in told[0]
    assert not [error for error in told if KEY[:4] in error or len(error) > 300]


@pytest.mark.parametrize("rule", [echo, always(busy), always(drip)])
def test_a_server_that_answers_or_is_busy_is_there(rule: Callable[[Handler, str, int], None]) -> None:
    with serving(rule) as served:
        assert unreachable(model_at(served.url), seconds=0.5) == []


def test_a_missing_key_is_a_problem_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THE_KEY", raising=False)
    model = model_at("http://127.0.0.1:9/v1", api_key_env="THE_KEY")
    assert problems(model) == [
        "the environment variable THE_KEY is not set; mend: export THE_KEY=… where the workers run"
    ]
    monkeypatch.setenv("THE_KEY", "geheim-ä\n")
    assert [("holds characters" in one, "geheim" in one) for one in problems(model)] == [(True, False)]
    with pytest.raises(StageError, match="cannot be asked: the environment variable THE_KEY"):
        ask(model, "hello")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_url": "127.0.0.1:8000"}, "is not one such as"),
        ({"base_url": "ftp://host/v1"}, "is not one such as"),
        ({"base_url": "http://me:secret@host/v1"}, "a key belongs into"),
        ({"base_url": "http://host/v1?key=1"}, "a key belongs into"),
        ({"api_key_env": "sk-1234-5678"}, "no name of an environment variable"),
        ({"concurrency": 0}, "greater than or equal to 1"),
        ({"timeout": 0}, "greater than 0"),
        ({"api_key": KEY}, "Extra inputs"),
    ],
)
def test_fields_without_sense_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model_at(**{"url": "http://127.0.0.1:9/v1"} | {("url" if k == "base_url" else k): v for k, v in fields.items()})
