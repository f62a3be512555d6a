"""Stable hashes: the same value gives the same hash on every machine, in every process, for ever.

Python's built-in `hash` is salted per process and must never reach an output. Everything here goes over canonical JSON
or plain bytes with BLAKE2b (RFC 7693); 64-bit values are stored as int64 by reinterpretation, because Spark refuses
unsigned types.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
from xxhash import xxh3_64_intdigest


def canonical_json(value: object) -> bytes:
    """The one JSON text of a value: sorted keys, no blanks. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest_of(value: object) -> str:
    """32 hex digits of BLAKE2b-128 over the canonical JSON of `value`."""
    return blake2b(canonical_json(value), digest_size=16).hexdigest()


def hash_text(*parts: str) -> str:
    """32 hex digits of BLAKE2b-128 over the parts, separated by NUL so that no two lists collide."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def unit_interval(seed: int, *parts: str) -> float:
    """A number in [0, 1) that depends on the seed and the parts alone: the randomness of samples and holdouts.

    53 bits of BLAKE2b, so the result is an exact float64.
    """
    digest = blake2b("\0".join((str(seed), *parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / float(1 << 53)


def hash_ids(ids: pa.StringArray, seed: int) -> npt.NDArray[np.uint64]:
    """64 bits of xxh3 over each id with the seed: the uniform order in which documents are shuffled or admitted."""
    # One native call per id, about 0.3 µs: ids are few beside texts.
    hashed = (xxh3_64_intdigest(name, seed & 0xFFFFFFFFFFFFFFFF) for name in ids.cast(pa.binary()).to_pylist())
    return np.fromiter(hashed, np.uint64, len(ids))
