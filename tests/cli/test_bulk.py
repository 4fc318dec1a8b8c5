"""`python -m backend bulk` on real files and in S3, killed, stopped and started again."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import LocalEngine, UpscaleOptions
from backend.commands import progress
from testbed.aws.s3 import S3, StoredObject
from testbed.aws.signature import ENVIRONMENT
from testbed.bulk_runs import (
    assert_right,
    draw,
    draw_all,
    kill_and_start_again,
    reports,
    results,
    run_shards,
)
from tests.cli.conftest import Call, Run
from tests.cli.terminal import stop_when_shown
from tests.pictures import save

PICTURES = 60
KILLS = 5


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in three folders."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_all(folder, PICTURES)
    return folder


@pytest.fixture
def pictures(drawn: Path, tmp_path: Path) -> Path:
    """A copy of them as `in`, below the folder in which commands run."""
    return shutil.copytree(drawn, tmp_path / "in")


def test_a_folder_into_another_and_again(
    run: Run,
    tmp_path: Path,
    pictures: Path,
    engine: LocalEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 3600.0)  # however slow the machine is
    done = run("bulk", "in", "out", "--model", "fast")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{PICTURES} done, 0 skipped, 0 failed\nReport: ")
    assert_right(pictures, tmp_path / "out", engine)
    before = results(tmp_path / "out")
    again = run("bulk", "in", "out", "--model", "fast", "--workers", "2")
    assert again.stdout.startswith(f"0 done, {PICTURES} skipped, 0 failed\n")
    assert results(tmp_path / "out") == before
    first, second = reports(tmp_path / "out")
    assert (first["end"], first["done"], second["skipped"]) == ("complete", PICTURES, PICTURES)
    assert first["pictures_per_second"] > 0 < first["megapixels_per_second"]


def test_killed_at_any_moment_and_started_again(
    tmp_path: Path, pictures: Path, engine: LocalEngine
) -> None:
    before = kill_and_start_again(tmp_path, kills=KILLS, seed=7)
    assert len(before) == KILLS
    assert_right(pictures, tmp_path / "out", engine)


def test_two_shards_together_do_each_once(
    tmp_path: Path, pictures: Path, engine: LocalEngine
) -> None:
    told = run_shards(tmp_path, count=2)
    assert set(told) == {"1/2", "2/2"}
    assert sum(told.values()) == PICTURES
    assert all(told.values())
    assert_right(pictures, tmp_path / "out", engine)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_is_orderly_and_the_bar_tells_how_far_it_is(
    run: Run, tmp_path: Path, pictures: Path, engine: LocalEngine, number: signal.Signals
) -> None:
    code, shown = stop_when_shown("left", number, tmp_path, "bulk", "in", "out", "--model", "fast")
    assert code == 130
    told = rf" of {PICTURES} pictures, .* pictures and .* megapixels a second, \d:\d\d:\d\d left"
    assert re.search(told, shown)
    assert shown.splitlines()[-1] == "Stopped; the same command goes on."
    (report,) = reports(tmp_path / "out")
    assert report["end"] == "interrupted"
    assert report["done"] == len(results(tmp_path / "out")) < PICTURES
    assert run("bulk", "in", "out", "--model", "fast").returncode == 0
    assert_right(pictures, tmp_path / "out", engine)


@pytest.mark.usefixtures("pictures")
def test_a_narrow_terminal_tells_the_time_left_whole(tmp_path: Path) -> None:
    _, shown = stop_when_shown(
        "left", signal.SIGINT, tmp_path, "bulk", "in", "out", "--model", "fast", columns=60
    )
    assert re.search(rf"\d of {PICTURES} pictures, \d:\d\d:\d\d left", shown)
    assert all(len(line) <= 60 for line in re.split(r"[\r\n]", shown) if "%" in line)


def test_a_picture_that_fails_gets_a_line_and_the_others_are_done(
    call: Call, tmp_path: Path, pictures: Path
) -> None:
    shutil.rmtree(pictures / "1")
    (pictures / "0" / "broken.jpg").write_bytes(b"\xff\xd8 and no more")
    (pictures / "notes.txt").write_bytes(b"no picture, and not taken for one")
    code, written = call("bulk", "in", "out", "--model", "fast")
    assert code == 1
    assert "0/broken.jpg: The picture is damaged and cannot be read. (invalid_image)\n" in written
    assert "40 done, 0 skipped, 1 failed, 1 left out\n" in written
    (report,) = reports(tmp_path / "out")
    assert [each["key"] for each in report["failures"]] == ["0/broken.jpg"]
    about = json.loads((tmp_path / "out" / "_failed" / "0" / "broken.jpg.json").read_text())
    assert about["error"] == "invalid_image"
    assert "0 done, 40 skipped, 1 failed" in call("bulk", "in", "out", "--model", "fast")[1]


def test_odd_entries_are_failures_of_their_own(spawn: Run, tmp_path: Path) -> None:
    long_name = "z" * 250 + ".png"
    for name in ("ok.png", long_name, "y" * 251 + ".bmp", os.fsdecode(b"caf\xe9.png")):
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(save(draw(1), "BMP" if name.endswith("bmp") else "PNG"))
    (tmp_path / "in" / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "in" / os.fsdecode(b"br\xfcch.png")).write_bytes(b"no picture")
    os.mkfifo(tmp_path / "in" / "pipe.jpg")
    given = ("bulk", "in", "out", "--model", "fast")
    done = spawn(*given, PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "loop.jpg: The file cannot be read: Too many levels" in done.stdout
    assert "pipe.jpg: This is a folder, a pipe or a device" in done.stdout
    assert "\n4 done, 0 skipped, 3 failed\n" in done.stdout
    assert (tmp_path / "out" / long_name).is_file()
    (report,) = reports(tmp_path / "out")
    assert report["outcomes"].keys() == {each.name for each in (tmp_path / "in").iterdir()}
    assert "\n0 done, 4 skipped, 3 failed\n" in spawn(*given).stdout


def test_every_file_of_a_folder_stands_in_the_report_once(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes name only pictures; other files are counted."""
    good, source = save(draw(1), "PNG"), tmp_path / "in"
    done = {
        "good.png",
        "Good.PNG",
        "jpeg.jfif",
        "line\nbreak.png",
        "\N{RIGHT-TO-LEFT OVERRIDE}gnp.png",
        "%41.png",
        "z" * 251 + ".png",
        os.fsdecode(b"caf\xe9.png"),
        "link.png",
        "below/good.png",
    }
    damaged = {
        "damaged.png": good[:50],
        "empty.jpg": b"",
        "no picture.gif": b"hello",
        "camera.tif": b"IIRO\x08\0\0\0" + bytes(40),
    }
    left_out = {
        "good_x2.png": good,
        "._good.png": good,
        "notes.txt": b"",
        "dot.png.": good,
        "camera.nef": b"II*\0",
    }
    (source / "below").mkdir(parents=True)
    for name in done - {"link.png"}:
        (source / name).write_bytes(good)
    for name, data in (damaged | left_out).items():
        (source / name).write_bytes(data)
    for name, place in (("link", "good"), ("loop", "loop"), ("gone", "nothing")):
        (source / f"{name}.png").symlink_to(f"{place}.png")
    (source / "folder").symlink_to("below")
    os.mkfifo(source / "pipe.png")
    (source / "closed").mkdir()
    scan = os.scandir

    def scan_open_folders(path: str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "closed":  # as root, none is
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scan(os.fspath(path))

    monkeypatch.setattr(os, "scandir", scan_open_folders)

    assert call("bulk", "in", "out", "--model", "fast")[0] == 1

    (report,) = reports(tmp_path / "out")
    failed = {*damaged, "loop.png", "pipe.png", "closed"}
    passed_over = {*left_out, "gone.png", "folder"}
    assert report["outcomes"] == {
        **dict.fromkeys(done, "done"),
        **dict.fromkeys(failed, "failed"),
        **dict.fromkeys(passed_over, "left_out"),
    }
    assert sorted(each["key"] for each in report["failures"]) == sorted(failed)
    assert (report["done"], report["failed"], report["skipped"]) == (len(done), len(failed), 0)
    assert report["left_out"] == len(passed_over)


def test_faults_in_a_row_end_the_run(call: Call, tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0").write_bytes(b"in the way")
    shutil.rmtree(pictures / "1")
    shutil.rmtree(pictures / "2")
    code, written = call("bulk", "in", "out", "--model", "fast")
    assert code == 1
    assert "(internal_error)" in written and "could not be stored" in written
    assert re.search(r"^\d+ done, 0 skipped, 0 failed, 1\d unfinished$", written, re.MULTILINE)
    assert "Given up: 10 pictures in a row failed for no fault of theirs." in written
    (report,) = reports(tmp_path / "out")
    assert report["end"] == "given up"
    assert 10 <= report["fault"] < 20
    (tmp_path / "out" / "0").unlink()
    assert call("bulk", "in", "out", "--model", "fast")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("in", "in"), "The results need another place than the pictures, "),
        (("in", "in/deep"), "may lie in the other"),
        (("in", "."), "may lie in the other"),
        (("s3://b/a", "s3://b/a/c"), "may lie in the other"),
        (("s3://", "out"), "s3://bucket/prefix"),
        (("none", "out"), "cannot be read: No such file"),
        (("in", "out", "--model", "none"), "There is no model named 'none'"),
        (("in", "out", "--scale", "3"), "choose 1, 2 or 4"),
        (("in", "out", "--shard", "3/2"), "from 1 to 2"),
        (("in", "out", "--shard", "0/2"), "from 1 to 2"),
        (("in", "out", "--shard", "2"), "whole number"),
        (("in", "out", "--workers", "0"), "whole number"),
        (("in", "out", "--model", "fast", "--detail", "10"), "has no 'detail'"),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(
    call: Call, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "in").mkdir()
    code, written = call("bulk", *arguments, **ENVIRONMENT)
    assert code == 2
    assert said in written
    assert "Traceback" not in written
    assert not (tmp_path / "out").exists()


@pytest.fixture
def s3() -> Iterator[S3]:
    with S3(buckets=("photos", "results")) as server:
        yield server


def test_from_s3_to_s3_and_to_a_folder(
    run: Run, tmp_path: Path, s3: S3, engine: LocalEngine
) -> None:
    for number in range(12):
        name = f"photos/small/{number % 2}/{number} ü.png"
        s3.objects[name] = StoredObject(data=save(draw(number), "PNG"))
    s3.objects["photos/small/broken.png"] = StoredObject(data=b"\x89PNG\r\n\x1a\n")
    settings = {**ENVIRONMENT, **s3.environment}
    to_s3 = ("bulk", "s3://photos/small", "s3://results/large/", "--model", "fast")
    done = run(*to_s3, **settings)
    assert done.returncode == 1
    assert "12 done, 0 skipped, 1 failed\nReport: s3://results/large/_bulk/" in done.stdout
    for number in (0, 11):
        made = s3.objects[f"results/large/{number % 2}/{number} ü.png"]
        expected = engine.upscale(save(draw(number), "PNG"), UpscaleOptions(model="fast"))
        assert made.data == expected.data
    assert "results/large/_failed/broken.png.json" in s3.objects
    s3.methods()
    assert "0 done, 12 skipped, 1 failed" in run(*to_s3, **settings).stdout
    assert sorted(s3.methods()) == ["GET", "GET"] + ["HEAD"] * 13 + ["PUT", "PUT"]
    done = run("bulk", "s3://photos/small", "out", "--model", "fast", **settings)
    assert "12 done, 0 skipped, 1 failed" in done.stdout
    assert len(results(tmp_path / "out")) == 12
    back = run("bulk", "out", "s3://results/twice", "--model", "fast", **settings)
    assert back.stdout.startswith("12 done, 0 skipped, 0 failed")


def test_without_a_terminal_a_line_now_and_then_tells_how_far_it_is(
    call: Call, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.commands.progress.SECONDS_BETWEEN_LINES", 0)
    _, written = call("bulk", "in", "out", "--model", "fast", "--shard", "1/3")
    lines = [line for line in written.splitlines() if " pictures, " in line]
    number, time = r"\d+\.\d\d", r"0:\d\d:\d\d"
    speed = rf"{number} pictures and {number} megapixels a second, {time} left"
    assert re.fullmatch(rf"1 of \d+ pictures, {speed}", lines[0])
    assert lines[-1].endswith(" 0:00:00 left")
    _, again = call("bulk", "in", "out", "--model", "fast", "--shard", "1/3")
    assert "second" not in again, "nothing was worked on, so nothing is known of the speed"
