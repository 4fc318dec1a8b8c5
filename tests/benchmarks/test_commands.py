"""The benchmark commands run on small pictures, and print what they promise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from backend.images.formats import READABLE
from tests.networks import shipped_names
from tests.paths import ROOT, SAMPLES


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cat.jpg", "comic.png"):
        with Image.open(SAMPLES / name) as opened:
            opened.convert("RGB").crop((0, 0, 161, 123)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize("scale", ["2", "4"])
def test_quality_beats_bicubic_on_every_picture(folder: Path, scale: str) -> None:
    scores = json.loads(
        run("benchmarks.quality", "--hr-dir", str(folder), "--scale", scale, "--json")
    )
    assert [score["picture"] for score in scores] == ["cat.jpg.png", "comic.png.png", "mean"]
    for score in scores:
        assert score["psnr_y"] > score["bicubic_psnr_y"] + 0.3
        assert score["ssim_y"] > score["bicubic_ssim_y"]


def test_removing_jpeg_damage_beats_leaving_it(folder: Path) -> None:
    common = ("benchmarks.quality", "--hr-dir", str(folder), "--jpeg", "50", "--json")
    cleaned = json.loads(run(*common))[-1]
    left = json.loads(run(*common, "--cleanup", "0"))[-1]
    assert cleaned["psnr_y"] > left["psnr_y"] + 0.2


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The middle of every drawn picture."""
    folder = tmp_path_factory.mktemp("drawn")
    run("benchmarks.drawn", "--out", str(folder))
    for path in folder.iterdir():
        with Image.open(path) as opened:
            opened.crop((128, 128, 384, 384)).save(path)
    return folder


@pytest.mark.parametrize("model", shipped_names())
def test_drawn_text_and_line_art_gain_four_decibels(drawn: Path, model: str) -> None:
    scores = json.loads(
        run("benchmarks.quality", "--hr-dir", str(drawn), "--model", model, "--json")
    )
    assert len(scores) == 9
    for score in scores:
        assert score["psnr_y"] > score["bicubic_psnr_y"] + 4


def test_speed_tells_rate_memory_and_share(folder: Path) -> None:
    measured = json.loads(
        run("benchmarks.speed", "--scale", "2", "--side", "64", "--runs", "1", "--json")
    )[0]
    assert measured["seconds"] > 0
    assert measured["gflops"] > 0
    assert measured["sgemm_gflops"] > 0
    assert 0 < measured["share_outside"] < 1
    assert measured["peak_rss_megabytes"] > 30


def test_listing_tells_memory_and_the_time_of_a_key() -> None:
    told = json.loads(run("benchmarks.bulk", "listing", "--keys", "2500"))
    assert told["keys"] == 2500
    assert 30 < told["peak_rss_megabytes"] < 200
    assert told["listing_cpu_microseconds_a_key"] > 0


def test_bulk_work_is_compared_with_the_network_alone() -> None:
    told = json.loads(run("benchmarks.bulk", "throughput", "--pictures", "2", "--side", "64"))
    assert told["megapixels"] == pytest.approx(2 * 64 * 64 / 1e6)
    assert told["network_alone"] > 0 < told["bulk"]
    assert told["share"] == pytest.approx(told["bulk"] / told["network_alone"], rel=0.02)


def test_the_price_of_a_hostile_file_is_told_before_and_after() -> None:
    *_, line = run("benchmarks.attacks", "--server", "--only", "2,000 scans").splitlines()
    _, name, _, _, alone, now, outcome, silence, answered, _ = map(str.strip, line.split("|"))
    assert (name, outcome) == ("JPEG of 2,000 scans", "invalid_image")
    assert seconds_in(now) < 0.5 < seconds_in(alone)
    assert silence.endswith(" ms")
    assert answered.endswith(" s")


def seconds_in(cost: str) -> float:
    return float(cost.partition(" s")[0])


def test_a_crowd_is_answered_and_an_ended_server_comes_back() -> None:
    rows = run("benchmarks.crowd", "--requests", "24").splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == ["to the end", "SIGTERM", "SIGKILL"]
    assert "24 answered" in rows[0]
    assert "exit code -9" in rows[2]


def test_every_format_and_bodies_are_fuzzed() -> None:
    rows = run("benchmarks.fuzz", "--files", "15", "--bodies", "40").splitlines()[2:]
    assert [row.split("|")[2].strip() for row in rows] == ["15"] * len(READABLE) + ["40"]
