"""Digests. Polars has none, so `hashlib`, itself native code, is called once per distinct value of a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import polars as pl

from riacho.dataflow.evaluation.failures import ValueFailure
from riacho.dataflow.evaluation.invocation import Evaluate, Invocation

Algorithm = Callable[[bytes], "hashlib._Hash"]

_SHA2: dict[int, Algorithm] = {224: hashlib.sha224, 256: hashlib.sha256, 384: hashlib.sha384, 512: hashlib.sha512}


def _digest(algorithm: Algorithm) -> Callable[[str | bytes], str]:
    return lambda value: algorithm(value.encode() if isinstance(value, str) else value).hexdigest()


def _sha2(call: Invocation) -> pl.Expr:
    def digest(value: str | bytes, bits: int) -> str:
        if bits not in _SHA2:
            raise ValueFailure(f"SHA2 has no {bits} bits, only {', '.join(map(str, _SHA2))}")
        return _digest(_SHA2[bits])(value)

    return call.per_row(digest)


def _plain(algorithm: Algorithm) -> Evaluate:
    return lambda call: call.per_distinct(_digest(algorithm), call[0])


def _md5(raw: bytes) -> hashlib._Hash:
    """Allowed where policy forbids MD5 for security, which this is not."""
    return hashlib.md5(raw, usedforsecurity=False)


FUNCTIONS: dict[str, Evaluate] = {
    "MD5": _plain(_md5),
    "SHA1": _plain(hashlib.sha1),
    "SHA224": _plain(hashlib.sha224),
    "SHA256": _plain(hashlib.sha256),
    "SHA384": _plain(hashlib.sha384),
    "SHA512": _plain(hashlib.sha512),
    "SHA2": _sha2,
}
