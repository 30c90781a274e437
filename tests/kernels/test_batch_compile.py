"""The kernel cache: where it is, how it is filled, and that a first call compiles nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from riacho.kernels import compile as compiling
from riacho.kernels.partition import partition_by_key
from riacho.kernels.primitives import read_varint

NOBODY = 1 << 30
"""The id of no user."""

KERNELS = Path(compiling.__file__).parent


def shares_code(path: Path) -> bool:
    """Whether a module is there for other modules' kernels."""
    return path.stem not in ("__init__", "compile", "pipeline") and "@kernel(" not in path.read_text()


REFUSED = (
    "from riacho.errors import RiachoError\n"
    "try:\n    import riacho.kernels.partition\n"
    "except RiachoError as error:\n    print(error.mend)\n"
)
"""Says what to do where a kernel cannot be stored."""


def run(code: str, cache: Path) -> str:
    """Run Python with its own cache directory; what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment["XDG_CACHE_HOME"] = str(cache)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kernels_are_kept_in_the_users_cache_directory(tmp_path: Path) -> None:
    out = run("import riacho.kernels.partition", tmp_path)

    assert out == ""
    (directory,) = (tmp_path / "riacho").iterdir()
    assert directory.name.startswith(f"{compiling.__version__}-cpython")
    assert list(directory.rglob("*partition_by_key*.nbc"))


def test_asking_whether_kernels_are_compiled_does_not_import_numba(tmp_path: Path) -> None:
    code = "import sys; from riacho.kernels.compile import is_compiled; print(is_compiled(), 'numba' in sys.modules)"

    assert run(code, tmp_path) == "False False\n"


def test_what_kernels_share_is_part_of_the_caches_name() -> None:
    assert set(compiling.SHARED) == {path.stem for path in KERNELS.glob("*.py") if shares_code(path)}


def test_a_call_with_other_types_is_refused_instead_of_compiled() -> None:
    none = np.empty(0, np.int32)
    with pytest.raises(TypeError):
        partition_by_key(np.empty(0, np.float64), np.empty(0, np.int64), none, 1, none)


def test_a_cache_that_cannot_be_written_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "riacho").write_text("a file where the directory should be")

    assert run(REFUSED, tmp_path) == "set XDG_CACHE_HOME to a directory that can be written\n"


def test_a_user_without_a_home_directory_is_told_what_to_set(tmp_path: Path) -> None:
    homeless = f"import os; del os.environ['XDG_CACHE_HOME'], os.environ['HOME']; os.getuid = lambda: {NOBODY}\n"

    assert run(homeless + REFUSED, tmp_path) == "set XDG_CACHE_HOME to a directory that can be written\n"


def test_an_inner_function_is_for_kernels_and_not_for_python() -> None:
    with pytest.raises(TypeError):
        read_varint(np.array([0xAC, 0x02], np.uint8), 0, 2)


def test_a_kernel_holds_what_it_calls_which_has_no_machine_code_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "doubling.py").write_text(
        "from riacho.kernels.compile import inlined, inner, kernel\n"
        "@inner\ndef twice(number):\n    return 2 * number\n"
        "@inlined\ndef half_and_rest(number):\n    return number // 2, number % 2\n"
        "@kernel('int64(int64)', 'float64(float64)')\n"
        "def four_times(number):\n"
        "    half, rest = half_and_rest(twice(twice(twice(number))))\n"
        "    return half + rest\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from doubling import four_times, half_and_rest, twice\n"
        "print(four_times(3), four_times(0.5))\n"
        "made = [*twice.overloads.values(), *half_and_rest.overloads.values()]\n"
        "print([each.library.get_pointer_to_function(each.fndesc.llvm_func_name) for each in made])\n"
    )

    assert run(code, tmp_path / "compiled") == "12 2.0\n[0, 0, 0, 0]\n"
    assert run(code, tmp_path / "compiled") == "12 2.0\n[]\n", "it came out of the cache"


def test_kernels_are_counted_while_they_are_compiled_ahead_and_only_those_that_changed_are(tmp_path: Path) -> None:
    code = (
        "from riacho.kernels import compile as compiling\n"
        "compiling.use_cache_directory()\n"
        "chosen = [path for path in compiling._sources() if path.stem in ('decimals', 'keys', 'tokens')]\n"
        "compiling._sources = lambda: chosen\n"
        "compiling.compile_all(lambda done, total: print(done, total))\n"
        "print(compiling.is_compiled())\n"
        "compiling._marker().write_text(compiling._fingerprint().partition('\\n')[0])\n"
        "compiling.compile_all(lambda done, total: print(done, total))\n"
    )
    in_decimals, in_keys = (
        len(re.findall("^@kernel", (KERNELS / name).read_text(), re.MULTILINE)) for name in ("decimals.py", "keys.py")
    )
    total = in_decimals + in_keys

    lines = run(code, tmp_path).splitlines()
    first, again = lines[: lines.index("True")], lines[lines.index("True") + 1 :]

    for told, count in ((first, total), (again, in_keys)):
        done = [int(line.removesuffix(f" {count}")) for line in told]
        assert done == sorted(done)
        assert done[-1] == count
    assert list(tmp_path.rglob("kernels_*/keys.*.nbc"))
