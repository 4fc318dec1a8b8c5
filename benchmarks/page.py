"""Measure what one visitor waits for, and many at once: `python -m benchmarks.page times|visitors`.

A real Chromium asks a real `streamlit run`, which has made its samples before. `times` prints how
long a visitor waits for the first comparison, for the result of a photograph of 600 x 400 with
each tier, for the first enhanced detail of 24 megapixels, and how wrong estimates are. `visitors`
lets twenty tabs upload a picture each at the same moment, checks that each gets its own, and
measures memory and disk after the tabs were closed. Nothing else should run
meanwhile.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import playwright.sync_api
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks.memory import family, resident_bytes
from tests.browser.conftest import ARGUMENTS, free_port, options, wait_until_healthy
from tests.browser.steps import choose, comparison, enhance_button, enter, upload

SAMPLES = Path(__file__).parents[1] / "sample_images"
PICTURE = SAMPLES / "cat.jpg"
TIERS = {"fast": "Fast", "quality": "Best quality", "photo": "Photo"}
ARRIVALS = 5
SMALLEST = 400, 300
SMALL = 600, 400
LARGE = 6000, 4000
ESTIMATED = (
    *(("Fast", side) for side in (1700, 2000, 2300)),
    *(("Best quality", side) for side in (900, 1100, 1300)),
    *(("Photo", side) for side in (700, 800, 900, 1100)),
)
"""The tiers and the sides of ten square pictures."""
SLOW_LINE = {
    "offline": False,
    "latency": 40,
    "downloadThroughput": 200_000,
    "uploadThroughput": 100_000,
}
"""The latency in milliseconds, and the bytes a second."""
VISITORS = 20
SWEPT_SECONDS = 90
"""The seconds to wait until closed tabs are forgotten; they are kept for 60."""
ESTIMATE = re.compile(r"about (?:(\d+) min(?: (\d+) s)?|(\d+) s)")
MOVING_BAR = "[role=progressbar]:not([aria-valuenow='0'])"
WAITING = re.compile(r"before yours")


@dataclass(kw_only=True)
class Served:
    """The page's server, with a folder of its own for temporary files."""

    address: str
    process: int
    folder: Path

    def mebibytes(self) -> int:
        """Return the resident memory of the server and all processes that it started."""
        return resident_bytes(family(self.process)) >> 20

    def disk_bytes(self) -> int:
        """Return the bytes of the server's temporary files."""
        return sum(each.stat().st_size for each in self.folder.rglob("*") if each.is_file())


@contextmanager
def serve() -> Iterator[Served]:
    """Serve the page; enter when its samples are made."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name, "temporary"), free_port()
        folder.mkdir()
        log = Path(name, "log.txt")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "webapp/app.py", *options(port)],
                env={**os.environ, "TMPDIR": str(folder)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            served = Served(address=f"http://127.0.0.1:{port}", process=process.pid, folder=folder)
            wait_until_healthy(served.address, process=process, log=log)
            made = len([*SAMPLES.glob("*.jpg"), *SAMPLES.glob("*.png")])
            while log.read_text().count('"job": "done"') < made:
                time.sleep(0.2)
            yield served
        finally:
            process.terminate()
            process.wait()


@contextmanager
def browse() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    path = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def photograph(size: tuple[int, int], *, seed: int) -> bytes:
    """Make a JPEG that no other call makes."""
    with Image.open(PICTURE) as opened:
        levels = np.asarray(opened.convert("RGB").resize(size)).astype(np.int16)
    noise = np.random.default_rng(seed).integers(-6, 7, levels.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(levels + noise, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def until_enhanced(page: Page, size: tuple[int, int], *, seed: int) -> float:
    """Return the seconds from upload to comparison at x4; the button is pressed if needed."""
    started = time.perf_counter()
    upload(page, f"{seed}.jpg", photograph(size, seed=seed))
    while not _shows(page, size):
        press_if_asked(page, size)
        page.wait_for_timeout(20)
    comparison(page, (4 * size[0], 4 * size[1]))
    return time.perf_counter() - started


def press_if_asked(page: Page, size: tuple[int, int]) -> None:
    """Press the button for the new picture, unless the page begins by itself."""
    button = enhance_button(page)
    with suppress(playwright.sync_api.TimeoutError):
        if _plan(page, size).is_visible() and button.is_visible() and button.is_enabled():
            button.click(timeout=200)
            button.wait_for(state="detached", timeout=2000)


@dataclass(frozen=True, kw_only=True)
class EstimateErrors:
    """The errors of the announced times, as shares of the time that passed."""

    before_the_press: float | None
    from_the_first_tile: float | None
    """The error beside the bar; None if the page says `a moment`, less than three seconds."""


def estimate_errors(page: Page, tier: str, side: int, *, seed: int) -> EstimateErrors:
    """Measure the errors of the seconds on the button, and beside the bar once it moves."""
    choose(page, tier, group="Quality")
    upload(page, f"{seed}.jpg", photograph((side, side), seed=seed))
    _plan(page, (side, side)).wait_for()
    button = enhance_button(page)
    button.wait_for()
    page.wait_for_timeout(1500)
    on_button = button.inner_text()
    pressed = time.perf_counter()
    button.click()
    page.locator(MOVING_BAR).wait_for()
    moving = time.perf_counter()
    beside_bar = page.get_by_test_id("stProgress").inner_text()
    comparison(page, (4 * side, 4 * side))
    end = time.perf_counter()
    return EstimateErrors(
        before_the_press=_error(on_button, end - pressed),
        from_the_first_tile=_error(beside_bar, end - moving),
    )


def _error(sentence: str, seconds: float) -> float | None:
    found = ESTIMATE.search(sentence)
    if found is None:
        return None
    minutes, rest, said = (int(each or 0) for each in found.groups())
    return round((60 * minutes + rest + said) / seconds - 1, 2)


def first_detail(page: Page, *, seed: int) -> float:
    """Return the seconds from the upload of 24 megapixels to the first enhanced detail."""
    data = photograph(LARGE, seed=seed)
    started = time.perf_counter()
    upload(page, "large.jpg", data)
    page.get_by_role("button", name="Shrink to fit").click()
    page.locator(".st-key-slider-part .comparison[data-state=ready]").wait_for()
    return time.perf_counter() - started


def slow_arrival(browser: Browser, address: str) -> dict[str, float]:
    """Return the seconds on a slow line to the name, to the drop zone, and to a comparison."""
    context = browser.new_context()
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW_LINE)
    seen = {
        "heading": page.get_by_role("heading", name="Super-resolution").first,
        "picker": page.get_by_role("button", name="Choose pictures"),
        "comparison": page.locator(".comparison[data-state=ready]"),
    }
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    seconds = {}
    for name, each in seen.items():
        each.wait_for()
        seconds[name] = round(time.perf_counter() - started, 2)
    context.close()
    return seconds


def times() -> dict[str, object]:
    """Measure the seconds, and the estimates' errors as shares."""
    with serve() as served, browse() as browser:
        arrivals = []
        for _ in range(ARRIVALS):
            context = browser.new_context()
            started = time.perf_counter()
            enter(context.new_page(), served.address)
            arrivals.append(time.perf_counter() - started)
            context.close()
        slow = slow_arrival(browser, served.address)
        page = enter(browser.new_page(), served.address)
        results = {}
        for seed, (tier, label) in enumerate(TIERS.items()):
            choose(page, label, group="Quality")
            size = (
                SMALL[0] + seed,
                SMALL[1],
            )  # the one before stays until then
            results[tier] = round(until_enhanced(page, size, seed=seed), 2)
        errors = [
            asdict(estimate_errors(page, tier, side, seed=100 + number))
            for number, (tier, side) in enumerate(ESTIMATED)
        ]
        detail = first_detail(enter(browser.new_page(), served.address), seed=7)
    return {
        "navigation_to_first_comparison": round(statistics.median(arrivals), 2),
        "on_a_slow_line": slow,
        "upload_to_result": results,
        "upload_of_24_megapixels_to_first_detail": round(detail, 2),
        "estimate_errors": errors,
    }


