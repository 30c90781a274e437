"""Flink's jars, fetched once into the user's cache directory: from PyPI and, what is not there, by Maven."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from riacho.errors import RiachoError

VERSION = "2.2.0"
WHEEL = f"apache-flink-libraries=={VERSION}"
"""The whole distribution's jars but the SQL gateway's, as PyFlink brings them."""

ARTIFACTS = (f"org.apache.flink:flink-sql-gateway:{VERSION}", "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2")

OLDEST_JAVA = 17
MEND = "on Debian: apt-get install default-jdk-headless maven"

Progress = Callable[[str], None]


def say_nothing(text: str) -> None:
    """Show no progress."""


class FlinkMissingError(RiachoError):
    """A program that Flink needs is not installed here."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A Java program and the jars of its class path."""

    java: str
    jars: tuple[Path, ...]

    def class_path(self) -> str:
        return os.pathsep.join(map(str, self.jars))


def fetch(progress: Progress = say_nothing) -> Distribution:
    """Fetch what is not in the cache yet, about 320 MB.

    Raises `FlinkMissingError` where a program is missing, `RiachoError` where a download fails.
    """
    java = find_java()
    cache = cache_directory()
    if not cache.exists():
        maven = _program("mvn", "Maven")
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent, prefix="fetching-") as scratch:
            jars = Path(scratch) / "jars"
            jars.mkdir()
            progress(f"fetching Flink {VERSION}")
            _fetch_wheel(Path(scratch), jars)
            for artifact in ARTIFACTS:
                progress(f"fetching {artifact}")
                _run([maven, "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={jars}"])
            _publish(jars, cache)
    return Distribution(java, tuple(sorted(cache.glob("*.jar"))))


def cache_directory() -> Path:
    """`<user's cache>/riacho/flink-<version>`."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "riacho" / f"flink-{VERSION}"


def find_java() -> str:
    """The program `java`, of $JAVA_HOME or the path. Raises `FlinkMissingError` where none is new enough."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else _program("java", f"a JDK {OLDEST_JAVA} or newer")
    said = _run([java, "-version"])
    version = java_version(said)
    if version is None or version < OLDEST_JAVA:
        raise FlinkMissingError(
            f"Flink needs a JDK {OLDEST_JAVA} or newer, and {java} is another", where=said, mend=MEND
        )
    return java


def java_version(said: str) -> int | None:
    """The major version in what `java -version` prints.

    >>> java_version('openjdk version "17.0.15" 2025-04-15')
    17
    """
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else None


def _program(name: str, what: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FlinkMissingError(f"{name} is missing: Flink needs {what}", mend=MEND)
    return path


def _fetch_wheel(scratch: Path, jars: Path) -> None:
    _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", str(scratch), WHEEL])
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("pyflink/lib/") and name.endswith(".jar"):
                with archive.open(name) as packed, (jars / Path(name).name).open("wb") as jar:
                    shutil.copyfileobj(packed, jar)


def _publish(jars: Path, cache: Path) -> None:
    """Put the whole of it in place at once; what another process has put there meanwhile is as good."""
    try:
        jars.rename(cache)
    except OSError:
        if not cache.exists():
            raise


def _run(command: list[str]) -> str:
    """What a command prints. Raises `RiachoError` where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RiachoError(f"{' '.join(command[:4])} … failed", where=done.stdout.strip()[-2000:], mend=MEND)
    return done.stdout
