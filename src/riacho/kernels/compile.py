"""Compile every kernel once, ahead of its first call, and keep the machine code in the user's cache directory.

How to add a kernel. Put it in a module of this package and decorate it with its exact signatures:

    from riacho.kernels.compile import BYTES, kernel

    @kernel(f"int64({BYTES}, int64[::1])")
    def count_lines(data: Bytes, out: Int64s) -> int: ...

Importing the module compiles (or loads from the cache, in about a millisecond) those signatures and no others:
a call with other types raises `TypeError`, so a first call never compiles. A kernel that makes arrays of its own
(`np.empty`, ...) says so: `@kernel(..., makes_arrays=True)`. `BYTES`, `READ_INT64`, ... accept
read-only and writable arrays; `int64[::1]` only writable ones. A function that only kernels call is decorated
with `@inner` and stays in its module: Numba's cache sees an edit of the calling file only. One that several
modules call goes to a module without kernels, one of SHARED: their content is part of the cache directory's name.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import os
import platform
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from riacho import __version__
from riacho.errors import RiachoError
from riacho.host.parent import be_told_of_parents_end

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

P = ParamSpec("P")
R = TypeVar("R")

Progress = Callable[[int, int], None]
"""Called as `progress(done, total)`, in kernels, again and again until all are done."""

LOOK_S = 0.1
"""How often it is looked how far the compilers are: a kernel takes longer."""

YOUNG_OBJECTS = 100_000
"""The compiler's objects mostly stay: looking for cycles among so many at a time, and never among older ones, takes a
fifth less time than Python's usual way, in no more memory. Never to look takes 40 % more memory."""

MOST_COMPILERS = 8
"""Each takes 0.3 GB; the longest module bounds what more of them could gain."""

BYTES = "Array(uint8, 1, 'C', True)"
READ_INT8 = "Array(int8, 1, 'C', True)"
READ_INT32 = "Array(int32, 1, 'C', True)"
READ_INT64 = "Array(int64, 1, 'C', True)"
READ_UINT64 = "Array(uint64, 1, 'C', True)"
READ_BOOL = "Array(boolean, 1, 'C', True)"
READ_TABLE = "Array(int64, 2, 'C', True)"

_KERNEL_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_TO_BE_LINKED: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
"""Without Numba's reference counts: one up and one down per array and call, both atomic, took three quarters of the
JSON decoder's time."""

SHARED = (
    "batch_sums",
    "cursors",
    "join_layout",
    "json_layouts",
    "json_members",
    "json_syntax",
    "json_targets",
    "multi_join_chains",
    "multi_join_layout",
    "nexmark_draws",
    "primitives",
    "program_memory",
    "rank_layout",
    "row_words",
    "text_words",
    "tokens",
)
"""The modules whose functions and numbers become part of other modules' kernels."""

_when_compiled: list[Callable[[], None]] = []
"""What is called after each kernel, in a process of `compile_all`."""

_SOURCES = Path(__file__).parent
_HOW_TO_COMPILE = ("__init__", "compile", "pipeline")
_KERNEL = re.compile(r"^@kernel\(", re.MULTILINE)
_MARKER = "compiled"
_ANOTHER_PLACE = "set XDG_CACHE_HOME to a directory that can be written"


