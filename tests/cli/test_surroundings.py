"""Unreadable homes and little memory: the command works, or says so."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from backend import Settings
from backend.__main__ import TOO_LITTLE_MEMORY
from testbed.processes import environment
from tests.cli.conftest import Run
from tests.paths import ROOT, SAMPLES
from tests.pictures import save


def test_a_home_that_cannot_be_looked_into_is_none() -> None:
    home = "/" + 300 * "x"  # as root, a closed folder is still open
    assert Settings.from_environment({"HOME": home}).models_dir is None


@pytest.mark.parametrize("variable", ["HOME", "XDG_DATA_HOME"])
def test_the_command_works_without_a_home(spawn: Run, tmp_path: Path, variable: str) -> None:
    shutil.copy(SAMPLES / "cat.jpg", tmp_path)
    done = spawn("upscale", "cat.jpg", "-o", "out.png", **{variable: "/" + 300 * "x"})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").exists()


def test_without_their_reader_pictures_of_iphones_are_refused_by_name(
    spawn: Run, tmp_path: Path
) -> None:
    hidden = "import sys; sys.modules['pi_heif'] = None"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(hidden)
    places = {"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}"}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "IMG_0001.HEIC").write_bytes(save(Image.linear_gradient("L"), "HEIF"))
    told = (
        "IMG_0001.HEIC: HEIC pictures are not read here, because the package pi-heif is not "
        "installed; send a JPEG, PNG, BMP, WebP, GIF, TIFF or AVIF. (unsupported_media_type)\n"
    )
    done = spawn("upscale", "in", "-o", "out", **places)
    assert (done.returncode, done.stderr) == (1, f"in/{told}")
    done = spawn("bulk", "in", "bulk", **places)
    assert done.returncode == 1
    assert done.stdout.startswith(told)


@pytest.mark.parametrize("command", ["upscale", "bulk"])
def test_a_machine_that_starts_no_more_processes_fails_picture_by_picture(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(SAMPLES / "cat.jpg", tmp_path / "in")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    done = run(command, "in", *(["-o"] if command == "upscale" else []), "out")
    assert done.returncode == 1
    told = "cat.jpg: This machine is out of memory; try again in a moment. (busy)\n"
    assert told in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["upscale", "bulk"])
def test_a_machine_that_starts_no_more_threads_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    (tmp_path / "in").mkdir()
    shutil.copy(SAMPLES / "cat.jpg", tmp_path / "in")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    done = run(command, "in", *(["-o"] if command == "upscale" else []), "out")
    assert done.returncode == 2
    assert done.stderr == f"{TOO_LITTLE_MEMORY}\n"


def in_shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line in which $COMMAND is the command, in a folder with `a.png` and `b.png`."""
    for name in ("a.png", "b.png"):
        Image.linear_gradient("L").resize((12, 8)).save(folder / name)
    command = f"{sys.executable} -m backend"
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**environment(), "PYTHONPATH": str(ROOT), "COMMAND": command},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("command", ["upscale a.png b.png -o out", "bulk . out", "doctor"])
def test_output_that_cannot_be_written_ends_the_run_in_a_sentence(
    tmp_path: Path, command: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    done = in_shell(f"$COMMAND {command.replace(' out', ' ../out')} > /dev/full", folder)
    assert done.stderr == "The output cannot be written: No space left on device.\n"
    assert done.returncode == 1


def test_a_reader_that_is_gone_ends_the_run_in_a_sentence(tmp_path: Path) -> None:
    line = "($COMMAND upscale a.png b.png -o out; echo $? >&2) | true"
    done = in_shell(line, tmp_path)
    assert done.stderr == "The output cannot be written: Broken pipe.\n1\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_the_command_works_without_standard_streams(tmp_path: Path, closed: str) -> None:
    done = in_shell(f"$COMMAND upscale a.png -o out.png {closed}", tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out.png") as opened:
        assert opened.size == (24, 16)


def test_a_closed_standard_input_is_an_empty_file(tmp_path: Path) -> None:
    done = in_shell("$COMMAND upscale - -o out.png <&-", tmp_path)
    assert done.stderr == "-: The file is empty. (invalid_image)\n"
    assert done.returncode == 1


@pytest.mark.parametrize("mebibytes", [100, 160, 220, 700])
def test_little_memory_is_enough_or_named(tmp_path: Path, mebibytes: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * 2**20, mebibytes * 2**20))

    out = tmp_path / "out.png"
    done = subprocess.run(
        [sys.executable, "-m", "backend", "upscale", SAMPLES / "cat.jpg", "-o", out],
        cwd=ROOT,
        env=environment(),
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    if mebibytes == 700:
        assert done.returncode == 0, done.stderr
    assert (done.returncode == 0) == out.exists()
    assert done.returncode in (0, 1, 2)
