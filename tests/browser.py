"""Debian's Chromium through its driver, and what the tests of a page ask of it."""

import json
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def start_browser(chromium: str, driver: str, profile: Path) -> Any:
    """A headless browser that keeps a record of messages and requests."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def open_page(browser, page: Path) -> None:
    for kind in ("browser", "performance"):
        browser.get_log(kind)  # what earlier pages left
    browser.get(page.as_uri())


def view(browser, width: int, scheme: str) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def run_js(browser, script: str, *arguments):
    return browser.execute_script(script, *arguments)


def shown_ids(browser) -> list[str]:
    return run_js(
        browser,
        "const bodies = [...document.querySelectorAll('tbody[data-id]')];"
        "return bodies.filter(body => !body.hidden).map(body => body.dataset.id)",
    )


def choose(browser, name: str, value: str) -> None:
    run_js(
        browser,
        "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
        "e.dispatchEvent(new Event('input', {bubbles: true}))",
        name,
        value,
    )


def expand_all(browser) -> None:
    run_js(
        browser, "document.querySelectorAll('tbody th button[aria-expanded=false]').forEach(b => b.click())"
    )


def requests(browser) -> list[str]:
    """Addresses that the page asked for, itself left out."""
    messages = [json.loads(item["message"])["message"] for item in browser.get_log("performance")]
    sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.endswith("/report.html") and url != "data:,"]


def contrast(first: list[float], second: list[float]) -> float:
    """WCAG 2.1's contrast ratio of two sRGB colours, 0..255."""

    def luminance(colour: list[float]) -> float:
        linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


def colour(browser, selector: str, name: str) -> list[float]:
    text = run_js(
        browser, "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", selector, name
    )
    return [float(part) for part in text[text.index("(") + 1 : -1].split(",")[:3]]


def page_seconds(browser) -> float:
    """Processor time of the page's main thread since it was opened; a clock would measure the machine too."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")
