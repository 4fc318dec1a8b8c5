"""Measure what visitors of the page wait for, as one Markdown table: `python -m benchmarks.page`.

A real Chromium asks a real `streamlit run`, which has made its samples before. Nothing else should
run meanwhile; it takes about ten minutes on two cores. `--divide 8 --visitors 2` tries the program
itself, with smaller pictures and fewer visitors; `--only beside,visitors` takes a part.

A large picture beside small ones takes longer in any case: by the work that the small ones ask
for. They are measured alone too, from drop to end, so that two figures can be told apart: how much
longer the large one takes, and how much longer than both after each other, lost by sharing.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from backend import Settings, UpscaleOptions, create_engine
from benchmarks.memory import family, resident_bytes
from benchmarks.processor import browser_seconds, family_seconds, split
from testbed.chromium import launch
from testbed.page_server import PageServer
from testbed.visitor import choose_scale, comparison, enter, opened
from webapp.settings import PageSettings

SAMPLES = Path(__file__).parents[1] / "sample_images"
PICTURE = SAMPLES / "cat.jpg"
SIZES = {"600 × 400": (600, 400), "12 megapixels": (4000, 3000), "24 megapixels": (6000, 4000)}
ASKED = {"600 × 400": (1.5, 2.0), "12 megapixels": (3.0, 3.0), "24 megapixels": (5.0, 4.0)}
"""The seconds to the first whole result, and to the first finished piece in sight."""
LARGE, SMALL = (4000, 3000), (240, 180)
SMALL_ONES = 3
SMALL_SECONDS, LOST_SHARE = 6.0, 0.05
VISITORS, VISITORS_SIZE, VISITORS_SECONDS = 20, (400, 300), 15.0
SWEPT_SECONDS = PageSettings().keep_seconds + 15
"""The seconds to wait until closed tabs are forgotten."""
LONGEST = 600_000
"""Milliseconds that any one result may take."""
WATCH = """(pause) => {
  const seen = window.seen = {};
  const start = performance.now();
  const inside = (each) => each.shadowRoot?.querySelector(".comparison");
  const find = () => [...document.querySelectorAll(".st-key-result *")].map(inside).find(Boolean);
  let last;
  const current = () => (last = last?.isConnected ? last : find());
  const before = current()?.querySelector(".badge[data-side=before]")?.textContent;
  const note = (name) => { seen[name] ??= (performance.now() - start) / 1000; };
  const timer = setInterval(() => {
    const shown = current();
    if (!shown || shown.querySelector(".badge[data-side=before]").textContent === before) return;
    const isMaking = shown.dataset.state === "making";
    const isReady = shown.dataset.state === "ready";
    if (isReady || (isMaking && shown.querySelector(".look")?.complete)) note("whole");
    if (isReady || (isMaking && shown.querySelector(".piece")?.complete)) note("piece");
    if (isReady) { note("end"); clearInterval(timer); }
  }, pause);
}"""
"""A script that notes when the next picture, of another size, is seen; `pause` is in ms."""
PAUSE, PAUSE_OF_MANY = 20, 100
"""Milliseconds between two looks; at 20 they take 2 % of a core, too much for many visitors."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The seconds from the drop of a picture to each sight of it."""

    whole: float
    piece: float
    end: float


