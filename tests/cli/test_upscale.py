"""`python -m backend upscale` on real files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from backend.images.notes import FIRST_FRAME, NOTES
from backend.models.manifest import SHIPPED, ModelSpec, read_manifest
from testbed.processes import environment
from tests import networks
from tests.cli.conftest import Call, Run
from tests.cli.terminal import stop_when_shown
from tests.hostile.corpus import (
    CORPUS,
    GOOD,
    assert_right,
    jpeg,
    scene,
    turned_jpeg,
    with_alpha,
)
from tests.pictures import save


def write(path: Path, data: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(scene(), "PNG") if data is None else data)
    return path


def describe(path: Path) -> tuple[str | None, tuple[int, int]]:
    with Image.open(path) as opened:
        opened.load()
        return opened.format, opened.size


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_one_file_to_another_with_a_line_about_it(spawn: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    done = spawn("upscale", "a.png", "-o", "b.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("a.png -> b.png  48x32 -> 96x64  ")
    assert done.stdout.endswith(" s\n")
    assert describe(tmp_path / "b.png") == ("PNG", (96, 64))
    assert files(tmp_path) == {"a.png", "b.png"}


def test_a_run_removes_what_a_killed_one_left_and_nothing_else(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from backend.bulk.files import new_file\n"
        "with new_file(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "out" / "z.png"], env=environment(), check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(files(tmp_path / "out")) == 1
    host = os.uname().nodename
    others = {f".{host}.{os.getpid()}.7.part", ".another.1.7.part", f".{host}.notes.part"}
    for name in others:
        (tmp_path / "out" / name).touch()
    assert run("upscale", "a.png", "-o", "out").returncode == 0
    assert files(tmp_path / "out") == {"a_x2.png", *others}


@pytest.mark.parametrize("spec", read_manifest(SHIPPED), ids=lambda s: f"{s.name} x{s.scale}")
def test_every_shipped_network(run: Run, tmp_path: Path, spec: ModelSpec) -> None:
    write(tmp_path / "a.png")
    scale = spec.scale
    done = run("upscale", "a.png", "-o", "b.png", "--scale", str(scale), "--model", spec.name)
    assert done.returncode == 0, done.stderr
    assert describe(tmp_path / "b.png") == ("PNG", (48 * scale, 32 * scale))


@pytest.mark.parametrize(
    ("name", "format"),
    [("b.png", "PNG"), ("b.jpg", "JPEG"), ("b.JPEG", "JPEG"), ("b.webp", "WEBP")],
)
def test_the_ending_decides_the_format(run: Run, tmp_path: Path, name: str, format: str) -> None:
    write(tmp_path / "a.png")
    assert run("upscale", "a.png", "-o", name).returncode == 0
    assert describe(tmp_path / name)[0] == format


def test_pictures_of_a_folder_keep_their_format_unless_asked(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", jpeg())
    write(tmp_path / "b.png")
    assert run("upscale", "a.jpg", "b.png", "-o", "out").returncode == 0
    assert files(tmp_path / "out") == {"a_x2.jpg", "b_x2.png"}
    assert run("upscale", "a.jpg", "b.png", "-o", "webp/", "--format", "webp").returncode == 0
    assert {describe(path)[0] for path in (tmp_path / "webp").iterdir()} == {"WEBP"}


def test_quality_and_cleanup_change_the_file(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", jpeg(quality=20))
    for name, *extra in (
        ("high.jpg", "--quality", "100"),
        ("low.jpg", "--quality", "30"),
        ("off.png", "--cleanup", "off"),
        ("zero.png", "--cleanup", "0"),
    ):
        assert run("upscale", "a.jpg", "-o", name, *extra).returncode == 0
    size = {name: (tmp_path / name).stat().st_size for name in ("high.jpg", "low.jpg")}
    assert size["high.jpg"] > size["low.jpg"]
    assert (tmp_path / "off.png").read_bytes() == (tmp_path / "zero.png").read_bytes()


def test_folders_are_taken_without_their_subfolders_unless_asked(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "in/a.png")
    write(tmp_path / "in/b.BMP", save(scene(), "BMP"))
    write(tmp_path / "in/notes.txt", b"hello")
    write(tmp_path / "in/deep/c.png")
    assert run("upscale", "in", "-o", "flat").returncode == 0
    assert files(tmp_path / "flat") == {"a_x2.png", "b_x2.png"}
    assert run("upscale", "in", "-o", "all", "--recursive").returncode == 0
    assert files(tmp_path / "all") == {"a_x2.png", "b_x2.png", "deep/c_x2.png"}


def test_a_folder_without_pictures_is_an_error(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "in/notes.txt", b"hello")
    assert run("upscale", "in", "-o", "out").returncode == 2


def test_a_bad_file_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "b.png", b"no picture")
    write(tmp_path / "c.png")
    done = run("upscale", "a.png", "b.png", "missing.png", "c.png", "-o", "out")
    assert done.returncode == 1
    assert files(tmp_path / "out") == {"a_x2.png", "c_x2.png"}
    assert "b.png: This is not a picture" in done.stderr
    assert "(unsupported_media_type)" in done.stderr
    assert "missing.png: No such file or directory" in done.stderr
    assert "2 done, 2 failed" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_an_existing_result_stays_unless_forced(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "b.png", b"precious")
    refused = run("upscale", "a.png", "-o", "b.png")
    assert refused.returncode == 1
    assert "'b.png' exists; --force replaces it." in refused.stderr
    assert (tmp_path / "b.png").read_bytes() == b"precious"
    assert run("upscale", "a.png", "-o", "b.png", "--force").returncode == 0
    assert describe(tmp_path / "b.png") == ("PNG", (96, 64))


def test_an_input_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "a.png").read_bytes()
    (tmp_path / "link.png").symlink_to("a.png")
    for output in ("a.png", "./a.png", "link.png"):
        done = run("upscale", "a.png", "-o", output, "--force")
        assert done.returncode == 1
        assert "would overwrite the input" in done.stderr
    write(tmp_path / "a_x2.png")
    done = run("upscale", "a.png", "a_x2.png", "-o", ".", "--force")
    assert "would overwrite the input" in done.stderr
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "a_x2.png").read_bytes() == data


def test_two_inputs_of_one_name_do_not_overwrite_each_other(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "one/a.png")
    write(tmp_path / "two/a.png", save(scene().rotate(180), "PNG"))
    done = run("upscale", "one/a.png", "two/a.png", "-o", "out", "--force")
    assert done.returncode == 1
    assert "two/a.png: The result would overwrite that of another input" in done.stderr


def test_a_place_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "file", b"in the way")
    done = run("upscale", "a.png", "-o", "file/deeper/b.png")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("a.png: ")


def test_exif_and_alpha_survive_the_way(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "turned.jpg", turned_jpeg(6))
    write(tmp_path / "clear.png", save(with_alpha(scene()), "PNG"))
    assert run("upscale", "turned.jpg", "clear.png", "-o", "out").returncode == 0
    assert describe(tmp_path / "out/turned_x2.jpg") == ("JPEG", (96, 64))
    with Image.open(tmp_path / "out/clear_x2.png") as opened:
        assert opened.mode == "RGBA"


def test_errors_of_the_networks_and_the_limits(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "networks"
    folder.mkdir()
    networks.damage(networks.add(folder, "damaged", networks.blurring()))
    networks.add(folder, "fragile", networks.for_one_size_only())
    write(tmp_path / "a.png")
    for code, arguments, settings in (
        ("model_unavailable", ("--model", "damaged"), {"SR_MODELS_DIR": str(folder)}),
        ("inference_failed", ("--model", "fragile"), {"SR_MODELS_DIR": str(folder)}),
        ("payload_too_large", (), {"SR_MAX_IMAGE_BYTES": "100"}),
        ("image_too_large", (), {"SR_MAX_SIDE": "20"}),
        ("image_too_large", ("--scale", "4"), {"SR_MAX_OUTPUT_PIXELS": "10000"}),
        ("would_time_out", (), {"SR_TIME_BUDGET_SECONDS": "0.000001"}),
    ):
        done = run("upscale", "a.png", "-o", "b.png", *arguments, **settings)
        assert done.returncode == 1, done.stderr
        assert f"({code})" in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
    missing = run("upscale", "a.png", "-o", "b.png", SR_MODELS_DIR=str(tmp_path / "none"))
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
    assert files(tmp_path) & {"b.png"} == set()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("SR_MAX_SIDE", "20", "The picture is 48 x 32 pixels; at most 20 on its longest side."),
        ("SR_MAX_IMAGE_BYTES", "100", "The picture has more bytes than the limit of 100 bytes."),
    ],
)
@pytest.mark.parametrize("command", ["upscale in -o out", "bulk in out"])
def test_the_setting_of_a_limit_is_named(
    call: Call, tmp_path: Path, command: str, setting: str, value: str, told: str
) -> None:
    write(tmp_path / "in" / "a.png")
    code, output = call(*command.split(), **{setting: value})
    assert code == 1
    assert f"a.png: {told} The setting {setting} changes this limit. (" in output


def test_the_corpus_in_one_run(spawn: Run, tmp_path: Path) -> None:
    """Put each file into its own folder, under the name that its case has."""
    for number, case in enumerate(CORPUS):
        write(tmp_path / f"in/{number:03}/{case.file_name}", case.make())
    done = spawn("upscale", "in", "-o", "out", "--recursive")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    told = [line.split(": ", 1) for line in done.stderr.splitlines()[:-1]]
    failures = {name: what for name, what in told if what not in NOTES.values()}
    for number, case in enumerate(CORPUS):
        name = f"in/{number:03}/{case.file_name}"
        if case.code is None:
            assert name not in failures, failures[name]
            ending = "jpg" if case.format == "JPEG" else "png"
            stem = Path(case.file_name).stem
            result = tmp_path / f"out/{number:03}/{stem}_x2.{ending}"
            assert_right(case, result.read_bytes(), scale=2)
        else:
            assert failures[name].endswith(f"({case.code})"), failures[name]
    assert done.stderr.splitlines()[-1] == f"{len(GOOD)} done, {len(CORPUS) - len(GOOD)} failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_no_half_file(tmp_path: Path, number: signal.Signals) -> None:
    """The signal comes when the progress bar shows that tiles are being done."""
    large = Image.linear_gradient("L").resize((2000, 2000)).convert("RGB")
    write(tmp_path / "a.png", save(large, "PNG"))
    write(tmp_path / "b.png")
    code, shown = stop_when_shown(
        "tile/s", number, tmp_path, "upscale", "a.png", "b.png", "-o", "out", SR_TILE_SIZE="64"
    )
    assert code == 130
    assert "1/2 a.png" in shown
    assert shown.count(": stopped") == 1
    assert "a.png: stopped" in shown
    assert shown.splitlines()[-1] == "0 done, 0 failed, 2 not done"
    assert "Traceback" not in shown
    assert files(tmp_path) == {"a.png", "b.png"}


def test_without_a_terminal_there_is_no_bar(spawn: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    assert "tile" not in spawn("upscale", "a.png", "-o", "b.png", SR_TILE_SIZE="8").stderr


@pytest.mark.parametrize(
    ("arguments", "name", "size"),
    [
        (("--factor", "3"), "a_x3.png", (144, 96)),
        (("--width", "100"), "a_100w.png", (100, 67)),
        (("--height", "20"), "a_20h.png", (30, 20)),
        (("--fit", "64x64"), "a_64x64.png", (64, 43)),
        (("--print", "0.5x0.5"), "a_59x59.png", (59, 39)),
    ],
)
def test_an_exact_size(
    call: Call, tmp_path: Path, arguments: tuple[str, str], name: str, size: tuple[int, int]
) -> None:
    write(tmp_path / "a.png")
    code, written = call("upscale", "a.png", "-o", "out/", *arguments)
    assert code == 0, written
    assert describe(tmp_path / "out" / name) == ("PNG", size)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--factor", "17"), "A factor is a number up to 16"),
        (("--width", "0"), "'width' is a number of pixels from 1 to 65500"),
        (("--fit", "3840"), "A frame is WIDTHxHEIGHT in pixels"),
        (("--print", "tall"), "A print is WIDTHxHEIGHT in centimetres"),
        (("--width", "9", "--height", "9"), "not allowed with argument --width"),
    ],
)
def test_a_wrong_size_is_told(
    call: Call, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    write(tmp_path / "a.png")
    code, written = call("upscale", "a.png", "-o", "out/", *arguments)
    assert code == 2
    assert sentence in written


def test_the_same_folder_twice_enlarges_no_results(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    assert run("upscale", ".", "-o", ".").returncode == 0
    again = run("upscale", ".", "-o", ".", "--force")
    assert (again.returncode, again.stderr) == (0, "1 done, 0 failed, 1 left out\n")
    assert run("upscale", ".", "-o", "out", "--recursive").returncode == 0
    assert run("upscale", ".", "-o", "out", "--recursive", "--force").returncode == 0
    assert files(tmp_path) == {"a.png", "a_x2.png", "out/a_x2.png"}


def test_files_left_out_of_a_folder_are_counted(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "in/a.jfif", jpeg())
    write(tmp_path / "in/._a.jfif", b"what macOS keeps")
    write(tmp_path / "in/notes.txt", b"hello")
    (tmp_path / "in/link").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "in/nowhere.png").symlink_to("nothing")
    done = run("upscale", "in", "-o", "out")
    assert (done.returncode, done.stderr) == (0, "1 done, 0 failed, 4 left out\n")
    assert files(tmp_path / "out") == {"a_x2.jpg"}


def test_two_endings_of_one_name_give_two_results(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "a.bmp", save(scene(), "BMP"))
    for arguments in (("a.png", "a.bmp", "-o", "named"), (".", "-o", "listed")):
        assert run("upscale", *arguments).returncode == 0
    assert files(tmp_path / "named") == files(tmp_path / "listed") == {"a_x2.png", "a.bmp_x2.png"}


def test_odd_entries_of_a_folder_are_failures_of_their_own(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "in/ok.png")
    (tmp_path / "in/loop.png").symlink_to("loop.png")
    os.mkfifo(tmp_path / "in/pipe.png")
    (tmp_path / "in/folder.png").symlink_to(tmp_path, target_is_directory=True)
    done = run("upscale", "in", "-o", "out")
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[0].startswith("in/folder.png: This is a folder")
    assert told[1].startswith("in/loop.png: The file cannot be read: Too many levels")
    assert told[2].startswith("in/pipe.png: This is a folder, a pipe or a device")
    assert told[3:] == ["1 done, 3 failed"]


def test_files_named_twice_are_done_once(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "in/a.png")
    for given in (["in", "in/", "./in"], ["in/a.png", "in/../in/a.png", "in"]):
        code, written = call("upscale", *given, "-o", "out", "--force")
        assert code == 0, written
        assert written.count(" -> out/a_x2.png ") == 1
    assert call("upscale", "in/a.png", "./in/a.png", "-o", "one.png")[0] == 0


def test_a_file_has_one_line_whatever_its_name_holds(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "in/line\nbreak \x1b[31m \u202egnp.png")
    write(tmp_path / "in/bad\r\u2028.png", b"no picture")
    code, written = call("upscale", "in", "-o", "out")
    assert code == 1
    told = written.splitlines()
    assert told[0].startswith("in/line\\nbreak \\x1b[31m \\u202egnp.png -> out/")
    assert told[1].startswith("in/bad\\r\\u2028.png: This is not a picture")
    assert told[2:] == ["1 done, 1 failed"]


@pytest.mark.parametrize("encoding", ["cp1252:strict", "utf-8:strict", "ascii:strict"])
def test_a_name_that_the_console_cannot_show_is_escaped(
    spawn: Run, tmp_path: Path, encoding: str
) -> None:
    names = ["a.png", "\N{CJK UNIFIED IDEOGRAPH-5199}.png", os.fsdecode(b"caf\xe9.png")]
    for name in names:
        write(tmp_path / name)
    write(tmp_path / os.fsdecode(b"br\xfcch.png"), b"no picture")
    done = spawn("upscale", ".", "-o", "out", PYTHONIOENCODING=encoding)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == len(files(tmp_path / "out")) == len(names)


@pytest.mark.parametrize("stem", ["x" * 241, "x" * 251, "\N{CJK UNIFIED IDEOGRAPH-5199}" * 80])
def test_a_name_may_be_as_long_as_the_system_allows(run: Run, tmp_path: Path, stem: str) -> None:
    write(tmp_path / f"{stem}.png")
    assert run("upscale", f"{stem}.png", "-o", "out").returncode == 0
    (made,) = files(tmp_path / "out")
    assert made.startswith(stem[:60]) and made.endswith("_x2.png")
    assert run("upscale", f"{stem}.png", "-o", "y" * 250 + ".png").returncode == 0


def pipe(folder: Path, data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "backend", "upscale", "-", *arguments],
        input=data,
        capture_output=True,
        cwd=folder,
        env=environment(),
        check=True,
    )


@pytest.mark.parametrize("place", ["k" * 300, "k" * 300 + "/", "k" * 252 + ".png", "k/" * 2500])
def test_a_place_whose_name_is_too_long_is_named(run: Run, tmp_path: Path, place: str) -> None:
    write(tmp_path / "a.png")
    done = run("upscale", "a.png", "-o", place)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("a.png: 'k")
    assert "cannot be written: File name too long." in done.stderr


def test_an_input_whose_name_is_too_long_is_not_there(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    done = run("upscale", "k" * 300 + ".png", "a.png", "-o", "out")
    assert done.returncode == 1
    assert "kk.png: File name too long. (source_not_found)" in done.stderr
    assert (tmp_path / "out" / "a_x2.png").exists()


def test_pipes_are_read_and_written(run: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "a.png").read_bytes()
    assert run("upscale", "a.png", "-o", "b.png").returncode == 0
    piped = pipe(tmp_path, data, "-o", "-")
    assert piped.stdout == (tmp_path / "b.png").read_bytes()
    assert piped.stderr.startswith(b"- -> -  48x32 -> 96x64")
    pipe(tmp_path, data, "-o", "out")
    assert files(tmp_path / "out") == {"picture_x2.png"}
    for arguments in (("a.png", "b.png", "-o", "-"), (".", "-o", "-"), ("-", "-", "-o", "out")):
        assert run("upscale", *arguments).returncode == 2
    assert not (tmp_path / "-").exists()


def test_frames_that_are_not_in_the_result_are_told(run: Run, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (24, 16), colour).quantize(4) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    done = run("upscale", "a.gif", "-o", "b.png")
    assert done.returncode == 0
    assert done.stderr == f"a.gif: {NOTES[FIRST_FRAME]}\n"
