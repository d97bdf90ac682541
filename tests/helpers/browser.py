"""A browser for the pages that the project makes."""

import json
import shutil
from pathlib import Path
from typing import Any

from helpers.project import CALLER


class Browser:
    """Headless Chromium without a network."""

    def __init__(self, home: Path) -> None:
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service

        options = ChromeOptions()
        for argument in (
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={home}", "--host-resolver-rules=MAP * ~NOTFOUND",
        ):  # fmt: skip
            options.add_argument(argument)
        options.binary_location = shutil.which("chromium") or ""
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        service = Service(shutil.which("chromedriver"), env=CALLER | {"HOME": str(home)})
        self.driver = Chrome(options=options, service=service)

    def open(self, page: Path, width: int) -> None:
        """Open a file in a window of so many pixels."""
        self.driver.set_window_size(width, 900)
        self.driver.get(page.as_uri())

    def run(self, script: str) -> Any:
        """Return what JavaScript returns."""
        return self.driver.execute_script(script)  # type: ignore[no-untyped-call]

    def wait(self, script: str) -> None:
        """Wait until JavaScript returns something true."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 60).until(lambda _: self.run(script), script)

    def requested(self, page: Path) -> set[str]:
        """Return all that the page has asked for since the last call, except data that it holds itself."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        urls = {params["request"]["url"] for params in sent if params["documentURL"] == page.as_uri()}
        return {url for url in urls if not url.startswith("data:")}

    def mistakes(self) -> list[str]:
        """Return what the page has complained of since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
