"""`riacho bench log`: what the broker costs per GB, how soon a record arrives, how soon it is ready.

Clients are librdkafka's (confluent-kafka). CPU seconds are the broker's own, from /proc, and beside them stands what
the bare system calls cost in the same minute. The page cache is given memory that the machine has backed already,
since the first touch of a page costs more than anything the broker does (see `backed_memory`).
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from riacho.bench import bare_loop, clients
from riacho.bench.backed_memory import BackedMemory
from riacho.bench.background import background
from riacho.bench.measurements import Meter, Quantiles
from riacho.bench.process import ServedProcess, serve_broker
from riacho.errors import RiachoError

SIZES = (100, 1024, 10240)
LATENCY_RATE = 2_000
WARM_BYTES = 20_000_000
"""Produced and consumed before the measurement, through the same code, and before the latency is measured."""
LATENCY_WARM_S = 5.0
DRAIN_S = 1.0
"""How long the consumer of the latency's records goes on after the last one was acknowledged."""
LINGER_MS = 5
"""How long a producer gathers a batch where throughput is measured."""
BARE_BYTES = 200_000_000
_SENT_AT = struct.Struct(">d")


@dataclass(frozen=True, slots=True)
class Throughput:
    """One record size. Costs are CPU seconds per GB of record values; rates are of the whole loop, clients included.

    bare_receive_cpu_s_per_gb: receive, checksum and write alone; bare_send_cpu_s_per_gb: sendfile alone.
    """

    record_bytes: int
    produce_cpu_s_per_gb: float
    consume_cpu_s_per_gb: float
    bare_receive_cpu_s_per_gb: float
    bare_send_cpu_s_per_gb: float
    produce_mb_per_s: float
    consume_mb_per_s: float


@dataclass(frozen=True, slots=True)
class LogReport:
    """What `riacho bench log` prints. Latencies in milliseconds."""

    start_s: float
    idle_rss_mb: float
    loaded_rss_mb: float
    throughput: list[Throughput]
    latency_p50_ms: float
    latency_p99_ms: float
    latency_rate: int = LATENCY_RATE


def run(directory: Path, *, megabytes: int, latency_s: float, fsync: str) -> LogReport:
    """Measure a broker of our own in `directory`. Raises `RiachoError` without confluent-kafka."""
    clients.require()
    with serve_broker(directory, fsync=fsync) as broker:
        start_s, idle_mb = broker.start_s, broker.rss_mb()
        found = latency(broker.address, latency_s)
        throughput = [measure_size(broker, directory, size, megabytes * 1_000_000) for size in SIZES]
        return LogReport(start_s, idle_mb, broker.rss_mb(), throughput, found.p50_ms, found.p99_ms)


def measure_size(broker: ServedProcess, directory: Path, size: int, total: int) -> Throughput:
    """Produce and consume `total` bytes in records of `size` bytes."""
    topic = f"bench-{size}"
    warm = max(1, WARM_BYTES // size)
    produce(broker.address, topic, size, warm)
    consume(broker.address, topic, warm, offset=0)
    bare_receive = bare_loop.receive_cost(directory, BARE_BYTES)
    bare_send = bare_loop.send_cost(directory, BARE_BYTES)
    count = total // size
    with BackedMemory(total) as memory:
        meter = Meter(broker.cpu_s)
        produce(broker.address, topic, size, count, on_queued=memory.give_back)
        produced = meter.spent()
    meter = Meter(broker.cpu_s)
    consume(broker.address, topic, count, offset=warm)
    consumed = meter.spent()
    gigabytes = count * size / 1e9
    return Throughput(
        size,
        produced.cpu_s / gigabytes,
        consumed.cpu_s / gigabytes,
        bare_receive,
        bare_send,
        gigabytes * 1000 / produced.elapsed_s,
        gigabytes * 1000 / consumed.elapsed_s,
    )


def produce(address: str, topic: str, size: int, count: int, on_queued: Callable[[int], None] | None = None) -> None:
    """Send `count` records and wait until all are acknowledged.

    `on_queued` is told, about every MB, how many bytes are on their way.
    """
    producer = clients.producer(address, linger_ms=LINGER_MS)
    value = os.urandom(size)
    step = max(1, (1 << 20) // size)
    for number in range(count):
        while True:
            try:
                producer.produce(topic, value)
                break
            except BufferError:
                producer.poll(0.05)
        if number % step == 0:
            producer.poll(0)
            if on_queued is not None:
                on_queued(step * size)
    clients.flush(producer)


def consume(address: str, topic: str, count: int, *, offset: int) -> None:
    """Read `count` records of a topic's one partition."""
    consumer = clients.consumer(address, topic, offset=offset)
    try:
        deadline = time.monotonic() + clients.TIMEOUT_S
        while count > 0:
            messages = consumer.consume(min(count, 10_000), timeout=1.0)
            count -= sum(message.error() is None for message in messages)
            if time.monotonic() > deadline:
                raise RiachoError(f"{count} records of {topic} did not arrive in time")
    finally:
        consumer.close()


def latency(address: str, seconds: float) -> Quantiles:
    """From the produce call to the consumer's hands, at `LATENCY_RATE` with acks=1."""
    topic = "bench-latency"
    produce(address, topic, _SENT_AT.size, 1)
    producer = clients.producer(address, linger_ms=0)
    delays: list[float] = []
    began = time.perf_counter()
    whole_s = LATENCY_WARM_S + seconds

    def listen(stopped: threading.Event) -> None:
        consumer = clients.consumer(address, topic, offset=1)
        try:
            while not stopped.is_set():
                message = consumer.poll(0.2)
                arrived = time.perf_counter()
                if message is not None and message.error() is None:
                    (sent,) = _SENT_AT.unpack(message.value() or b"")
                    if sent - began > LATENCY_WARM_S:
                        delays.append(arrived - sent)
        finally:
            consumer.close()

    with background("riacho-bench-consumer", listen):
        for moment in paced(began, whole_s, LATENCY_RATE):
            early = moment - time.perf_counter()
            if early > 0:
                time.sleep(early)
            producer.produce(topic, _SENT_AT.pack(time.perf_counter()))
            producer.poll(0)
        clients.flush(producer)
        time.sleep(DRAIN_S)
    if not delays:
        raise RiachoError("no record came back: the latency cannot be measured")
    return Quantiles.of(delays)


def paced(began: float, seconds: float, rate: int) -> Iterator[float]:
    """The moments at which records are due.

    >>> list(paced(0.0, 1.0, 4))
    [0.0, 0.25, 0.5, 0.75]
    """
    for number in range(int(seconds * rate)):
        yield began + number / rate
