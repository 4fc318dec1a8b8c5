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

BLOCK = re.compile(r"^```(bash|python|java|php)\n(.*?)^```", re.MULTILINE | re.DOTALL)


COMMANDS = {
    "bash": ["bash", "-euo", "pipefail"],
    "python": [sys.executable],
    "java": ["java"],
    "php": ["php"],
}
"""The program for each language; the example is its argument, a file."""
NEEDED = {"java": "javac", "php": "php"}
"""Programs that not every machine has."""


def blocks() -> list[tuple[str, str, str]]:
    """Return (name, language, code) of every example that calls the local server."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        (f"{page.name}-{number}", language, code)
        for page in pages
        for number, (language, code) in enumerate(BLOCK.findall(page.read_text()))
        if "http://127.0.0.1:8080" in code
    ]


def test_there_are_examples_in_every_language() -> None:
    assert {language for _, language, _ in blocks()} == set(COMMANDS)


@pytest.mark.parametrize(("name", "language", "code"), blocks(), ids=lambda value: value[:24])
def test_every_example_runs(
    name: str, language: str, code: str, server: Server, tmp_path: Path
) -> None:
    needed = NEEDED.get(language)
    if needed is not None and shutil.which(needed) is None:
        pytest.skip(f"{needed} is not installed")
    shutil.copytree(SAMPLES, tmp_path / "sample_images")
    example = tmp_path / f"Upscale.{language}"  # named after its class, as Java wants it
    example.write_text(code.replace("http://127.0.0.1:8080", server.address))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*COMMANDS[language], example.name],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"{name}: {done.stderr.decode()}"
    with Image.open(tmp_path / "cat-x2.jpg") as result:
        assert result.size == (600, 400)
