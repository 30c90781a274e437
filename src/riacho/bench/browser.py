"""A viewer with a real browser: headless Chromium, which draws in software, and what all of its processes cost."""

from __future__ import annotations

import shutil
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from riacho.bench.process import cpu_s, descendants
from riacho.errors import RiachoError
from riacho.host.parent import be_told_of_parents_end

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

WINDOW = (1400, 900)
LOAD_TIMEOUT_S = 60.0

PICTURE = """
(() => {
  const drawn = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some(Boolean);
  };
  const look = () => {
    const charts = [...document.querySelectorAll(".chart canvas")];
    if (document.querySelector(".rows td button") === null || charts.length === 0 || !drawn(charts[0])) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.firstPictureMs = performance.now(); }));
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
})();
"""
"""Notes, in milliseconds from the start of navigation, when a frame was drawn with rows and a chart that has ink."""


def require() -> tuple[str, str]:
    """Chromium and its driver. Raises `RiachoError` where something of them, or selenium, is missing."""
    try:
        import selenium  # noqa: F401 - only to see whether it is there
    except ImportError as error:
        raise RiachoError("the benchmark drives a browser with selenium", mend="pip install selenium") from error
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        missing = "Chromium" if chromium is None else "Chromium's driver"
        raise RiachoError(f"{missing} is missing", mend="apt-get install chromium chromium-driver")
    return chromium, driver


class Browser:
    """One headless Chromium, until the end of its context, or to ours where we are killed."""

    def __init__(self) -> None:
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service

        chromium, driver = require()
        options = ChromeOptions()
        options.binary_location = chromium
        for argument in (
            "--headless=new",
            "--no-sandbox",  # it refuses to run as root otherwise
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--remote-debugging-pipe",  # which is closed when the driver ends, however that comes, and Chromium with it
            f"--window-size={WINDOW[0]},{WINDOW[1]}",
        ):
            options.add_argument(argument)
        service = Service(driver, popen_kw={"preexec_fn": be_told_of_parents_end})
        self._driver: Chrome = Chrome(options=options, service=service)
        self._driver_pid = service.process.pid
        self._driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": PICTURE})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._driver.quit()

    def load_ms(self, address: str) -> float:
        """Open a page of a view: milliseconds from the start of the navigation to its first picture with data.

        Raises `RiachoError` where none comes.
        """
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.ui import WebDriverWait

        self._driver.get(address)
        try:
            noted: Any = WebDriverWait(self._driver, LOAD_TIMEOUT_S, poll_frequency=0.2).until(
                lambda driver: driver.execute_script("return window.firstPictureMs")
            )
        except TimeoutException as error:
            raise RiachoError("the page shows no data", where=address) from error
        return float(noted)

    def charts(self) -> int:
        """How many charts the page shows."""
        return int(self._driver.execute_script("return document.querySelectorAll('.chart canvas').length"))

    def open(self, address: str) -> None:
        """Open any address."""
        self._driver.get(address)

    def cpu_s(self) -> float:
        """User and system time of all of Chromium's processes so far; the driver's is not in it."""
        return sum(cpu_s(pid) for pid in descendants(self._driver_pid))
