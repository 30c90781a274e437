"""The feed goes on after a defect: viewers are told of what comes later, and in the log stands what failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from view_topics import Put

from riacho.client.cluster import Cluster
from riacho.client.config import ClientConfig
from riacho.serve import feed as feed_module
from riacho.serve.feed import Feed, Watched
from riacho.serve.views import Views
from running_broker import RunningBroker

DEADLINE_S = 60.0


async def until(stream: AsyncIterator[bytes], content: bytes) -> bytes:
    """What the stream says up to this content."""
    seen = b""
    async with asyncio.timeout(DEADLINE_S):
        async for message in stream:
            seen += message
            if content in seen:
                return seen
    raise AssertionError(f"the stream ended: {seen!r}")


def test_the_overview_comes_again_after_one_that_failed(kafka: RunningBroker, caplog: pytest.LogCaptureFixture) -> None:
    numbers = count()

    def overview() -> dict[str, int]:
        number = next(numbers)
        if number == 1:
            raise ZeroDivisionError("this one")
        return {"number": number}

    async def watch() -> None:
        cluster = Cluster(ClientConfig(kafka.bootstrap))
        views = Views(cluster)
        feed = Feed(views, overview)
        running = asyncio.create_task(feed.run())
        await until(feed.watch([], overview=True), b'{"number":2}')
        running.cancel()
        await views.close()
        cluster.close()

    asyncio.run(watch())

    assert "sending the overview failed" in caplog.text
    assert "ZeroDivisionError: this one" in caplog.text


def test_a_change_that_could_not_be_sent_comes_with_the_whole_view(
    kafka: RunningBroker, compacted: str, put: Put, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(compacted, {"a": "1"})
    encoded = feed_module.encoded
    failures = iter([ZeroDivisionError("this one")])

    def encode(event: str, content: dict[str, Any]) -> bytes:
        if not content["reset"] and ("b", "2") in content["set"]:
            for failure in failures:
                raise failure
        return encoded(event, content)

    monkeypatch.setattr(feed_module, "encoded", encode)

    async def watch() -> None:
        cluster = Cluster(ClientConfig(kafka.bootstrap))
        views = Views(cluster)
        feed = Feed(views, dict)
        running = asyncio.create_task(feed.run())
        view = await views.open(compacted)  # meanwhile the feed has begun, with no viewer to begin anew
        stream = feed.watch([Watched(view)], overview=False)
        await until(stream, b'["a","1"]')
        await asyncio.to_thread(put, compacted, {"b": "2"})
        assert b'"reset":true' in await until(stream, b'["b","2"]')
        running.cancel()
        await views.close()
        cluster.close()

    asyncio.run(watch())

    assert "sending changes failed" in caplog.text


def test_what_nobody_watches_is_not_encoded(
    kafka: RunningBroker, compacted: str, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(compacted, {"a": "1"})
    encoded = feed_module.encoded
    said: list[str] = []

    def encode(event: str, content: dict[str, Any]) -> bytes:
        said.append(event)
        return encoded(event, content)

    monkeypatch.setattr(feed_module, "encoded", encode)

    async def change_unwatched() -> None:
        cluster = Cluster(ClientConfig(kafka.bootstrap))
        views = Views(cluster)
        running = asyncio.create_task(Feed(views, dict).run())
        view = await views.open(compacted)
        await asyncio.to_thread(put, compacted, {"b": "2"})
        async with asyncio.timeout(DEADLINE_S):
            while b"b" not in view.rows or view.has_changes:
                await asyncio.sleep(0)
        running.cancel()
        await views.close()
        cluster.close()

    asyncio.run(change_unwatched())

    assert said == []
