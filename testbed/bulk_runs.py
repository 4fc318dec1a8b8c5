"""Runs of `python -m backend bulk` over small pictures, and their results."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from backend import LocalEngine, UpscaleOptions
from testbed.processes import environment

SIDE = 24
SECONDS = 600


def draw(number: int) -> Image.Image:
    """Draw a picture that no other key has, so that results cannot be mixed up."""
    slope = Image.linear_gradient("L").resize((SIDE, SIDE)).rotate(number * 6)
    shifted = slope.point(lambda value: (value + number) % 256)
    dot = Image.new("L", (1, 1), number // 256)
    shifted.paste(dot, (number % SIDE, 0))
    return Image.merge("RGB", (slope, slope.rotate(90), shifted))


def draw_all(folder: Path, count: int) -> None:
    """Draw pictures in three folders below this one."""
    for number in range(count):
        path = folder / str(number % 3) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(number).save(path)


@dataclass(frozen=True)
class Stamp:
    """The identity of a file's content, which changes with every write."""

    inode: int
    moment: int


def results(folder: Path) -> dict[str, Stamp]:
    """Return the results that a user sees, by key."""
    found = {}
    for path in folder.rglob("*.png"):
        about = path.stat()
        found[path.relative_to(folder).as_posix()] = Stamp(about.st_ino, about.st_mtime_ns)
    return found


def reports(folder: Path) -> list[dict[str, Any]]:
    """Read the reports in the order of their runs."""
    paths = sorted((folder / "_bulk").glob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def assert_right(source: Path, target: Path, engine: LocalEngine) -> None:
    """Check that every result is right bit for bit, and that nothing else is there."""
    keys = {path.relative_to(source).as_posix() for path in source.rglob("*.png")}
    assert set(results(target)) == keys
    options = UpscaleOptions(model="fast")
    for key in keys:
        expected = engine.upscale((source / key).read_bytes(), options).data
        assert (target / key).read_bytes() == expected, key
    assert list((target / "_part").iterdir()) == []


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a run from `in` to `out` below the folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "backend", "bulk", "in", "out", "--model", "fast", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_and_start_again(folder: Path, *, kills: int, seed: int) -> list[int]:
    """Kill a run `kills` times by SIGKILL at random moments, then let it end.

    Return the number of results at each kill. Each result must be whole whenever a process was
    killed, and stay as it was first written.
    """
    count = sum(1 for _ in (folder / "in").rglob("*.png"))
    moments = random.Random(seed)
    seen: dict[str, Stamp] = {}
    counts = []
    for _ in range(kills):
        process = start(folder)
        wanted = len(seen) + moments.randint(1, count // kills - 3)
        end = time.monotonic() + SECONDS
        while len(results(folder / "out")) < wanted:
            assert process.poll() is None and time.monotonic() < end, process.communicate()
            time.sleep(moments.random() / 100)
        process.kill()
        process.communicate()
        now = results(folder / "out")
        assert seen.items() <= now.items(), "a result was made a second time"
        seen = now
        counts.append(len(seen))
        for key in seen:
            with Image.open(folder / "out" / key) as opened:
                opened.load()
                assert opened.size == (2 * SIDE, 2 * SIDE)
    last = start(folder)
    written, errors = last.communicate(timeout=SECONDS)
    assert (last.returncode, errors.count("Traceback")) == (0, 0), errors
    assert f"{count - len(seen):,} done, {len(seen):,} skipped, 0 failed" in written
    assert seen.items() <= results(folder / "out").items()
    return counts


def run_shards(folder: Path, *, count: int) -> dict[str, int]:
    """Run all shards at once; return how many pictures each did."""
    processes = [start(folder, "--shard", f"{number}/{count}") for number in range(1, count + 1)]
    for process in processes:
        errors = process.communicate(timeout=SECONDS)[1]
        assert process.returncode == 0, errors
    return {report["shard"]: report["done"] for report in reports(folder / "out")}
