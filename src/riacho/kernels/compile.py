"""Compile every kernel once, ahead of its first call, and keep the machine code in the user's cache directory.

How to add a kernel. Put it in a module of this package and decorate it with its exact signatures:

    from riacho.kernels.compile import BYTES, kernel

    @kernel(f"int64({BYTES}, int64[::1])")
    def count_lines(data: Bytes, out: Int64s) -> int: ...

Importing the module compiles (or loads from the cache, in about a millisecond) those signatures and no others:
a call with other types raises `TypeError`, so a first call never compiles. `BYTES`, `READ_INT64`, ... accept
read-only and writable arrays; `int64[::1]` only writable ones. A function that only kernels call is decorated
with `@inner` and stays in its module: Numba's cache sees an edit of the calling file only. One that several
modules call goes to a module without kernels, one of SHARED: their content is part of the cache directory's name.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from riacho import __version__
from riacho.errors import RiachoError

P = ParamSpec("P")
R = TypeVar("R")

Progress = Callable[[str, int, int], None]
"""Called as `progress(kernel, done, total)` after each kernel."""

BYTES = "Array(uint8, 1, 'C', True)"
READ_INT32 = "Array(int32, 1, 'C', True)"
READ_INT64 = "Array(int64, 1, 'C', True)"
READ_UINT64 = "Array(uint64, 1, 'C', True)"
READ_BOOL = "Array(boolean, 1, 'C', True)"

_INNER: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""Without Numba's reference counts: one up and one down per array and call, both atomic, took three quarters of the
JSON decoder's time."""

SHARED = ("cursors", "json_syntax", "primitives", "row_words", "tokens")
"""The modules whose functions and numbers become part of other modules' kernels."""

_SOURCES = Path(__file__).parent
_KERNEL = re.compile(r"^@kernel\(", re.MULTILINE)
_MARKER = "compiled"

_observers: list[Callable[[str], None]] = []


def kernel(*signatures: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function for these Numba signatures now, or load it from the cache; it runs without the GIL.

    Integer division by zero and array bounds are not checked: a kernel checks what it reads.
    """
    import numba

    _make_cache_directory()
    compiler = numba.njit(list(signatures), cache=True, nogil=True, error_model="numpy")

    def compile_now(function: Callable[P, R]) -> Callable[P, R]:
        compiled: Callable[P, R] = compiler(function)
        for observer in _observers:
            observer(f"{function.__module__.rpartition('.')[2]}.{function.__name__}")
        return compiled

    return compile_now


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """A function that kernels call: compiled into each of them, never on its own.

    It makes no arrays, neither new ones nor slices: its caller owns those that it is given.
    """
    import numba

    compiled: Callable[P, R] = numba.njit(**_INNER)(function)
    return compiled


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """As `inner`, and its body replaces every call: for small functions in the hottest loops.

    A plain call passes each array as seven words and returns through memory, which is most of a short one's time.
    """
    import numba

    compiled: Callable[P, R] = numba.njit(**_INNER, forceinline=True)(function)
    return compiled


@cache
def cache_directory() -> Path:
    """`<user's cache>/riacho/<version>-<python>-<cpu>-<shared code>`: one for each kind of machine code."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    python = f"{sys.implementation.name}{sys.version_info.major}{sys.version_info.minor}"
    shared = hashlib.sha256(b"".join((_SOURCES / f"{module}.py").read_bytes() for module in SHARED)).hexdigest()[:8]
    return Path(root) / "riacho" / f"{__version__}-{python}-{_processor()}-{shared}"


def use_cache_directory() -> None:
    """Point Numba at the cache directory, unless the user set NUMBA_CACHE_DIR."""
    directory = os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_directory()))
    if "numba" in sys.modules:  # it read the environment when it was imported
        sys.modules["numba"].config.CACHE_DIR = directory


def is_compiled() -> bool:
    """Whether `compile_all` has finished for exactly these sources. Imports nothing and compiles nothing."""
    try:
        return _marker().read_text() == _fingerprint()
    except OSError:
        return False


def compile_all(progress: Progress) -> None:
    """Compile what is not in the cache yet, telling `progress` of each kernel. Raises `RiachoError`."""
    modules = _kernels_by_module()
    total = sum(modules.values())
    done = 0

    def observe(name: str) -> None:
        nonlocal done
        done += 1
        progress(name, done, total)

    fingerprint = _fingerprint()
    marker = _marker()
    _observers.append(observe)
    try:
        for module, count in modules.items():
            name = f"riacho.kernels.{module}"
            if count and name in sys.modules:
                done += count
                progress(module, done, total)
            elif count:
                import_module(name)
    finally:
        _observers.remove(observe)
    try:
        marker.write_text(fingerprint)
    except OSError as error:
        raise _unwritable(error) from error


def modules() -> list[str]:
    """The full names of the modules that hold kernels, for whoever is to import them all."""
    return [f"{__package__}.{module}" for module, count in _kernels_by_module().items() if count]


def _kernels_by_module() -> dict[str, int]:
    return {path.stem: len(_KERNEL.findall(path.read_text())) for path in _sources()}


@cache
def _make_cache_directory() -> None:
    """Or Numba would look for another place, beside the sources."""
    try:
        _marker().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(error) from error


def _marker() -> Path:
    return Path(os.environ["NUMBA_CACHE_DIR"]) / _MARKER


def _sources() -> list[Path]:
    return sorted(path for path in _SOURCES.glob("*.py") if path.stem not in ("__init__", "compile"))


def _fingerprint() -> str:
    """Names, sizes and times of the kernel modules: what a quick look can tell of their content."""
    lines = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in _sources()]
    return "\n".join(lines)


def _processor() -> str:
    """Architecture and a digest of the instruction sets: code for one processor may not run on another."""
    try:
        description = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        description = platform.processor()
    sets = [line for line in description.splitlines() if line.startswith(("flags", "Features"))]
    digest = hashlib.sha256("\n".join(sets or [description]).encode()).hexdigest()[:8]
    return f"{platform.machine()}-{digest}"


def _unwritable(error: OSError) -> RiachoError:
    return RiachoError(
        f"the compiled kernels cannot be stored: {error.strerror}",
        where=str(error.filename or os.environ["NUMBA_CACHE_DIR"]),
        mend="free some space there, or set XDG_CACHE_HOME to a directory that can be written",
    )