def kernel(*signatures: str, makes_arrays: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function for these Numba signatures now, or load it from the cache; it runs without the GIL.

    Integer division by zero and array bounds are not checked: a kernel checks what it reads. One that makes no arrays
    has none of Numba's reference counts: that is a fifth less to compile, and a shorter call.
    """
    import numba

    from riacho.kernels.pipeline import KernelCompiler

    _make_cache_directory()
    options = {**_KERNEL_OPTIONS, "_nrt": makes_arrays, "pipeline_class": KernelCompiler}
    compiler = numba.njit(list(signatures), **options)

    def compiled(function: Callable[P, R]) -> Callable[P, R]:
        made = compiler(function)
        for listener in _when_compiled:
            listener()
        return cast("Callable[P, R]", made)

    return compiled


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """A function that kernels call: compiled into each of them, never on its own (see `riacho.kernels.pipeline`).

    It makes no arrays, neither new ones nor slices: its caller owns those that it is given. Python cannot call it,
    only its `py_func`.
    """
    return _for_callers(function, inline=False)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """As `inner`, and its body replaces every call: for small functions in the hottest loops.

    A plain call passes each array as seven words and returns through memory, which is most of a short one's time.
    """
    return _for_callers(function, inline=True)


def _for_callers(function: Callable[P, R], *, inline: bool) -> Callable[P, R]:
    import numba

    from riacho.kernels.pipeline import CallersCompiler

    options = {**_TO_BE_LINKED, "forceinline": inline, "pipeline_class": CallersCompiler}
    compiled: Callable[P, R] = numba.njit(**options)(function)
    return compiled


@cache
def cache_directory() -> Path:
    """`<user's cache>/riacho/<version>-<python>-<cpu>-<shared code>`: one for each kind of machine code."""
    root = os.environ.get("XDG_CACHE_HOME") or _home() / ".cache"
    python = f"{sys.implementation.name}{sys.version_info.major}{sys.version_info.minor}"
    shared = hashlib.sha256(b"".join((_SOURCES / f"{module}.py").read_bytes() for module in SHARED)).hexdigest()[:8]
    return Path(root) / "riacho" / f"{__version__}-{python}-{_processor()}-{shared}"


def _home() -> Path:
    """The user's own directory. Raises `RiachoError` for a user who has none, as one in a container may."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise RiachoError(
            "there is no place for the compiled kernels: this user has no home directory", mend=_ANOTHER_PLACE
        ) from error


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
    """Compile the modules that are not in the cache yet, on every processor. Raises `RiachoError` if it cannot.

    Interrupted by an exception, as by `KeyboardInterrupt`, it leaves off at once; what is compiled by then stays.
    """
    from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    _make_cache_directory()
    fingerprint = _fingerprint()
    marker = _marker()
    stored = set(marker.read_text().splitlines()) if marker.exists() else set()
    paths = [path for path, line in zip(_sources(), fingerprint.splitlines(), strict=True) if line not in stored]
    paths.sort(key=lambda path: path.stat().st_size, reverse=True)  # the longest first: none is left for the end
    kernels = {path.stem: count for path in paths if (count := len(_KERNEL.findall(path.read_text())))}
    processes = min(MOST_COMPILERS, len(os.sched_getaffinity(0)))
    spawning = get_context("spawn")
    compiled = spawning.Value("i", 0)
    try:
        with (
            ProcessPoolExecutor(processes, spawning, _start_compiler, (compiled,)) as compilers,
            _ended_when_interrupted(),
        ):
            with _interrupts_blocked():
                left: set[Future[None]] = {compilers.submit(_compile, module) for module in kernels}
            while left:
                finished, left = wait(left, LOOK_S, FIRST_EXCEPTION)
                for each in finished:
                    each.result()
                progress(compiled.value, sum(kernels.values()))
        marker.write_text(fingerprint)
    except OSError as error:
        raise _unwritable(error) from error
    except BrokenProcessPool as error:
        raise RiachoError("a process that compiled kernels was ended, perhaps for want of memory") from error


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Processes that are started within never hear of Ctrl-C, which a terminal sends to all that it started."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ended_when_interrupted() -> Iterator[None]:
    """An exception within ends the compilers: each would finish its module first, which takes seconds."""
    from multiprocessing import active_children

    try:
        yield
    except BaseException:
        for compiler in active_children():
            compiler.terminate()
        raise


def _start_compiler(compiled: Synchronized[int]) -> None:
    """In a process that is to compile: end with the one that started it, and count its kernels there."""
    be_told_of_parents_end()

    def count() -> None:
        with compiled.get_lock():
            compiled.value += 1

    _when_compiled.append(count)
    gc.set_threshold(YOUNG_OBJECTS, 1000, 1000)


def _compile(module: str) -> None:
    import_module(f"{__package__}.{module}")


def modules() -> list[str]:
    """The full names of the modules that hold kernels, for whoever is to import them all."""
    return [f"{__package__}.{path.stem}" for path in _sources() if _KERNEL.search(path.read_text())]


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
    return sorted(path for path in _SOURCES.glob("*.py") if path.stem not in _HOW_TO_COMPILE)


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
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return RiachoError(
        f"the compiled kernels cannot be stored: {error.strerror}",
        where=str(error.filename or os.environ["NUMBA_CACHE_DIR"]),
        mend=f"free some space there, or {_ANOTHER_PLACE}" if full else _ANOTHER_PLACE,
    )
