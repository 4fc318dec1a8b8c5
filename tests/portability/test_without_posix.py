"""Every face under a Python without POSIX modules, compared with Linux."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from PIL import Image

from testbed.processes import address_in
from tests import pictures
from tests.paths import ROOT, SAMPLES

WITHOUT_POSIX = Path(__file__).with_name("without_posix")
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "AVIF", "HEIF")
FACES = (
    "backend.commands.bulk",
    "backend.commands.doctor",
    "backend.commands.networks",
    "backend.commands.page",
    "backend.commands.serve",
    "backend.commands.upscale",
    "backend.aws.lambda_handler",
    "backend.aws.sagemaker_handler",
    "webapp.app",
    "webapp.routes",
)


def environment(folder: Path) -> dict[str, str]:
    """Return this environment with the approximation, and its own temporary folder."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    path = os.pathsep.join([str(WITHOUT_POSIX), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "TMPDIR": str(temporary)}


def run(
    folder: Path, *arguments: str | Path, is_windows: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(folder) if is_windows else None,
        capture_output=True,
        text=True,
        check=False,
    )


def command(
    folder: Path, *arguments: str | Path, is_windows: bool = True
) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "backend", *arguments, is_windows=is_windows)


def results(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "import resource",
        "import os; os.fork()",
        "open('aux.png', 'w')",
        "import os; f = open(__import__('tempfile').mkstemp()[1]); os.remove(f.name)",
    ],
)
def test_the_approximation_lacks_what_windows_lacks(tmp_path: Path, code: str) -> None:
    done = run(tmp_path, "-c", code)
    assert done.returncode == 1
    assert "Error" in done.stderr


@pytest.mark.parametrize("face", FACES)
def test_a_face_is_imported(tmp_path: Path, face: str) -> None:
    done = run(tmp_path, "-c", f"import {face}")
    assert done.returncode == 0, done.stderr


def test_pictures_of_every_format_give_the_same_bytes(
    tmp_path: Path, photo_bytes: Callable[..., bytes]
) -> None:
    (tmp_path / "in").mkdir()
    for each in FORMATS:
        suffix = {"HEIF": "heic"}.get(each, each.lower())
        (tmp_path / "in" / f"{each}.{suffix}").write_bytes(photo_bytes(each))
    rgba = pictures.save(Image.new("RGBA", (20, 10), (9, 99, 199, 60)), "PNG")
    (tmp_path / "in" / "alpha.png").write_bytes(rgba)
    for name, is_windows in (("here", False), ("there", True)):
        done = command(
            tmp_path, "upscale", tmp_path / "in", "-o", tmp_path / name, is_windows=is_windows
        )
        assert done.returncode == 0, done.stderr
    assert results(tmp_path / "there") == results(tmp_path / "here")
    assert len(results(tmp_path / "here")) == len(FORMATS) + 1


def test_bulk_goes_on_after_it_was_ended(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(6):
        crop = (number * 8, 0, number * 8 + 90, 60)
        with Image.open(SAMPLES / "cat.jpg") as opened:
            (source / f"{number}.png").write_bytes(pictures.save(opened.crop(crop), "PNG"))
    bulk = ("-m", "backend", "bulk", str(source))
    target = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, *bulk, str(target)], cwd=ROOT, env=environment(tmp_path)
    ) as process:
        while process.poll() is None and not list(target.glob("*.png")):
            time.sleep(0.01)
        process.kill()
    assert run(tmp_path, *bulk, str(target)).returncode == 0
    again = run(tmp_path, *bulk, str(target))
    assert "0 done, 6 skipped, 0 failed" in again.stdout + again.stderr
    whole = command(tmp_path, "bulk", source, tmp_path / "whole", is_windows=False)
    assert whole.returncode == 0, whole.stderr
    assert results(target) == results(tmp_path / "whole")


def test_the_server_answers_with_the_engines_bytes(tmp_path: Path) -> None:
    body = (SAMPLES / "rocket-jpeg.jpg").read_bytes()
    with subprocess.Popen(
        [sys.executable, "-m", "backend", "serve", "--port", "0"],
        cwd=ROOT,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            address = address_in(process.stderr)
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    f"{address}/invocations",
                    data=body,
                    headers={"Content-Type": "image/jpeg", "Accept": "image/*"},
                    timeout=120,
                )
        finally:
            process.terminate()
    assert answer.status_code == 200, answer.text
    here = tmp_path / "here.jpg"
    command(tmp_path, "upscale", SAMPLES / "rocket-jpeg.jpg", "-o", here, is_windows=False)
    assert answer.content == here.read_bytes()


def test_doctor_says_which_protections_there_are(tmp_path: Path) -> None:
    code = (
        "import json\n"
        "from backend.commands.protections import protections\n"
        "from backend.settings import Settings\n"
        "print(json.dumps(dict(protections(Settings()))))"
    )
    there = json.loads(run(tmp_path, "-c", code).stdout)
    assert "looked at every 0.05 s" in there["decoding"]
    assert "no limit of open files" in there["connections"]
    here = json.loads(run(tmp_path, "-c", code, is_windows=False).stdout)
    assert "ended by the kernel" in here["decoding"]
    assert "open files" in here["connections"]
