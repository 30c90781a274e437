"""The console's page of a view: what a viewer costs the server and the browser, and how soon the page is there.

A view of 10,000 rows with ten numeric columns: ten charts, redrawn four times a second, and the table of the rows.
Broker and console are processes of their own; a thread of this one changes rows all the time, as a job would. The
page is opened in Chromium; further viewers, who cost the server as much, only read their streams.
"""

from __future__ import annotations

import random
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from riacho.bench import browser, clients
from riacho.bench.background import background
from riacho.bench.measurements import Meter
from riacho.bench.process import ServedProcess, serve_broker
from riacho.client.admin import Admin, NewTopic
from riacho.client.cluster import Cluster
from riacho.client.config import ClientConfig
from riacho.host.address import parse_address

VIEW = "devices"
MEASURES = ("temperature", "humidity", "pressure", "wind", "rain", "noise", "light", "voltage", "current", "signal")
SITES = 40
SEED = 7
TICK_S = 0.01
"""How often rows are changed: a job that reads a trickle writes its results about so often."""
LINGER_MS = 5
"""librdkafka's default."""
LOADS = 5
"""How often the page is opened. At first the console has not read the view yet, nor the browser the page's files."""
WARM_S = 5.0
STREAM = f"/api/events?view={VIEW}~10000&every=250"
"""What the page asks for."""
READ_BYTES = 1 << 16
READ_TIMEOUT_S = 0.2


@dataclass(frozen=True, slots=True)
class Page:
    """What was measured. Shares are of one core; times are from the start of the navigation, in milliseconds."""

    rows: int
    charts: int
    changes_per_s: int
    first_load_ms: float
    load_ms: float
    """The median of the later ones."""
    browser_share: float
    """All of Chromium's processes together, drawing in software."""
    idle_share: float
    """The console before anybody has asked for the view."""
    unwatched_share: float
    """The console once it reads the view, with nobody looking."""
    watched_share: float
    """The console with one viewer."""
    viewers: int
    crowded_share: float
    """The console with that many viewers."""
    first_viewer_share: float
    """What the first viewer costs the server, the reading of the view included."""
    viewer_share: float
    """What each of many viewers costs the server, beyond the reading of the view."""


def run(
    directory: Path, *, rows: int, changes: int, viewers: int, seconds: float, progress: Callable[[str], None]
) -> Page:
    """Measure. Raises `RiachoError` where nothing is shown, or without Chromium, selenium or confluent-kafka."""
    clients.require()
    browser.require()
    with ExitStack() as stack:
        broker = stack.enter_context(serve_broker(directory))
        progress(f"a view of {rows:,} rows, {changes:,} changes/s")
        stack.enter_context(changing(broker.address, rows, changes))
        arguments = ["console", "--kafka", broker.address, "--http", "127.0.0.1:0"]
        console = stack.enter_context(ServedProcess(*arguments, log=directory / "console.log"))
        address = console.addresses["http"]

        def console_share() -> float:
            time.sleep(WARM_S)
            return shares_of_core([console.cpu_s], seconds)[0]

        idle = console_share()
        chromium = stack.enter_context(browser.Browser())
        progress("the page in Chromium")
        chromium.open(f"http://{address}/api")  # its own start is not the page's
        first, *later = (chromium.load_ms(f"http://{address}/views?view={VIEW}") for _ in range(LOADS))
        charts = chromium.charts()
        time.sleep(WARM_S)
        watched_share, browser_share = shares_of_core([console.cpu_s, chromium.cpu_s], seconds)
        chromium.open("about:blank")
        unwatched = console_share()
        progress(f"{viewers} viewers")
        with watching(address, viewers):
            crowded = console_share()
    return Page(
        rows=rows,
        charts=charts,
        changes_per_s=changes,
        first_load_ms=first,
        load_ms=statistics.median(later),
        browser_share=browser_share,
        idle_share=idle,
        unwatched_share=unwatched,
        watched_share=watched_share,
        viewers=viewers,
        crowded_share=crowded,
        first_viewer_share=watched_share - idle,
        viewer_share=(crowded - unwatched) / viewers,
    )


def shares_of_core(cpus_s: list[Callable[[], float]], seconds: float) -> list[float]:
    """CPU seconds per second of several at the same time."""
    meters = [Meter(cpu_s) for cpu_s in cpus_s]
    time.sleep(seconds)
    return [meter.spent().share_of_core for meter in meters]


@contextmanager
def changing(address: str, rows: int, per_s: int) -> Iterator[None]:
    """A compacted topic of devices, all of which have a row; then rows are changed at this rate, each in its turn."""
    cluster = Cluster(ClientConfig(address, client_id="riacho-bench"))
    try:
        Admin(cluster).create_topics([NewTopic(VIEW, 1, 1, {"cleanup.policy": "compact"})])
    finally:
        cluster.close()
    source = random.Random(SEED)
    producer = clients.producer(address, linger_ms=LINGER_MS)
    for number in range(rows):
        producer.produce(VIEW, device(number, source), f"device-{number:05}")
    clients.flush(producer)

    def change(stopped: threading.Event) -> None:
        began, done = time.perf_counter(), 0
        while not stopped.wait(TICK_S):
            due = int((time.perf_counter() - began) * per_s)
            for number in range(done, due):
                producer.produce(VIEW, device(number % rows, source), f"device-{number % rows:05}")
            done = due
            producer.poll(0)

    with background("riacho-bench-source", change):
        yield
    clients.flush(producer)


def device(number: int, source: random.Random) -> str:
    """A row.

    >>> device(7, random.Random(1))[:55]
    '{"device":"device-00007","site":"site-07","temperature"'
    """
    values = ",".join(f'"{name}":{source.gauss(50, 10):.2f}' for name in MEASURES)
    return f'{{"device":"device-{number:05}","site":"site-{number % SITES:02}",{values}}}'


@contextmanager
def watching(address: str, viewers: int) -> Iterator[None]:
    """So many viewers of the view, who read what they are sent."""
    host, port = parse_address(address)
    with ExitStack() as stack:
        streams = selectors.DefaultSelector()
        stack.callback(streams.close)
        for _ in range(viewers):
            stream = stack.enter_context(socket.create_connection((host, port)))
            stream.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
            streams.register(stream, selectors.EVENT_READ)

        def read(stopped: threading.Event) -> None:
            while not stopped.is_set():
                for key, _ in streams.select(timeout=READ_TIMEOUT_S):
                    assert isinstance(key.fileobj, socket.socket)
                    key.fileobj.recv(READ_BYTES)

        with background("riacho-bench-viewers", read):
            yield
