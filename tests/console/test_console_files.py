"""The files of the pages, as a browser asks for them."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping

import pytest

from running_broker import RunningBroker
from running_console import RunningConsole


@pytest.fixture(scope="module")
def console(kafka: RunningBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    console = RunningConsole(kafka.bootstrap, tmp_path_factory.mktemp("console") / "log")
    yield console
    console.close()


def get(console: RunningConsole, path: str, headers: Mapping[str, str] = {}) -> tuple[int, str, str, bytes]:
    """Status, content type, tag and content."""
    connection = http.client.HTTPConnection(console.address)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.headers.get("etag", ""), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "media_type", "content"),
    [
        ("/", "text/html", b"<!doctype html>"),
        ("/views", "text/html", b"<!doctype html>"),
        ("/main.js", "text/javascript", b"EventSource"),
        ("/main.css", "text/css", b"body"),
        ("/favicon.svg", "image/svg+xml", b"<svg"),
    ],
)
def test_a_browser_is_told_what_a_file_is(console: RunningConsole, path: str, media_type: str, content: bytes) -> None:
    status, told, _, sent = get(console, path)

    assert (status, told) == (200, media_type)
    assert content in sent


def test_a_file_that_the_browser_has_is_not_sent_again(console: RunningConsole) -> None:
    _, _, tag, _ = get(console, "/main.js")

    status, _, again, content = get(console, "/main.js", {"If-None-Match": tag})

    assert (status, again, content) == (304, tag, b"")


def test_a_page_may_name_a_view_that_does_not_exist(console: RunningConsole) -> None:
    status, _, _, content = get(console, "/views?view=no-such-topic")

    assert (status, b"<!doctype html>" in content) == (200, True)
    assert get(console, "/api/overview")[0] == 200


@pytest.mark.parametrize("path", ["/main.py", "/nothing.js", "/%2e%2e", "/..%2fserver.py"])
def test_what_is_no_file_of_the_pages_is_not_found(console: RunningConsole, path: str) -> None:
    status, told, _, sent = get(console, path)

    assert (status, told) == (404, "application/json")
    assert b"there is nothing at" in sent


@pytest.mark.parametrize("path", ["/nowhere", "/views/nowhere"])
def test_a_person_at_an_address_that_there_is_not_gets_the_console(console: RunningConsole, path: str) -> None:
    status, told, _, sent = get(console, path, {"Accept": "text/html,*/*;q=0.8"})

    assert (status, told) == (404, "text/html")
    assert b"/main.js" in sent


@pytest.mark.parametrize("path", ["/nowhere", "/views/nowhere", "/api/nowhere"])
def test_a_script_at_an_address_that_there_is_not_is_told_where_to_look(console: RunningConsole, path: str) -> None:
    status, body = console.get(path)

    assert (status, body["error"]) == (404, f"there is nothing at {path}")
    assert body["mend"] == "GET /api lists what there is"
