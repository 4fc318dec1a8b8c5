"""The examples of README and docs run unchanged, except for the port."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.http.conftest import Server
from tests.paths import ROOT, SAMPLES

BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str, str]]:
    """Return (name, language, code) of every example that calls the local server."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        (f"{page.name}-{number}", language, code)
        for page in pages
        for number, (language, code) in enumerate(BLOCK.findall(page.read_text()))
        if "http://127.0.0.1:8080" in code
    ]


def test_there_are_examples_in_curl_and_python() -> None:
    assert {language for _, language, _ in blocks()} == {"bash", "python"}


@pytest.mark.parametrize(("name", "language", "code"), blocks(), ids=lambda value: value[:24])
def test_every_example_runs(
    name: str, language: str, code: str, server: Server, tmp_path: Path
) -> None:
    shutil.copytree(SAMPLES, tmp_path / "sample_images")
    code = code.replace("http://127.0.0.1:8080", server.address)
    command = ["bash", "-euo", "pipefail", "-c", code]
    if language == "python":
        command = [sys.executable, "-c", code]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{name}: {done.stderr.decode()}"
    with Image.open(tmp_path / "cat-x2.jpg") as result:
        assert result.size == (600, 400)
