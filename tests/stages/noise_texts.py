"""Texts that are no language, made from a seed: what crawls hold beside prose, by kind."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable
from random import Random
from string import ascii_letters, ascii_lowercase, digits

_PARTS = (
    "Bus",
    "Cache",
    "Queue",
    "Display",
    "Power",
    "Battery",
    "Worker",
    "Socket",
    "Index",
    "Config",
    "Handler",
    "Pool",
)
_VERBS = ("init", "set", "get", "release", "update", "acquire", "flush", "bind", "resolve", "commit", "parse", "mark")
_LEVELS = ("INFO", "WARN", "DEBUG", "ERROR", "TRACE", "notice")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _name(chance: Random) -> str:
    return chance.choice(_VERBS) + "".join(chance.sample(_PARTS, chance.randint(1, 3)))


def _number(chance: Random) -> str:
    return str(chance.randrange(10 ** chance.randint(1, 9)))


def _hex(chance: Random, length: int) -> str:
    return "".join(chance.choice("0123456789abcdef") for _ in range(length))


def log_of_a_service(chance: Random) -> str:
    time = (
        f"2024-0{chance.randint(1, 9)}-1{chance.randint(0, 9)} 1{chance.randint(0, 9)}:{chance.randint(10, 59)}:07,112"
    )
    fields = " ".join(f"{_name(chance)}={_number(chance)}" for _ in range(chance.randint(2, 5)))
    thread = f"[{_name(chance)}-{_number(chance)}] org.mill.{_name(chance)}"
    return f"{time} {chance.choice(_LEVELS)} {thread}: {_name(chance)}() {fields}"


def log_of_a_server(chance: Random) -> str:
    address = ".".join(str(chance.randrange(256)) for _ in range(4))
    path = "/".join(_name(chance).lower() for _ in range(chance.randint(1, 4)))
    time = f"[12/Mar/2024:0{chance.randint(0, 9)}:14:15 +0000]"
    return f'{address} - - {time} "GET /{path}?id={_number(chance)} HTTP/1.1" 200 {_number(chance)}'


def log_of_a_kernel(chance: Random) -> str:
    time = f"[{_number(chance)}.{_number(chance)}]"
    device = f"idVendor=0x{_hex(chance, 4)}, idProduct=0x{_hex(chance, 4)}, bcdDevice={_number(chance)[:2]}.00"
    return f"{time} usb {chance.randint(1, 9)}-{chance.randint(1, 9)}: {_name(chance)} {device} irq {_number(chance)}"


def stack_trace(chance: Random) -> str:
    frames = (
        f"    at com.mill.{_name(chance)}.{_name(chance)}({_name(chance)}.java:{_number(chance)[:3]})" for _ in range(6)
    )
    return f"java.lang.{_name(chance)}Exception: {_name(chance)}\n" + "\n".join(frames)


def python_code(chance: Random) -> str:
    lines = [line for line in inspect.getsource(json.decoder).splitlines() if '"' not in line and "'" not in line]
    first = chance.randrange(len(lines) - 12)
    return "\n".join(lines[first : first + 12])


def c_code(chance: Random) -> str:
    names = [_name(chance) for _ in range(4)]
    return (
        f"static int {names[0]}(struct {names[1]} *p, size_t n)\n{{\n    for (size_t i = 0; i < n; i++) {{\n"
        f"        if (p->{names[2]}[i] != {_number(chance)}) {{ return -EINVAL; }}\n"
        f"        p->{names[3]} |= 1u << i;\n    }}\n    return p->{names[2]}[n - 1] & 0x{_hex(chance, 4)};\n}}"
    )


def small_javascript(chance: Random) -> str:
    a, b, c, d, e, f = (chance.choice(ascii_lowercase) for _ in range(6))
    inner = f"{c}.{d}=function({e}){{return {e}?{b}({e}.{f},{_number(chance)}):null}}"
    name = f"{a}.{_name(chance)}"
    return f"!function({a},{b}){{var {c}={name}||{{}};{inner};{name}={c}}}(window,document);"


def style_sheet(chance: Random) -> str:
    return " ".join(
        f".{_name(chance)}{{margin:{_number(chance)[:2]}px 0;color:#{_hex(chance, 6)};display:inline-block}}"
        for _ in range(4)
    )


def records(chance: Random) -> str:
    return json.dumps([{_name(chance): int(_number(chance)), "id": _hex(chance, 8), "ok": True} for _ in range(4)])


def base64_lines(chance: Random) -> str:
    return "\n".join(base64.b64encode(chance.randbytes(48)).decode() for _ in range(chance.randint(1, 6)))


def hexadecimal(chance: Random) -> str:
    return " ".join(_hex(chance, chance.choice((2, 8, 40))) for _ in range(20))


def random_letters(chance: Random) -> str:
    return " ".join(
        "".join(chance.choices(ascii_lowercase, k=chance.randint(2, 10))) for _ in range(chance.randint(8, 40))
    )


def random_capitals(chance: Random) -> str:
    return " ".join("".join(chance.choices(ascii_letters, k=chance.randint(3, 12))) for _ in range(20))


def random_signs(chance: Random) -> str:
    return "".join(chance.choices(ascii_letters + digits + "!#$%&*+-/=?@^_~ ", k=200))


def table_of_numbers(chance: Random) -> str:
    return "\n".join("\t".join(_number(chance) for _ in range(5)) for _ in range(8))


def prices(chance: Random) -> str:
    return " ".join(f"{_number(chance)[:3]}.{chance.randint(10, 99)} EUR" for _ in range(20))


def dates(chance: Random) -> str:
    return " ".join(
        f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.{chance.randint(1990, 2024)} {_number(chance)} kg,"
        for _ in range(12)
    )


def rows_of_a_keyboard(chance: Random) -> str:
    def slip() -> str:
        row = chance.choice(_ROWS)
        first = chance.randrange(len(row) - 3)
        return row[first : first + chance.randint(3, 7)]

    return " ".join(slip() for _ in range(20))


def one_letter_again_and_again(chance: Random) -> str:
    return " ".join(chance.choice(ascii_lowercase) * chance.randint(5, 30) for _ in range(8))


def genes(chance: Random) -> str:
    return "\n".join("".join(chance.choices("ACGT", k=60)) for _ in range(5))


def addresses(chance: Random) -> str:
    return "\n".join(
        f"https://{_name(chance).lower()}.example/{_name(chance)}/{_hex(chance, 8)}.html?q={_name(chance)}"
        for _ in range(5)
    )


def chess(chance: Random) -> str:
    def square() -> str:
        return f"{chance.choice('abcdefgh')}{chance.randint(1, 8)}"

    return " ".join(f"{number}. {chance.choice('NBRQK')}{square()} {square()}" for number in range(1, 25))


def files(chance: Random) -> str:
    names = (f"{_name(chance)}.{chance.choice(('so', 'py', 'txt'))}" for _ in range(6))
    return "\n".join(
        f"-rw-r--r-- 1 root root {_number(chance)} Mar 12 0{chance.randint(0, 9)}:15 {name}" for name in names
    )


KINDS: tuple[Callable[[Random], str], ...] = (
    log_of_a_service, log_of_a_server, log_of_a_kernel, stack_trace, python_code, c_code, small_javascript, style_sheet,
    records, base64_lines, hexadecimal, random_letters, random_capitals, random_signs, table_of_numbers, prices, dates,
    rows_of_a_keyboard, one_letter_again_and_again, genes, addresses, chess, files,
)  # fmt: skip


def noise(kind: Callable[[Random], str], texts: int = 40) -> list[str]:
    """Texts of one kind; the same ones each time."""
    chance = Random(f"noise {kind.__name__}")
    return [kind(chance) for _ in range(texts)]
