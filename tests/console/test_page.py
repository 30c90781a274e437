"""The console in a real browser: headless Chromium, driven as a person would.

One demo plays for all of these tests, from its third day on; what a test changes (a pause, a stopped job) it undoes.
"""

from __future__ import annotations

import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from selenium.common.exceptions import JavascriptException, StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from running_broker import RIACHO, RunningBroker
from running_console import RunningConsole

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
AXE = Path(__file__).parents[2] / "src/riacho/console/web/node_modules/axe-core/axe.min.js"

START_DEADLINE_SECONDS = 240.0
DEADLINE_SECONDS = 90.0
STOP_DEADLINE_SECONDS = 15.0

VIEW = "/views?view=flights.enriched_departures"
PAGES = ("/", "/overview", "/topics?topic=flights.departures", VIEW, "/groups", "/jobs")
DESKTOP = (1400, 720)
PHONE = (390, 844)

StartBroker = Callable[..., RunningBroker]

pytestmark = [
    pytest.mark.xdist_group("demo"),  # one demo at a time: two on two processors starve each other
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None,
        reason="the page is not tested: install Chromium (apt-get install chromium chromium-driver)",
    ),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo's page."""
    directory = tmp_path_factory.mktemp("demo")
    log = directory / "log"
    command = [str(RIACHO), "demo", "--dir", str(directory / "data"), "--from", "2013-01-03", "--no-browser"]
    command += ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    command += ["--speed", "60"]  # at the usual one its jobs take half of what two processors have
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_DEADLINE_SECONDS)
    line = process.stdout.readline() if readable else ""
    assert line.startswith("ready "), f"the demo said {line!r}:\n{log.read_text()}"
    yield "http://" + line.strip().rpartition("http=")[2]
    process.terminate()
    process.wait(STOP_DEADLINE_SECONDS)
    process.stdout.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    options.add_argument("--headless=new")
    options.add_argument("--no-sandbox")  # tests may run as root
    options.add_argument("--disable-gpu")
    options.add_argument("--disable-dev-shm-usage")
    options.add_argument("--disable-background-networking")
    options.add_argument("--no-first-run")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


