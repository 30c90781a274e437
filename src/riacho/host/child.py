"""Child processes: started, watched, restarted when they die, and ended together."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from riacho.errors import RiachoError
from riacho.host.backoff import STEADY_AFTER_S, Backoff
from riacho.host.launch import Launch, Process, describe_exit, execute

STOP_TIMEOUT_S = 2.0
"""How long a child may take to end after SIGTERM: a platform ends its broker last, and is gone within 5 s."""

USAGE_ERROR = 2
"""The exit code that says: asked wrongly. Asking again the same way changes nothing."""

RECORDED_AFTER_S = 10.0
"""A child that served this long has put on record how far it came; one that ended sooner begins where it began.

It is how often a job takes a snapshot.
"""

ALIKE = 5
"""A patient child that fails so many times in a row for one reason is given up, where it fails to start sooner than
`STEADY_AFTER_S` or to serve for `RECORDED_AFTER_S`: what mends itself was waited for in between, and longer by the
child itself, whose clients try for a minute.
"""

ERROR = "error: "
"""How a command's message begins that says why it ends."""

LAST_WORDS = 40
"""Lines of a child's stderr that are kept, to say why it died."""

log = logging.getLogger(__name__)


class ChildError(RiachoError):
    """A child process that did not start."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run.

    A child that `announces` prints one line, `ready …`, when it serves; it counts as started only then.
    A `oneshot` child ends by itself: exit code 0 is not a death. A `patient` one is started again also where it fails
    before it serves, since what it needs may be on its way; but not where it was asked wrongly, nor for ever where
    the reason stays the same and it comes no further.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    announces: bool = False
    oneshot: bool = False
    patient: bool = False
    stop_timeout_s: float = STOP_TIMEOUT_S


def riacho_command(*arguments: str) -> list[str]:
    """A command line that runs this very installation of riacho."""
    return [sys.executable, "-m", "riacho", *arguments]


class Child:
    """One supervised process. `run` keeps it alive until it is cancelled; `ready` tells when it first served."""

    def __init__(
        self, spec: ChildSpec, on_change: Callable[[Child], None] | None = None, launch: Launch = execute
    ) -> None:
        self.spec = spec
        self._launch = launch
        self.restarts = 0
        self.exit_code: int | None = None
        self.failure: str | None = None
        """Why the last process ended, until one serves again."""
        self._words: deque[str] = deque(maxlen=LAST_WORDS)
        self.served = False
        """Whether the present process has said that it serves, or the one that died did."""
        self._served_at = 0.0
        self.ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process: Process | None = None
        self._on_change = on_change

    @property
    def pid(self) -> int | None:
        """The running process, or None between a death and the restart."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def last_words(self) -> str:
        """What the process wrote to stderr last; the present one, or the one that died."""
        return "".join(self._words).strip()

    @property
    def reason(self) -> str:
        """Why the process ended, the first line telling: its error message, or what else it wrote last."""
        return self._error_message() or _telling_first(self.last_words)

    async def run(self) -> None:
        """Start the process and restart it, backing off, whenever it dies. Ends it when cancelled.

        Raises `ChildError` where it ends by itself before it has served (see `ChildSpec` for patient ones): that is
        a mistake. One that is killed meanwhile had an accident. Raises it also where a patient one is given up.
        """
        backoff = Backoff()
        alike, before = 0, ""
        loop = asyncio.get_running_loop()
        try:
            while True:
                started = loop.time()
                self.exit_code = await self._run_once()
                self.failure = self.reason
                self._changed()
                if self.spec.oneshot and self.exit_code == 0:
                    return
                if self._is_mistake(self.exit_code):
                    await self._give_up(f"did not start: {describe_exit(self.exit_code)}")
                lasted_s = loop.time() - started
                if lasted_s > STEADY_AFTER_S or (self.served and loop.time() - self._served_at > RECORDED_AFTER_S):
                    alike = 0
                elif self.exit_code > 0:
                    # Of a traceback only the last line: log lines before it tell the time.
                    reason = self._error_message() or self.last_words.rpartition("\n")[2]
                    alike, before = (alike + 1 if reason == before else 1), reason
                    if self.spec.patient and alike == ALIKE:
                        what = "failed" if self.served else "did not start"
                        await self._give_up(f"{what}, {ALIKE} times in a row for this reason")
                pause_s = backoff.after(lasted_s)
                log.warning("%s died: %s; restarting in %.1f s", self.spec.name, describe_exit(self.exit_code), pause_s)
                await asyncio.sleep(pause_s)
                self.restarts += 1
        finally:
            await self.stop()

    async def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL where that does not help in time."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.spec.stop_timeout_s)
        except TimeoutError:
            limit_s = self.spec.stop_timeout_s
            log.warning("%s did not end within %.1f s of SIGTERM; killing it", self.spec.name, limit_s)
            process.kill()
            await process.wait()

    def _is_mistake(self, exit_code: int) -> bool:
        """Whether a process that did not serve would only end the same way again."""
        if self.spec.patient:
            return exit_code == USAGE_ERROR and not self.served
        return exit_code >= 0 and not self.ready.done()

    def _error_message(self) -> str | None:
        lines = list(self._words)
        for place in reversed(range(len(lines))):
            if lines[place].startswith(ERROR):
                return "".join(lines[place:]).removeprefix(ERROR).strip()
        return None

    async def _give_up(self, what: str) -> NoReturn:
        error = ChildError(f"{self.spec.name} {what}")
        if not self.ready.done():
            self.ready.set_exception(error)
            await self.ready
        raise error

    async def _run_once(self) -> int:
        self._process = await self._launch(self.spec.command, self.spec.environment, announces=self.spec.announces)
        self._words.clear()
        self.served = False
        self._changed()
        listeners = [asyncio.create_task(self._pass_on(self._process.stderr, self._words))]
        if self.spec.announces:
            assert self._process.stdout is not None
            line = (await self._process.stdout.readline()).decode().strip()
            listeners.append(asyncio.create_task(self._pass_on(self._process.stdout, None)))
            self.served = line.startswith("ready")
            if self.served:
                self._served_at = asyncio.get_running_loop().time()
                self.failure = None
                if not self.ready.done():
                    self.ready.set_result(line)
                self._changed()
        elif not self.ready.done():
            self.ready.set_result("")
        code = await self._process.wait()
        await asyncio.gather(*listeners)
        return code

    async def _pass_on(self, stream: asyncio.StreamReader | None, words: deque[str] | None) -> None:
        """Show what the child prints among our own log lines, under its name."""
        assert stream is not None
        async for content in stream:
            line = content.decode(errors="replace")
            if words is not None:
                words.append(line)
            sys.stderr.write(f"[{self.spec.name}] {line}")
            sys.stderr.flush()

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change(self)


def _telling_first(words: str) -> str:
    """What was written last, above it the line that names the error: of a traceback, the last one not indented."""
    lines = words.splitlines()
    naming = next((line for line in reversed(lines) if line and not line[0].isspace()), words)
    return words if words.startswith(naming) else f"{naming}\n{words}"
