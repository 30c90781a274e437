"""The HTTP API: what the console and anybody's script can see and do. Every answer is JSON, errors included."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from riacho import __version__
from riacho.client.admin import Admin
from riacho.client.cluster import Cluster
from riacho.client.config import ClientConfig
from riacho.client.errors import KafkaError
from riacho.client.offsets import LATEST
from riacho.errors import RiachoError, UsageError
from riacho.host import Clock
from riacho.jobs.catalog import JobCatalog
from riacho.serve.background import lasting
from riacho.serve.feed import Feed, Watched
from riacho.serve.guard import SameOriginOnly
from riacho.serve.jobs import Jobs, UnknownJobError
from riacho.serve.overview import overview
from riacho.serve.refusals import refusal
from riacho.serve.rows import Condition, matching
from riacho.serve.topics import Topics, summarize_lag
from riacho.serve.views import Views

REFRESH_S = 2.0
"""How often what no topic tells is asked for: which topics and groups there are."""

WAITING_REFRESH_S = 0.5
"""The same while a watched topic does not exist yet: a person waits for it."""

API_TIMEOUT_MS = 5_000
"""How long a request tries again while the cluster is away, before it says so."""

ACTIONS = ("start", "stop", "restart")
"""What can be asked of a job."""

MAX_EVERY_MS = 10_000
"""The longest time between two messages that a viewer may ask for: a silent stream must be told from a broken one."""

MAX_BODY = 1 << 20
DEFAULT_MESSAGES = 50
DEFAULT_ROWS = 1_000

WARMING_TOPICS = 8
"""In how many topics a record is looked for, to have read one before a viewer asks."""

NOT_FOUND = frozenset(
    {"UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID", "INVALID_TOPIC_EXCEPTION", "GROUP_ID_NOT_FOUND"}
)

log = logging.getLogger(__name__)


class Service:
    """Everything behind the routes. Made when the server starts, closed when it ends."""

    def __init__(self, kafka: str, clock: Clock) -> None:
        self.kafka = kafka
        self.clock = clock
        self.cluster = Cluster(ClientConfig(kafka, client_id="riacho-serve", api_timeout_ms=API_TIMEOUT_MS))
        self.admin = Admin(self.cluster)
        self.topics = Topics(self.cluster, clock)
        self.views = Views(self.cluster)
        self.jobs = Jobs(self.views, JobCatalog(self.cluster, clock), self.topics.produce)
        self.feed = Feed(self.views, self.overview)
        self._counts = {"topics": 0, "groups": 0}
        self._answers = True  # it is asked for the first time when the console serves already

    def overview(self) -> dict[str, Any]:
        jobs = self.jobs.described(self.clock.now_ms())
        return overview(self.kafka, self._counts["topics"], self._counts["groups"], jobs, answers=self._answers)

    async def warm(self) -> None:
        """Read a record as viewers do, once: what that imports and loads made the first of them wait for 0.1 s.

        It is read in Starlette's way, which imports what streams need, too: on the loop, so not before it serves.
        """
        try:
            topics = await asyncio.to_thread(self.admin.list_topics, internal=True)
            await run_in_threadpool(self._read_any, [topic.name for topic in topics[:WARMING_TOPICS]])
        except RiachoError as error:
            log.debug("nothing could be read yet: %s", error)

    async def expect(self, view: str) -> None:
        """Begin to read a view that is about to be asked for."""
        try:
            await self.views.watch(view)
        except RiachoError as error:
            log.debug("the view %s cannot be read yet: %s", view, error)

    def _read_any(self, topics: Iterable[str]) -> None:
        any(self.topics.messages(topic, 1) for topic in topics)

    async def refresh(self) -> None:
        """Follow which topics and groups there are, until cancelled."""
        while True:
            try:
                await self.jobs.open()
                topics = await asyncio.to_thread(self.admin.list_topics, internal=True)
                groups = await asyncio.to_thread(self.admin.groups.list)
                await self.views.reconcile({topic.name for topic in topics})
            except RiachoError as error:
                log.warning("the cluster does not answer: %s", error)
                self._answers = False
            else:
                self._answers = True
                self._counts = {"topics": len(topics), "groups": len(groups)}
            await asyncio.sleep(WAITING_REFRESH_S if self.views.missing else REFRESH_S)

    async def close(self) -> None:
        await self.views.close()
        await asyncio.to_thread(self.topics.close)
        self.cluster.close()


def application(
    kafka: str, clock: Clock, *, more: list[BaseRoute] | None = None, names: frozenset[str] = frozenset()
) -> SameOriginOnly:
    """The API over a cluster, as an ASGI application; `more` routes come after its own."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        service = Service(kafka, clock)
        app.state.service = service
        following = lasting(service.refresh, "following topics and groups")
        tasks = [asyncio.create_task(work) for work in (service.feed.run(), following, service.warm())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await service.close()

    app = Starlette(
        routes=[*ROUTES, *(more or [])],
        lifespan=lifespan,
        exception_handlers={
            RiachoError: _refused,
            UnknownJobError: _unknown_job,
            HTTPException: _http_error,
            Exception: _defect,
        },
    )
    return SameOriginOnly(app, names)


async def index(_request: Request) -> Response:
    """What there is to ask for."""
    described = [
        {
            "path": route.path,
            "methods": sorted((route.methods or set()) - {"HEAD"}),
            "is": (route.endpoint.__doc__ or ""),
        }
        for route in ROUTES
    ]
    return JSONResponse({"riacho": __version__, "endpoints": described})


async def get_overview(request: Request) -> Response:
    """Rates, latency, cost and what went wrong, over all jobs."""
    return JSONResponse(_service(request).overview())


async def get_topics(request: Request) -> Response:
    """All topics: partitions, records, records per second."""
    summaries = await asyncio.to_thread(_service(request).topics.summaries)
    return JSONResponse({"topics": [asdict(summary) for summary in summaries]})


async def get_messages(request: Request) -> Response:
    """A topic's newest messages; `limit` says how many."""
    limit = _number(request, "limit", DEFAULT_MESSAGES)
    messages = await asyncio.to_thread(_service(request).topics.messages, request.path_params["topic"], limit)
    return JSONResponse({"messages": messages})


async def post_message(request: Request) -> Response:
    """Produce one record: `{"key": …, "value": …}`, texts as they are, other JSON encoded."""
    body = await _body(request)
    topics = _service(request).topics
    key, value = _bytes(body.get("key")), _bytes(body.get("value"))
    await asyncio.to_thread(topics.produce, request.path_params["topic"], key, value)
    return JSONResponse({}, 201)


async def get_groups(request: Request) -> Response:
    """Consumer groups with their members and lag."""
    return JSONResponse({"groups": await asyncio.to_thread(_groups, _service(request).admin)})


async def get_jobs(request: Request) -> Response:
    """All jobs with their SQL, phase and newest measurements."""
    service = _service(request)
    await service.jobs.open()  # or a cluster that has never answered would have no jobs
    return JSONResponse({"jobs": service.jobs.described(service.clock.now_ms())})


async def post_job(request: Request) -> Response:
    """Submit a job: `{"name": …, "sql": …, "variables": {…}}`. One of the same name is replaced."""
    body, service = await _body(request), _service(request)
    if not isinstance(body.get("sql"), str) or not isinstance(body.get("name"), str):
        raise UsageError("a job needs a name and its sql, both texts")
    given = body.get("variables") or {}
    if not isinstance(given, dict):
        raise UsageError("a job's variables are a JSON object")
    variables = {name: str(value) for name, value in given.items()}
    await asyncio.to_thread(service.jobs.submit, body["name"], body["sql"], variables, service.clock.now_ms())
    return JSONResponse({}, 201)


async def post_job_action(request: Request) -> Response:
    """Stop, start or restart a job. `"changed": false` says that one to start runs already, or one to stop has."""
    action = request.path_params["action"]
    if action not in ACTIONS:
        raise HTTPException(404, f"a job cannot {action!r}; it can {', '.join(ACTIONS)}")
    changed = await asyncio.to_thread(_service(request).jobs.steer, request.path_params["job"], action)
    return JSONResponse({"changed": changed})


async def delete_job(request: Request) -> Response:
    """Stop a job and forget it."""
    await asyncio.to_thread(_service(request).jobs.delete, request.path_params["job"])
    return JSONResponse({})


async def get_rows(request: Request) -> Response:
    """Rows of a view (a compacted topic of JSON objects) for which every `where=column:operator:value` holds."""
    conditions = [Condition.parse(text) for text in request.query_params.getlist("where")]
    limit = _number(request, "limit", DEFAULT_ROWS)
    view = await _service(request).views.open(request.path_params["view"])
    rows = await asyncio.to_thread(matching, list(view.rows.values()), conditions, limit)
    return JSONResponse({"rows": rows})


async def get_events(request: Request) -> Response:
    """Server-sent events: `view=NAME` or `view=NAME~NEWEST` (repeat for more), `overview=1`, `every=MILLISECONDS`."""
    service = _service(request)
    watched = []
    for text in request.query_params.getlist("view"):
        name, tilde, newest = text.partition("~")
        if tilde and not newest.isdecimal():
            raise UsageError(f"view={text}: what follows '~' is a number of rows")
        watched.append(Watched(await service.views.watch(name), int(newest) if tilde else None))
    every_ms = min(_number(request, "every", 0), MAX_EVERY_MS)
    stream = service.feed.watch(watched, overview="overview" in request.query_params, pause_s=every_ms / 1000)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


ROUTES = [
    Route("/api", index),
    Route("/api/overview", get_overview),
    Route("/api/topics", get_topics),
    Route("/api/topics/{topic}/messages", get_messages),
    Route("/api/topics/{topic}/messages", post_message, methods=["POST"]),
    Route("/api/groups", get_groups),
    Route("/api/jobs", get_jobs),
    Route("/api/jobs", post_job, methods=["POST"]),
    Route("/api/jobs/{job}", delete_job, methods=["DELETE"]),
    Route("/api/jobs/{job}/{action}", post_job_action, methods=["POST"]),
    Route("/api/views/{view}/rows", get_rows),
    Route("/api/events", get_events),
]


def _groups(admin: Admin) -> list[dict[str, Any]]:
    described = []
    for listed in admin.groups.list():
        group = admin.groups.describe(listed.name)
        committed = {item: offset.offset for item, offset in admin.groups.fetch_offsets(listed.name).items()}
        ends = admin.list_offsets(dict.fromkeys(committed, LATEST)) if committed else {}
        topics = summarize_lag(committed, {item: found.offset for item, found in ends.items()})
        described.append(
            {
                "name": listed.name,
                "state": group.state,
                "protocol": group.protocol,
                "members": len(group.members),
                "lag": sum(item["lag"] for item in topics),
                "topics": topics,
            }
        )
    return described


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        raise UsageError(f"{name} must be a number, not {text!r}")
    return int(text)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object in a request. Refuses what browsers may send across sites without asking first."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise UsageError("the body must be JSON", mend="send it with content-type: application/json")
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise UsageError(f"the body is longer than {MAX_BODY} bytes")
    try:
        body = json.loads(content)
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"a text is no Unicode: {error.reason}", mend="write surrogates in pairs") from error
    except ValueError as error:
        raise UsageError(f"the body is no JSON: {error}") from error
    except RecursionError as error:
        raise UsageError("the body nests too deeply") from error
    if not isinstance(body, dict):
        raise UsageError("the body must be a JSON object")
    return body


def _bytes(value: object) -> bytes | None:
    if value is None:
        return None
    return (value if isinstance(value, str) else json.dumps(value)).encode()


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RiachoError)
    if isinstance(error, UsageError):
        status = 400
    elif isinstance(error, KafkaError) and error.name in NOT_FOUND:
        status = 404
    else:
        status = 502  # the cluster refused or is away
    return refusal(status, error.what, error.where, error.mend)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what, mend = error.detail, None
    if error.status_code == HTTPStatus.NOT_FOUND and what == HTTPStatus.NOT_FOUND.phrase:  # no route's own
        what, mend = f"there is nothing at {request.url.path}", "GET /api lists what there is"
    return refusal(error.status_code, what, mend=mend, headers=error.headers)


async def _defect(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return refusal(500, "the console failed; its log says why")


async def _unknown_job(_request: Request, error: Exception) -> Response:
    return refusal(404, f"there is no job {error.args[0]!r}", mend="GET /api/jobs lists the jobs")