def visitors() -> dict[str, object]:
    """Check that each visitor gets their own result, and measure what they leave behind."""
    colours = np.random.default_rng(1).integers(40, 216, (VISITORS, 3))
    with serve() as served, browse() as browser:
        before, disk_before = served.mebibytes(), served.disk_bytes()
        tabs = [enter(browser.new_page(), served.address) for _ in range(VISITORS)]
        started = time.perf_counter()
        for number, (page, colour) in enumerate(zip(tabs, colours, strict=True)):
            file = io.BytesIO()
            Image.new("RGB", SMALLEST, tuple(colour.tolist())).save(file, "PNG")
            upload(page, f"{number}.png", file.getvalue())
        moved = 0
        waiting, left = set(range(VISITORS)), set(range(VISITORS))
        while left:
            for number in sorted(left):
                page = tabs[number]
                press_if_asked(page, SMALLEST)
                if number in waiting and page.get_by_text(WAITING).is_visible():
                    waiting.remove(number)
                    moved += 1
                if _shows(page, SMALLEST):
                    left.remove(number)
        seconds = time.perf_counter() - started
        own = sum(_nearest(_mean_colour(page), colours) == each for each, page in enumerate(tabs))
        most = served.mebibytes()
        for page in tabs:
            page.close()
        time.sleep(SWEPT_SECONDS)
        facts: dict[str, object] = {
            "visitors": VISITORS,
            "own_result": own,
            "saw_their_place_in_the_queue": moved,
            "seconds_for_all": round(seconds, 1),
            "mebibytes": {"before": before, "most": most, "after": served.mebibytes()},
            "disk_bytes": {"before": disk_before, "after": served.disk_bytes()},
        }
    return facts


def _plan(page: Page, size: tuple[int, int]) -> Locator:
    """Read what the page promises to make of the chosen picture."""
    width, height = size
    said = f"{width} × {height} → {4 * width} × {4 * height} pixels"
    return page.get_by_text(said, exact=True)


def _shows(page: Page, size: tuple[int, int]) -> bool:
    """Return whether the slider shows the result of a picture of this size at x4."""
    badges = page.locator(".st-key-result .badge[data-side=after]").all_inner_texts()
    return f"After · {4 * size[0]} × {4 * size[1]}" in badges


def _mean_colour(page: Page) -> npt.NDArray[np.float64]:
    with page.expect_download() as download:
        page.get_by_role("group", name="Save the result").get_by_role("link").click()
    with Image.open(download.value.path()) as opened:
        mean: npt.NDArray[np.float64] = np.asarray(opened.convert("RGB")).mean((0, 1))
    return mean


def _nearest(colour: npt.NDArray[np.float64], colours: npt.NDArray[np.int64]) -> int:
    return int(np.abs(colours - colour).sum(1).argmin())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    measure: dict[str, Callable[[], dict[str, object]]] = {"times": times, "visitors": visitors}
    parser.add_argument("what", choices=measure)
    print(json.dumps(measure[parser.parse_args().what](), indent=2))


if __name__ == "__main__":
    main()