class Browser:
    """What a person does with a page, and sees."""

    def __init__(self, driver: Chrome, base: str) -> None:
        self.driver = driver
        self.base = base

    def open(self, path: str, size: tuple[int, int] = DESKTOP, scheme: str = "dark") -> None:
        """Go to an address, in a window of this size."""
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get(self.base + path)

    def wait(self, what: str, condition: Callable[[], Any]) -> Any:
        """What the condition gives once it is truthy; the page may change underneath it."""
        passing = (StaleElementReferenceException, JavascriptException, AttributeError)
        wait = WebDriverWait(self.driver, DEADLINE_SECONDS, poll_frequency=0.1, ignored_exceptions=passing)
        return wait.until(lambda _driver: condition(), f"waited in vain for: {what}")

    def find(self, selector: str) -> WebElement:
        found: WebElement = self.wait(selector, lambda: self.driver.find_elements(By.CSS_SELECTOR, selector))[0]
        return found

    def button(self, text: str) -> WebElement:
        """A button by its text or accessible name."""
        condition = f"//button[normalize-space()='{text}' or @aria-label='{text}']"
        found: WebElement = self.wait(f"a button {text}", lambda: self.driver.find_elements(By.XPATH, condition))[0]
        return found

    def figure(self, title: str) -> str:
        """What a figure shows now."""
        path = f"//section[contains(@class, 'card')][starts-with(normalize-space(h2), '{title}')]//div"
        return str(self.driver.find_element(By.XPATH, path).text)

    def shows(self, title: str) -> float:
        """A figure's number, once there is one other than 0."""

        def number() -> float:
            text = self.figure(title).replace(",", "").split(" ")[0]
            return 0.0 if text in ("–", "") else float(text)

        return float(self.wait(f"the figure {title!r}", number))

    def script(self, code: str) -> Any:
        return self.driver.execute_script(code)

    def complaints(self) -> list[str]:
        """What the browser complained about since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture
def browser(chromium: Chrome, demo: str) -> Iterator[Browser]:
    with without_complaints(chromium, demo) as browser:
        yield browser


@contextmanager
def without_complaints(chromium: Chrome, base: str, but: str | None = None) -> Iterator[Browser]:
    """A browser that must find nothing wrong, but for what this test provokes, until it has left the last page."""
    browser = Browser(chromium, base)
    yield browser
    chromium.get("about:blank")
    assert [each for each in browser.complaints() if but is None or but not in each] == []


def test_the_flights_show_moving_numbers(browser: Browser) -> None:
    browser.open("/")

    for title in ("in the air now", "departed today", "events/s", "event → screen"):
        assert browser.shows(title) > 0
    before = browser.figure("event time")
    browser.wait("the clock moves", lambda: browser.figure("event time") != before)
    before = browser.figure("departed today")
    browser.wait("flights depart", lambda: browser.figure("departed today") != before)


def test_flights_are_drawn_on_the_map_and_move(browser: Browser) -> None:
    browser.open("/")
    ink = """
        const canvas = document.querySelector(".map canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let sum = 0, seen = 0;
        for (let at = 0; at < pixels.length; at += 4) {
          if (pixels[at + 3] === 0 || Math.max(pixels[at], pixels[at + 1]) < 150) continue;
          seen += 1;
          sum = (sum * 31 + at) % 1e9;
        }
        return seen > 0 ? String(sum) : "";
    """
    first = browser.wait("a flight on the map", lambda: browser.script(ink))

    browser.wait("it moves", lambda: browser.script(ink) not in ("", first))


def test_the_delay_chart_is_drawn(browser: Browser) -> None:
    browser.open("/")
    drawn = """
        const canvas = document.querySelector(".chart canvas");
        return canvas && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
    """

    assert browser.wait("a chart with ink", lambda: browser.script(drawn))


def test_the_badge_says_that_the_stream_equals_the_batch(browser: Browser) -> None:
    browser.open("/")
    check = "return fetch('/api/views/flights.check/rows').then((answer) => answer.text())"
    browser.wait("all jobs compared", lambda: all(job in browser.script(check) for job in ("in_the_air", "alerts")))
    badge = browser.find("button.badge.good")
    assert badge.text.startswith("✓ equals the batch answer: 0 of ")

    badge.click()

    rows = browser.wait("the results compared", lambda: [row.text for row in dialog_rows(browser)])
    assert any(row.startswith("flights.in_the_air ") for row in rows)
    browser.find("dialog").send_keys(Keys.ESCAPE)
    browser.wait("the dialog closes", lambda: not browser.driver.find_elements(By.TAG_NAME, "dialog"))


def test_the_badge_is_red_while_a_result_is_wrong(browser: Browser) -> None:
    browser.open("/")
    browser.find("button.badge.good")
    produce = """
        const body = JSON.stringify({key: "foreign", value: arguments[0]});
        const headers = {"content-type": "application/json"};
        return fetch("/api/topics/flights.cancelled_routes/messages", {method: "POST", body, headers});
    """

    browser.driver.execute_script(produce, '{"origin":"JFK","dest":"XXX","cancelled":7,"scheduled":7}')
    assert "✗ 4 of " in browser.find("button.badge.bad").text

    browser.driver.execute_script(produce, None)
    browser.find("button.badge.good")


@pytest.mark.parametrize("size", [(1400, 900), (1280, 800)], ids=str)
def test_the_flights_fit_above_the_fold(browser: Browser, size: tuple[int, int]) -> None:
    browser.open("/", size)
    browser.shows("events/s")
    for card in (".alerts", ".pair .card:last-child"):
        browser.find(f"{card} tbody tr:not(.empty)")

    browser.wait("no scrolling", lambda: browser.script("return document.documentElement.scrollHeight") <= size[1])
    cut = """
        return [...document.querySelectorAll(".table, .figure, .alerts td, .pair th")]
          .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent);
    """
    assert browser.script(cut) == []


def test_pause_stops_the_clock_and_resume_starts_it(browser: Browser) -> None:
    browser.open("/")
    browser.shows("events/s")

    browser.button("Pause").click()
    browser.wait("it is paused", lambda: "paused" in browser.find(".clock h2").text)
    stopped = browser.figure("event time")
    browser.wait("no more events come", lambda: browser.figure("events/s") == "0")
    assert browser.figure("event time") == stopped

    browser.button("Resume").click()
    browser.wait("it goes on", lambda: browser.figure("event time") != stopped)


def test_the_speed_is_chosen_on_the_page(browser: Browser) -> None:
    browser.open("/")
    browser.shows("events/s")
    speed = Select(browser.find("select"))

    speed.select_by_visible_text("a day every 20 s")
    browser.script("document.activeElement.blur()")
    clock = "return fetch('/api/views/flights.clock/rows').then((answer) => answer.json())"
    browser.wait("the replay obeys", lambda: browser.script(clock)["rows"][0]["seconds_per_day"] == 20)

    speed.select_by_visible_text("a day every minute")
    browser.wait("and again", lambda: browser.script(clock)["rows"][0]["seconds_per_day"] == 60)


def test_a_jump_to_a_day_that_has_passed_is_refused_in_words(browser: Browser) -> None:
    browser.open("/")
    browser.shows("events/s")

    day = "document.querySelector('input[type=date]')"
    browser.script(f"{day}.value = '2013-01-02'; {day}.dispatchEvent(new Event('input'))")
    browser.button("Jump").click()

    browser.wait("the reason", lambda: "published already" in browser.find(".refusal").text)


def test_an_alert_shows_the_flights_that_caused_it_by_their_place_in_the_log(browser: Browser) -> None:
    browser.open("/")
    browser.wait("an alert", lambda: browser.driver.find_elements(By.CSS_SELECTOR, ".alerts button.link"))

    browser.find(".alerts button.link").send_keys(Keys.ENTER)

    rows = browser.wait("its flights", lambda: [row.text for row in dialog_rows(browser)])
    heading = browser.find("dialog h1").text
    assert f": {len(rows)} departures in the half hour to" in heading
    assert len(rows) >= 10
    assert all(" flights.departures 0 " in row for row in rows)
    browser.button("Close").click()


def dialog_rows(browser: Browser) -> list[WebElement]:
    return browser.driver.find_elements(By.CSS_SELECTOR, "dialog tbody tr:not(.empty)")


def test_a_topic_shows_its_newest_messages(browser: Browser) -> None:
    browser.open("/topics")
    browser.button("flights.weather").click()

    text = browser.wait("messages", lambda: browser.find(".messages tbody tr:not(.empty)").text)

    assert '"wind_speed":' in text
    assert "topic=flights.weather" in browser.driver.current_url


def test_a_compacted_topic_leads_to_its_rows(browser: Browser) -> None:
    browser.open("/topics?topic=flights.delays")

    browser.wait("the link", lambda: browser.driver.find_element(By.LINK_TEXT, "live rows").is_displayed())
    browser.driver.find_element(By.LINK_TEXT, "live rows").click()

    browser.wait("its rows", lambda: "LGA" in browser.find(".rows").text)
    assert browser.driver.current_url.endswith("/views?view=flights.delays")


def test_an_address_of_no_topic_says_so(browser: Browser) -> None:
    browser.open("/topics?topic=none")

    browser.wait("what is wrong", lambda: browser.find(".messages h2").text == "there is no topic none")
    browser.button("flights.weather").click()
    browser.wait("another topic's messages", lambda: '"wind_speed":' in browser.find(".messages tbody").text)


def test_a_view_shows_its_rows_and_what_its_numbers_do(browser: Browser) -> None:
    browser.open("/views?view=flights.airline_totals")

    browser.wait("its rows", lambda: browser.driver.find_elements(By.CSS_SELECTOR, ".rows td button"))
    rows = "return `${document.querySelectorAll('.rows td button').length} rows`"
    browser.wait("how many", lambda: browser.script(rows) in browser.find(".choice").text)
    head = [each.text for each in browser.driver.find_elements(By.CSS_SELECTOR, ".rows th")]
    assert head[0] == "key"
    charts = [each.text for each in browser.driver.find_elements(By.CSS_SELECTOR, ".curves h2")]
    assert "departed" in charts
    assert set(charts) < set(head)
    texts = "return document.querySelector('.rows tbody').textContent"
    before = browser.script(texts)
    browser.wait("it changes", lambda: browser.script(texts) != before)


@pytest.mark.parametrize(
    ("address", "said"), [("?view=no%20topic", "there is no topic no topic"), ("?view=", "choose")]
)
def test_an_address_of_no_view_says_so(browser: Browser, address: str, said: str) -> None:
    browser.open(f"/views{address}")

    browser.wait("what is wrong", lambda: said in browser.find(".choice").text)


def test_a_row_of_a_view_is_drawn_beside_the_mean(browser: Browser) -> None:
    browser.open("/views?view=flights.airline_totals")
    key = browser.wait("a row", lambda: browser.find(".rows td button").text)

    browser.find(".rows td button").send_keys(Keys.ENTER)

    browser.wait("its name", lambda: key in browser.find(".curves > .legend").text)
    assert browser.find(".rows tr.picked button").text == key


def test_of_a_large_view_only_the_rows_in_sight_are_made(browser: Browser) -> None:
    browser.open(VIEW)
    total = "return Number(document.querySelector('.rows table').getAttribute('aria-rowcount'))"
    browser.wait("its rows", lambda: browser.script(total) > 1_000)

    assert len(browser.driver.find_elements(By.CSS_SELECTOR, ".rows td button")) < 100

    browser.script("const rows = document.querySelector('.rows'); rows.scrollTop = rows.scrollHeight")
    last = "return [...document.querySelectorAll('.rows tr[aria-rowindex]')].at(-1).getAttribute('aria-rowindex')"
    browser.wait("the last row", lambda: int(browser.script(last)) > 1_000)


def test_a_view_is_scrolled_while_its_rows_are_deleted(browser: Browser) -> None:
    browser.open("/views?view=flights.in_the_air")
    keys = "return [...document.querySelectorAll('.rows td button')].map((each) => each.textContent)"
    flying = set(browser.wait("flights", lambda: browser.script(keys)))

    browser.script("setInterval(() => document.querySelector('.rows').dispatchEvent(new Event('scroll')))")

    browser.wait("one of them has landed", lambda: not flying.issubset(browser.script(keys)))
    assert browser.complaints() == []


def test_another_view_is_chosen_from_the_list(browser: Browser) -> None:
    browser.open("/views")

    browser.wait("the views", lambda: "flights.alerts" in browser.find("select").text)
    Select(browser.find("select")).select_by_visible_text("flights.airlines")

    browser.wait("its rows", lambda: "United Air Lines Inc." in browser.find(".rows").text)
    assert browser.driver.current_url.endswith("/views?view=flights.airlines")
    browser.driver.back()
    browser.wait("none is chosen", lambda: "choose a view" in browser.find("select").text)


def test_a_job_is_stopped_and_started_by_its_button(browser: Browser) -> None:
    browser.open("/jobs")

    browser.button("stop flights-routes").click()
    browser.wait("it is stopped", lambda: phase(browser, "flights-routes") == "stopped")
    browser.button("start flights-routes").click()
    browser.wait("it runs again", lambda: phase(browser, "flights-routes") == "running")


def phase(browser: Browser, job: str) -> str:
    row = browser.driver.find_element(By.XPATH, f"//tr[td[normalize-space()='{job}']]")
    return str(row.find_elements(By.TAG_NAME, "td")[2].text)


def test_the_flights_say_which_job_does_not_run(browser: Browser) -> None:
    steer = "return fetch(`/api/jobs/flights-routes/${arguments[0]}`, {method: 'POST'}).then((answer) => answer.ok)"
    browser.open("/")
    browser.shows("events/s")

    assert browser.driver.execute_script(steer, "stop")
    browser.wait("it is said", lambda: "routes stopped" in browser.find(".note").text)
    assert browser.driver.execute_script(steer, "start")
    browser.wait("it is well again", lambda: not browser.find(".note").is_displayed())


def test_a_job_shows_its_sql_and_operators(browser: Browser) -> None:
    browser.open("/jobs?job=flights-delays")

    browser.wait("its SQL", lambda: "TUMBLE" in browser.find("pre.sql").text)
    operators = browser.find('[aria-label="Operators"]')
    browser.wait("its operators", lambda: "└─ WindowAggregate(groupBy=[origin]" in operators.text)
    browser.wait("their table", lambda: "TableSourceScan(table=[departures]" in operators.text)
    held = "the watermark of departures waits for flights.departures-0: its own is 2013-01-"
    browser.wait("what holds the watermark back", lambda: held in browser.find("main").text)


def test_groups_show_their_lag(browser: Browser) -> None:
    browser.open("/groups")

    browser.wait("a group", lambda: "flights.departures (" in browser.find("main").text)


def test_the_overview_shows_rates_and_jobs(browser: Browser) -> None:
    browser.open("/overview")

    assert browser.shows("events in/s") > 0
    browser.wait("jobs", lambda: "flights-delays running" in browser.find(".phases").text)


def test_pages_are_reached_and_used_with_the_keyboard(browser: Browser) -> None:
    browser.open("/")
    browser.shows("events/s")
    body = browser.find("body")
    body.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Skip to content"
    for _ in range(4):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)

    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)

    browser.wait("the topics", lambda: browser.driver.current_url.endswith("/topics"))
    browser.wait("their list", lambda: "flights.departures" in browser.find("main").text)
    assert browser.script("return document.activeElement.id") == "main"


@pytest.mark.parametrize("path", ["/nowhere", "/views/nowhere"])
def test_an_address_of_no_page_says_so_and_leads_on(chromium: Chrome, demo: str, path: str) -> None:
    with without_complaints(chromium, demo, but="404 (Not Found)") as browser:
        browser.open(path)

        assert browser.find("main h1").text == "No such page"
        assert path in browser.find("main").text
        browser.find("nav a[href='/jobs']").click()
        browser.wait("the jobs", lambda: browser.find("main h1").text == "Jobs")


@pytest.mark.parametrize("path", PAGES)
def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, path: str) -> None:
    browser.open(path, PHONE)
    browser.wait("the page", lambda: browser.find("main .card").text)
    browser.wait("its data", lambda: "loading" not in browser.find("main").text)

    assert browser.script("return document.documentElement.scrollWidth") <= PHONE[0]
    inside = """
        return [...document.querySelectorAll(".table:not(.rows)")]
          .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.getAttribute("aria-label"));
    """
    assert browser.script(inside) == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_serious_violation(browser: Browser, path: str, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run npm ci in src/riacho/console/web")
    browser.open(path, scheme=scheme)
    browser.wait("the page", lambda: browser.find("main .card").text)
    browser.wait("its data", lambda: "loading" not in browser.find("main").text)
    browser.script(AXE.read_text())

    found = browser.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")

    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in serious] == []


def test_the_page_asks_nothing_of_the_outside_world(browser: Browser) -> None:
    browser.open("/")
    browser.shows("events/s")

    asked = browser.script("return performance.getEntriesByType('resource').map((each) => each.name)")

    assert asked
    assert all(address.startswith(browser.base) for address in asked)


def test_without_the_demo_the_first_page_is_the_overview(
    chromium: Chrome, kafka: RunningBroker, tmp_path: Path
) -> None:
    console = RunningConsole(kafka.bootstrap, tmp_path / "log")
    try:
        with without_complaints(chromium, f"http://{console.address}") as browser:
            browser.open("/")

            browser.wait("the overview", lambda: browser.find("h1").text == "Overview")
            browser.wait("its broker", lambda: kafka.bootstrap in browser.find("main").text)
            assert not browser.driver.find_element(By.LINK_TEXT, "Overview").get_attribute("hidden")
            assert not browser.driver.find_elements(By.LINK_TEXT, "Flights")
            browser.open("/jobs")
            browser.wait("no job", lambda: "no job was submitted yet" in browser.find("main").text)
            assert not browser.driver.find_elements(By.LINK_TEXT, "Flights")
    finally:
        console.close()


def test_a_long_record_is_shown_by_its_beginning_and_the_rest_on_demand(
    chromium: Chrome, kafka: RunningBroker, topic: str, tmp_path: Path
) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, "begin " + "x" * 900_000 + " end")
    producer.flush()
    console = RunningConsole(kafka.bootstrap, tmp_path / "log")
    try:
        with without_complaints(chromium, f"http://{console.address}") as browser:
            browser.open(f"/topics?topic={topic}", PHONE)
            more = browser.button("… 898,010 more characters")
            assert browser.script("return document.documentElement.scrollHeight") < 5 * PHONE[1]
            assert browser.script("return document.documentElement.scrollWidth") <= PHONE[0]

            more.click()

            browser.wait("the end", lambda: browser.find(".messages tbody").text.endswith(" end"))
    finally:
        console.close()


def test_the_overview_says_that_the_cluster_does_not_answer(
    chromium: Chrome, broker: StartBroker, tmp_path: Path
) -> None:
    kafka = broker()
    console = RunningConsole(kafka.bootstrap, tmp_path / "log")
    try:
        with without_complaints(chromium, f"http://{console.address}") as browser:
            browser.open("/overview")
            browser.wait("the overview", lambda: f"Kafka at {kafka.bootstrap} · no topics" in browser.find("main").text)

            kafka.close()

            browser.wait("the warning", lambda: f"Kafka at {kafka.bootstrap} does not" in browser.find("main").text)
    finally:
        console.close()


def test_the_page_says_that_the_connection_is_lost(chromium: Chrome, kafka: RunningBroker, tmp_path: Path) -> None:
    console = RunningConsole(kafka.bootstrap, tmp_path / "log")
    with without_complaints(chromium, f"http://{console.address}", but="net::ERR_") as browser:
        try:
            browser.open("/overview")
            browser.wait("the overview", lambda: kafka.bootstrap in browser.find("main").text)
        finally:
            console.close()

        browser.wait("the warning", lambda: "connection lost" in browser.find("header").text)
