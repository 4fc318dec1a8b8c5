"""The README's examples of the command line and the library work as shown."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tests.paths import ROOT, SAMPLES

README = (ROOT / "README.md").read_text()
SECONDS = re.compile(r"[0-9.]+ s$", re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the examples' inputs, and nothing else."""
    shutil.copytree(SAMPLES, tmp_path / "sample_images", ignore=shutil.ignore_patterns("*.py"))
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_installation_brings_what_the_readme_shows() -> None:
    (extra,) = re.findall(r'`pip install "\.\[(\w+)\]"`', README)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (everything,) = project["optional-dependencies"]["all"]
    shown = {"super-resolution page": "page", "super-resolution serve": "server", "HEIC": "heic"}
    for words, needed in shown.items():
        assert words in README
        assert needed in (everything if extra == "all" else extra), words


def test_the_command_prints_what_is_shown(folder: Path) -> None:
    (block,) = blocks("console")
    command, shown = block.split("\n", 1)
    assert command.startswith("$ super-resolution ")
    printed = run(folder, "-m", "backend", *command.removeprefix("$ super-resolution ").split())
    assert SECONDS.sub("", printed) == SECONDS.sub("", shown)


def test_the_library_does_it_in_a_few_lines(folder: Path) -> None:
    (block,) = blocks("python")
    run(folder, "-c", block)
    with Image.open(folder / "cat-x4.jpg") as result:
        assert (result.format, result.size) == ("JPEG", (1200, 800))
