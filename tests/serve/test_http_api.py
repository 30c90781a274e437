"""The HTTP API over a running broker, asked as a script would."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from confluent_kafka import Consumer, TopicPartition
from view_topics import Put, StartBroker, create_compacted

from riacho.client import Admin, ClientConfig, Cluster
from riacho.jobs.topics import create_registry
from running_broker import RunningBroker
from running_console import RunningConsole


def test_the_index_names_every_endpoint_and_says_what_it_is(console: RunningConsole) -> None:
    endpoints = console.get("/api").body["endpoints"]

    assert {"/api/topics", "/api/jobs", "/api/events"} <= {endpoint["path"] for endpoint in endpoints}
    assert all(endpoint["is"] for endpoint in endpoints)


def test_a_posted_record_is_the_topics_newest_message(console: RunningConsole, compacted: str) -> None:
    assert console.post(f"/api/topics/{compacted}/messages", {"key": "a", "value": {"n": 1}}).status == 201
    assert console.post(f"/api/topics/{compacted}/messages", {"key": "b", "value": None}).status == 201

    newest, before = console.get(f"/api/topics/{compacted}/messages").body["messages"]

    assert (newest["key"], newest["value"], newest["offset"]) == ("b", None, 1)
    assert (before["key"], before["value"], before["partition"]) == ("a", '{"n": 1}', 0)


def test_messages_carry_their_headers(console: RunningConsole, kafka: RunningBroker, compacted: str) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(compacted, key="k", value="v", headers=[("reason", b"late"), ("nothing", None)])
    assert producer.flush(30) == 0

    (message,) = console.get(f"/api/topics/{compacted}/messages").body["messages"]

    assert message["headers"] == [["reason", "late"], ["nothing", None]]


def test_only_the_newest_messages_over_all_partitions_are_given(
    console: RunningConsole, kafka: RunningBroker, topic: str, put: Put
) -> None:
    create_compacted(kafka.bootstrap, topic, partitions=3)
    put(topic, {f"key-{number}": str(number) for number in range(50)})

    messages = console.get(f"/api/topics/{topic}/messages?limit=7").body["messages"]

    assert len(messages) == 7
    assert len({message["partition"] for message in console.get(f"/api/topics/{topic}/messages").body["messages"]}) == 3


def test_topics_are_listed_with_their_size_and_cleanup(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {"a": "1", "b": "2"})

    topics = {topic["name"]: topic for topic in console.get("/api/topics").body["topics"]}

    assert topics[compacted]["records"] == 2
    assert topics[compacted]["compacted"]
    assert not topics[compacted]["internal"]


def test_rows_of_a_view_are_found_by_conditions(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {"1": '{"city":"JFK","n":5}', "2": '{"city":"EWR","n":7}', "3": '{"city":"JFK","n":9}'})
    query = urlencode([("where", "city:eq:JFK"), ("where", "n:gt:5")])

    rows = console.get(f"/api/views/{compacted}/rows?{query}").body["rows"]

    assert rows == [{"city": "JFK", "n": 9}]


def test_no_rows_are_given_where_none_are_asked_for(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {"1": '{"id":1}'})

    assert console.get(f"/api/views/{compacted}/rows?limit=0").body["rows"] == []
    assert console.get(f"/api/topics/{compacted}/messages?limit=0").body["messages"] == []


def test_rows_of_a_view_are_those_of_the_newest_values(console: RunningConsole, compacted: str, put: Put) -> None:
    put(compacted, {"1": '{"n":1}', "2": '{"n":2}'})
    put(compacted, {"1": '{"n":3}', "2": None})

    with console.watch(compacted) as stream:
        stream.wait(lambda seen: seen.rows[compacted] == {"1": '{"n":3}'})

    assert console.get(f"/api/views/{compacted}/rows").body["rows"] == [{"n": 3}]


def test_a_groups_lag_is_what_it_has_not_committed(
    console: RunningConsole, kafka: RunningBroker, compacted: str, put: Put
) -> None:
    put(compacted, {str(number): "x" for number in range(10)})
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": f"group-{compacted}"})
    consumer.commit(offsets=[TopicPartition(compacted, 0, 4)], asynchronous=False)
    consumer.close()

    groups = {group["name"]: group for group in console.get("/api/groups").body["groups"]}

    assert groups[f"group-{compacted}"]["topics"] == [{"topic": compacted, "lag": 6}]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/topics/no-such-topic/messages", 404),
        ("/api/views/no-such-topic/rows", 404),
        ("/api/topics/no%20topic/messages", 404),
        ("/api/views/no%20topic/rows", 404),
        ("/api/nothing", 404),
        ("/api/topics/x/messages?limit=many", 400),
        ("/api/events?view=x~many", 400),
        ("/api/events?view=x&every=soon", 400),
        ("/api/views/x/rows?where=what", 400),
    ],
)
def test_what_cannot_be_answered_is_said_in_json(console: RunningConsole, path: str, status: int) -> None:
    answer = console.get(path)

    assert answer.status == status
    assert answer.body["error"]


def test_a_wrong_method_is_refused_in_json(console: RunningConsole) -> None:
    assert console.request("DELETE", "/api/topics").status == 405


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"'])
def test_a_body_that_is_no_json_object_is_refused(console: RunningConsole, compacted: str, body: str) -> None:
    headers = {"Content-Type": "application/json"}

    answer = console.request("POST", f"/api/topics/{compacted}/messages", body, headers)

    assert answer.status == 400


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/topics/{topic}/messages", '{"value": "\\ud800"}', "a text is no Unicode"),
        ("/api/topics/{topic}/messages", '{"value": ["\\ud800"]}', "a text is no Unicode"),
        ("/api/jobs", '{"name": "lone", "sql": "SELECT \\ud800"}', "a text is no Unicode"),
        ("/api/jobs", '{"name": "lone", "sql": "SELECT 1", "variables": {"A": "\\udcff"}}', "a text is no Unicode"),
        ("/api/jobs", '{"name":' + "[" * 100_000, "the body nests too deeply"),
    ],
    ids=["message", "part of a message", "script", "variable", "depth"],
)
def test_json_that_nothing_can_be_made_of_is_refused(
    console: RunningConsole, compacted: str, path: str, body: str, said: str
) -> None:
    answer = console.request("POST", path.format(topic=compacted), body, {"Content-Type": "application/json"})

    assert answer.status == 400
    assert answer.body["error"].startswith(said)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/nothing", {}, 404),
        ("PUT", "/api/topics", {}, 405),
        ("DELETE", "/api/jobs/nobody", {}, 404),
        ("GET", "/api", {"Origin": "http://elsewhere.example"}, 403),
    ],
)
def test_every_error_has_the_same_parts(
    console: RunningConsole, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = console.request(method, path, headers=headers)

    assert answer.status == status
    assert answer.body.keys() == {"error", "where", "mend"}


def test_a_form_that_another_site_could_send_unasked_is_refused(console: RunningConsole, compacted: str) -> None:
    answer = console.request(
        "POST", f"/api/topics/{compacted}/messages", '{"value": 1}', {"Content-Type": "text/plain"}
    )

    assert answer.status == 400
    assert "application/json" in answer.body["mend"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8080"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "["},
        {"Origin": "http://["},
        {"Host": "\u00e9"},
    ],
)
def test_requests_of_another_site_are_refused(console: RunningConsole, headers: dict[str, str]) -> None:
    for path in ("/api/overview", "/api/events", "/"):
        answer = console.get(path, **headers)

        assert answer.status == 403
        assert answer.body["error"]


def test_a_header_in_another_encoding_is_none_of_the_consoles_business(console: RunningConsole) -> None:
    assert console.get("/api/overview", **{"X-Name": "\u00e9"}).status == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "demo.localhost"])
def test_requests_of_the_console_itself_are_answered(console: RunningConsole, host: str) -> None:
    port = console.address.rpartition(":")[2]
    headers = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}

    assert console.get("/api/overview", **headers).status == 200


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    """A console over a cluster with a registry of jobs, and nobody who runs them."""
    directory = tmp_path_factory.mktemp("platform")
    broker = RunningBroker(directory / "data", directory / "broker.log").start()
    cluster = Cluster(ClientConfig(broker.bootstrap))
    create_registry(Admin(cluster))
    cluster.close()
    console = RunningConsole(broker.bootstrap, directory / "console.log")
    yield console
    console.close()
    broker.close()


def submit(console: RunningConsole, name: str) -> None:
    assert console.post("/api/jobs", {"name": name, "sql": "SELECT 1", "variables": {"A": 1}}).status == 201
    with console.watch("__riacho_jobs") as stream:
        stream.wait(lambda seen: name in seen.rows["__riacho_jobs"])


def wanted(console: RunningConsole, name: str, what: str) -> bool:
    (job,) = [job for job in console.get("/api/jobs").body["jobs"] if job["name"] == name]
    return bool(job["wanted"] == what)


def test_a_submitted_job_is_listed_with_its_sql(platform: RunningConsole) -> None:
    submit(platform, "listed")

    (job,) = [job for job in platform.get("/api/jobs").body["jobs"] if job["name"] == "listed"]

    assert (job["sql"], job["wanted"], job["phase"]) == ("SELECT 1", "running", "submitted")


def test_a_job_is_stopped_and_started(platform: RunningConsole) -> None:
    submit(platform, "steered")
    with platform.watch("__riacho_jobs") as stream:
        for action, state in (("stop", "stopped"), ("start", "running")):
            assert platform.post(f"/api/jobs/steered/{action}", {}).status == 200
            stream.wait(lambda seen, state=state: f'"{state}"' in seen.rows["__riacho_jobs"].get("steered", ""))
            assert wanted(platform, "steered", state)


@pytest.mark.parametrize(
    ("phase", "action", "changed"),
    [
        ("running", "start", False),
        ("running", "restart", True),
        ("running", "stop", True),
        ("failed", "start", True),
        ("stopped", "stop", False),
    ],
)
def test_a_job_is_left_alone_that_does_already_what_it_is_asked_for(
    platform: RunningConsole, phase: str, action: str, changed: bool
) -> None:
    name = f"{phase}-{action}"
    submit(platform, name)
    before = registered(platform, name)
    status = {"name": name, "phase": phase, "generation": before["generation"], "since_ms": time.time() * 1000}
    assert platform.post("/api/topics/__riacho_job_status/messages", {"key": name, "value": status}).status == 201

    answer = platform.post(f"/api/jobs/{name}/{action}", {})

    assert (answer.status, answer.body) == (200, {"changed": changed})
    assert (registered(platform, name) != before) is changed


def test_a_job_that_was_just_stopped_can_be_started_at_once(platform: RunningConsole) -> None:
    submit(platform, "hasty")

    assert platform.post("/api/jobs/hasty/stop", {}).body == {"changed": True}
    assert platform.post("/api/jobs/hasty/start", {}).body == {"changed": True}

    assert registered(platform, "hasty")["wanted"] == "running"


def registered(console: RunningConsole, name: str) -> dict[str, Any]:
    """What the registry itself says is wanted of a job."""
    messages = console.get("/api/topics/__riacho_jobs/messages?limit=1000").body["messages"]
    spec: dict[str, Any] = json.loads(next(message["value"] for message in messages if message["key"] == name))
    return spec


def test_a_deleted_job_is_gone(platform: RunningConsole) -> None:
    submit(platform, "deleted")
    with platform.watch("__riacho_jobs") as stream:
        assert platform.request("DELETE", "/api/jobs/deleted").status == 200
        stream.wait(lambda seen: "deleted" not in seen.rows["__riacho_jobs"])

    assert "deleted" not in [job["name"] for job in platform.get("/api/jobs").body["jobs"]]


@pytest.mark.parametrize(
    ("path", "status"), [("/api/jobs/nobody/stop", 404), ("/api/jobs/nobody/explode", 404), ("/api/jobs", 400)]
)
def test_what_no_job_can_do_is_refused(platform: RunningConsole, path: str, status: int) -> None:
    assert platform.post(path, {}).status == status


@pytest.mark.parametrize("variables", [[1], "text", 7])
def test_variables_that_are_no_object_are_refused(platform: RunningConsole, variables: object) -> None:
    assert platform.post("/api/jobs", {"name": "x", "sql": "SELECT 1", "variables": variables}).status == 400


def test_a_cluster_that_is_away_is_an_answer_and_not_a_wait_for_ever(broker: StartBroker, tmp_path: Path) -> None:
    kafka = broker()
    console = RunningConsole(kafka.bootstrap, tmp_path / "console.log")
    try:
        assert console.get("/api/topics").status == 200
        kafka.kill()

        answer = console.get("/api/topics")

        assert answer.status == 502
        assert answer.body["error"]
    finally:
        console.close()


def test_a_cluster_that_has_never_answered_is_not_one_without_jobs(tmp_path: Path) -> None:
    with socket.socket() as reserved:  # nobody listens there, and nobody will
        reserved.bind(("127.0.0.1", 0))
        console = RunningConsole(f"127.0.0.1:{reserved.getsockname()[1]}", tmp_path / "console.log")
        try:
            answer = console.get("/api/jobs")
        finally:
            console.close()

    assert answer.status == 502
    assert answer.body["error"].startswith("cannot connect to the broker")
