"""A platform for tests: `riacho up`, and `riacho job` against it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import forked
from job_process import DEADLINE_S, RIACHO, until
from riacho.client.cluster import Cluster
from riacho.client.config import ClientConfig
from riacho.host import SystemClock
from riacho.jobs.catalog import JobCatalog

STOP_DEADLINE_S = 5.0
"""What `riacho up` promises for its own end."""
PATIENCE = 12
"""How much longer that may take on a machine that does other things as well."""


class RunningPlatform:
    """One `riacho up` with its own directory.

    It is a fork, and its parts but the broker are forks of the same process, unless it is `executed`, as a user does:
    then all are below it.
    """

    def __init__(self, directory: Path, *options: str, executed: bool = False) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.kafka, self.http = "127.0.0.1:0", "127.0.0.1:0"
        self._options = options
        self._executed = executed
        self._process: subprocess.Popen[bytes] | forked.Forked | None = None

    def start(self) -> RunningPlatform:
        """Start it, at the same addresses as before, and wait for its ready line."""
        command = ["up", "--dir", str(self.directory / "data"), "--http", self.http, *self._options]
        if "--kafka" not in self._options:
            command += ["--listen", self.kafka]
        with (self.directory / "stdout").open("wb") as out, (self.directory / "stderr").open("ab") as err:
            if self._executed:
                self._process = subprocess.Popen([str(RIACHO), *command], stdout=out, stderr=err)
            else:
                self._process = forked.Forked(command, stdout=out, stderr=err)
        line = until(lambda: self.stdout or self.ended, f"the platform is ready:\n{self.stderr}")
        assert isinstance(line, str), f"the platform did not start:\n{self.stderr}"
        found = re.fullmatch(r"ready kafka=(\S+) http=(\S+)\n", self.stdout)
        assert found is not None, f"this is no ready line: {self.stdout}"
        self.kafka, self.http = found.groups()
        return self

    @property
    def stdout(self) -> str:
        return (self.directory / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.directory / "stderr").read_text()

    @property
    def ended(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; the exit code. It must end in its time."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(STOP_DEADLINE_S * PATIENCE)

    def close(self) -> None:
        if self._process is not None and not self.ended:
            self._process.kill()
            self._process.wait()

    def job(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `riacho job …` against it."""
        done = forked.run("job", *arguments, "--kafka", self.kafka, timeout=DEADLINE_S)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def sql(self, text: str) -> str:
        """What `riacho sql` prints against it."""
        done = forked.run("sql", "-e", text, "--kafka", self.kafka, timeout=DEADLINE_S)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def jobs(self) -> dict[str, dict[str, Any]]:
        """What `riacho job list --json` says, by name; asked without a new process."""
        cluster = Cluster(ClientConfig(self.kafka, client_id="test"))
        try:
            with JobCatalog(cluster, SystemClock()) as catalog:
                return {each["name"]: each for each in catalog.describe()}
        finally:
            cluster.close()

    def until_phase(self, name: str, phase: str) -> dict[str, Any]:
        """Wait for a job to be in a phase; how it is then, as the console says, which is cheap to ask again."""

        def reached() -> dict[str, Any] | None:
            with urllib.request.urlopen(f"http://{self.http}/api/jobs", timeout=DEADLINE_S) as answer:
                jobs: list[dict[str, Any]] = json.load(answer)["jobs"]
            return next((job for job in jobs if job["name"] == name and job["phase"] == phase), None)

        described: dict[str, Any] = until(reached, f"{name} is {phase}: {self.jobs()}\n{self.stderr}")
        return described

    def processes(self) -> dict[int, str]:
        """All processes below it, with their command lines."""
        parents: dict[int, int] = {}
        commands: dict[int, str] = {}
        for entry in os.listdir("/proc"):
            if not entry.isdecimal():
                continue
            try:
                stat = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                commands[int(entry)] = Path(f"/proc/{entry}/cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry)] = int(stat[1])
        below: dict[int, str] = {}
        pending = [self.pid]
        while pending:
            parent = pending.pop()
            for pid, its_parent in parents.items():
                if its_parent == parent and pid in commands:
                    below[pid] = commands[pid]
                    pending.append(pid)
        return below