@dataclass
class Table:
    """The rows of the results, printed as they come."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, what: str, measured: str, asked: str = "") -> None:
        """Print one row, below the head if it is the first."""
        if not self.rows:
            print("| | measured | asked |\n|---|---|---|")
        self.rows.append((what, measured, asked))
        print(f"| {what} | {measured} | {asked} |", flush=True)


class Served:
    """The page's server with its own temporary folder; its memory and disk are watched."""

    def __init__(self, folder: Path) -> None:
        self._temporary = folder / "temporary"
        self._temporary.mkdir()
        self._is_over = threading.Event()
        self._watching = threading.Thread(target=self._watch)
        # Nothing waits for a press, however slow the machine.
        environment = {"TMPDIR": str(self._temporary), "SR_ASK_SECONDS": str(LONGEST // 1000)}
        self._server = PageServer(log=folder / "log.txt", env=environment)
        self.address = self._server.address
        self.most = 0
        """The peak of the resident bytes of the server and its children."""
        self.most_on_disk = 0

    def __enter__(self) -> Self:
        made = len([*SAMPLES.glob("*.jpg"), *SAMPLES.glob("*.png")])
        while self._server.log.read_text().count('"job": "done"') < made:
            time.sleep(0.2)
        self._watching.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._watching.join()
        self._server.stop()

    @property
    def memory(self) -> int:
        """Return the present resident bytes."""
        return resident_bytes(family(self._server.process.pid))

    @property
    def seconds(self) -> float:
        """Return the processor seconds since its start."""
        return family_seconds(self._server.process.pid)

    @property
    def disk(self) -> int:
        """Return the present bytes of temporary files."""
        total = 0
        for each in self._temporary.rglob("*"):
            with suppress(FileNotFoundError):  # it was deleted meanwhile
                total += each.stat().st_size if each.is_file() else 0
        return total

    def _watch(self) -> None:
        while not self._is_over.wait(0.5):
            self.most = max(self.most, self.memory)
            self.most_on_disk = max(self.most_on_disk, self.disk)


@contextmanager
def browse() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


def visit(browser: Browser, address: str) -> Page:
    """Open the page in a window of its own; its visitor is patient."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(LONGEST)
    return enter(page, address)


def photograph(folder: Path, size: tuple[int, int], *, seed: int) -> Path:
    """Write a JPEG that no other call writes."""
    with Image.open(PICTURE) as opened:
        levels = np.asarray(opened.convert("RGB").resize(size)).astype(np.int16)
    noise = np.random.default_rng(seed).integers(-6, 7, levels.shape)
    path = folder / f"{size[0]}x{size[1]}-{seed}.jpg"
    Image.fromarray(np.clip(levels + noise, 0, 255).astype(np.uint8)).save(path, quality=90)
    return path


def drop(page: Page, path: Path, *, pause: int = PAUSE) -> None:
    """Start to measure, and drop the file."""
    page.evaluate(WATCH, pause)
    page.locator("input[type=file]").set_input_files(path)


def seen(page: Page) -> Seen:
    """Wait for the end of what was dropped."""
    page.wait_for_function("() => 'end' in window.seen", polling=100)
    return Seen(**page.evaluate("window.seen"))


def single_pictures(served: Served, browser: Browser, folder: Path, table: Table, by: int) -> None:
    """Drop one picture after the other, each on a fresh page."""
    for seed, (name, size) in enumerate(SIZES.items()):
        page = visit(browser, served.address)
        drop(page, photograph(folder, (size[0] // by, size[1] // by), seed=seed))
        found = seen(page)
        whole, piece = ASKED[name]
        table.add(f"{name}: first whole result", f"{found.whole:.1f} s", f"≤ {whole} s")
        table.add(f"{name}: first piece in sight", f"{found.piece:.1f} s", f"≤ {piece} s")
        table.add(f"{name}: the end", f"{found.end:.1f} s")
        page.context.close()


def equals_the_command_line(served: Served, browser: Browser, folder: Path, table: Table) -> None:
    """Compare a saved PNG with the bytes that the engine makes with the same options."""
    path = photograph(folder, SMALL, seed=90)
    page = visit(browser, served.address)
    drop(page, path)
    seen(page)
    menu = page.get_by_role("group", name="Save the result")
    menu.get_by_role("combobox", name="Format").select_option("png")
    with page.expect_download() as download:
        menu.get_by_role("link").click()
    options = UpscaleOptions(scale=4, model="auto", format="png", keep=())
    made = create_engine(Settings()).upscale(path.read_bytes(), options).data
    is_equal = download.value.path().read_bytes() == made
    table.add("bytes of the PNG equal the command line's", "yes" if is_equal else "NO", "yes")
    page.context.close()


def spent_seconds(served: Served, browser: Browser) -> dict[str, float]:
    """Return the processor seconds until now, by who spent them."""
    return {"server": served.seconds, **browser_seconds(browser)}


def small_ones(page: Page, folder: Path, *, seed: int) -> list[float]:
    """Drop small pictures one after the other; return the seconds to the end of each."""
    ends = []
    for number in range(SMALL_ONES):
        width, height = SMALL  # each its own: the previous result stays until then
        drop(page, photograph(folder, (width + number, height), seed=seed + number))
        ends.append(seen(page).end)
    return ends


def large_beside_small(
    served: Served, browser: Browser, folder: Path, table: Table, by: int
) -> None:
    """Enlarge a large picture twice, alone and beside small ones of another visitor."""
    seconds, worked, small = [], [], 0.0
    spent = partial(spent_seconds, served, browser)
    size = LARGE[0] // by, LARGE[1] // by
    for is_alone in (True, False):
        page, other = (visit(browser, served.address) for _ in range(2))
        choose_scale(page, 2)
        comparison(page, (600, 400))
        if is_alone:
            small = sum(small_ones(other, folder, seed=60))
        path = photograph(folder, size, seed=40 + is_alone)
        began = spent()
        drop(page, path)
        opened(page, (2 * size[0], 2 * size[1]))
        if not is_alone:
            ends = small_ones(other, folder, seed=50)
            name = "240 × 180 beside 12 megapixels ×2: the end"
            table.add(name, f"{max(ends):.1f} s", f"≤ {SMALL_SECONDS} s")
        seconds.append(seen(page).end)
        worked.append(split(began, spent(), by=1))
        page.context.close()
        other.context.close()
    alone, beside = seconds
    table.add("12 megapixels ×2 alone", f"{alone:.1f} s")
    table.add("… processor time", worked[0])
    table.add(f"{SMALL_ONES} small pictures alone, together", f"{small:.1f} s")
    name = f"12 megapixels ×2 beside {SMALL_ONES} small pictures"
    table.add(name, f"{beside:.1f} s ({beside / alone - 1:+.0%})", f"≤ +{LOST_SHARE:.0%}")
    table.add("… processor time", worked[1])
    table.add("… against both after each other", f"{beside / (alone + small) - 1:+.0%}")


def visitors(served: Served, browser: Browser, folder: Path, table: Table, *, count: int) -> None:
    """Let many visitors drop a picture each at once, and check that each gets their own."""
    colours = np.random.default_rng(1).integers(40, 216, (count, 3))
    before, disk_before = served.memory, served.disk
    spent = partial(spent_seconds, served, browser)
    tabs = [visit(browser, served.address) for _ in range(count)]
    began = spent()
    for number, (page, colour) in enumerate(zip(tabs, colours, strict=True)):
        path = folder / f"visitor-{number}.png"
        Image.new("RGB", VISITORS_SIZE, tuple(colour.tolist())).save(path)
        drop(page, path, pause=PAUSE_OF_MANY)
    for page in tabs:
        page.wait_for_function("() => 'whole' in window.seen", polling=1000)
    looked = spent()
    found = [seen(page) for page in tabs]
    ended = spent()
    own = sum(_nearest(_mean_colour(page), colours) == each for each, page in enumerate(tabs))
    table.add(
        f"{count} visitors at once: first whole result of the last",
        f"{max(each.whole for each in found):.1f} s",
        f"≤ {VISITORS_SECONDS} s",
    )
    table.add("… processor time of each until then", split(began, looked, by=count))
    table.add("… all finished", f"{max(each.end for each in found):.1f} s")
    table.add("… processor time of each until then", split(began, ended, by=count))
    table.add("… each with their own picture", f"{own} of {count}", "all")
    for page in tabs:
        page.context.close()
    time.sleep(SWEPT_SECONDS)
    memory = f"{_mega(before)} → {_mega(served.memory)} MB"
    table.add("… memory before and after their tabs were closed", memory, "≤ +150 MB")
    table.add("… disk", f"{_mega(disk_before)} → {_mega(served.disk)} MB")


def _mean_colour(page: Page) -> npt.NDArray[np.float64]:
    with page.expect_download() as download:
        page.get_by_role("group", name="Save the result").get_by_role("link").click()
    with Image.open(io.BytesIO(download.value.path().read_bytes())) as opened_:
        mean: npt.NDArray[np.float64] = np.asarray(opened_.convert("RGB")).mean((0, 1))
    return mean


def _nearest(colour: npt.NDArray[np.float64], colours: npt.NDArray[np.int64]) -> int:
    return int(np.abs(colours - colour).sum(1).argmin())


def _mega(nbytes: int) -> int:
    return round(nbytes / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--divide", type=int, default=1, help="make sides smaller by this factor")
    parser.add_argument("--visitors", type=int, default=VISITORS, help="at once")
    parser.add_argument("--only", default="single,bytes,beside,visitors", help="a part of these")
    arguments = parser.parse_args()
    by, only = arguments.divide, arguments.only.split(",")
    table = Table()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Served(folder) as served, browse() as browser:
            if "single" in only:
                single_pictures(served, browser, folder, table, by)
            if "bytes" in only:
                equals_the_command_line(served, browser, folder, table)
            if "beside" in only:
                large_beside_small(served, browser, folder, table, by)
            if "visitors" in only:
                visitors(served, browser, folder, table, count=arguments.visitors)
            table.add("the server's memory at most", f"{_mega(served.most)} MB")
            table.add("its files at most", f"{_mega(served.most_on_disk)} MB")


if __name__ == "__main__":
    main()
