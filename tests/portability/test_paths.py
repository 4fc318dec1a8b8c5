"""File names and console output, as on Windows and macOS."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from backend.bulk.file_names import file_name, folder_address
from backend.bulk.files import read_file
from backend.commands.targets import expanded
from backend.errors import SourceNotFoundError
from tests.paths import ROOT, SAMPLES


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a\\..\\..\\evil.png", "a%5C..%5C..%5Cevil.png"),
        ("C:evil.png", "C%3Aevil.png"),
        ("aux.png", "%61ux.png"),
        ("COM1", "%43OM1"),
        ("nul .jpg", "%6Eul .jpg"),
        ("com².jpg", "%63om².jpg"),
        ("CONOUT$", "%43ONOUT$"),
        ("what?.jpg", "what%3F.jpg"),
        ("dot.", "dot%2E"),
        ("space ", "space%20"),
        ("console.png", "console.png"),
        ("猫 1.png", "猫 1.png"),
    ],
)
def test_a_key_is_one_name_below_the_folder_on_windows(key: str, name: str) -> None:
    made = file_name(key, is_windows=True)
    assert made == name
    place = PureWindowsPath("D:\\out").joinpath(made)
    assert place.parent == PureWindowsPath("D:\\out")


@pytest.mark.parametrize("key", ["a\\b.png", "C:a.png", "aux.png", "what?.jpg"])
def test_linux_keeps_the_names_that_its_files_may_have(key: str) -> None:
    assert file_name(key, is_windows=False) == key


@pytest.mark.parametrize("folder", ["C:\\pictures", "C:\\", "\\\\nas\\share\\pictures"])
def test_a_folder_below_another_is_recognised_on_windows(folder: str) -> None:
    outer = PureWindowsPath(folder)
    assert folder_address(outer / "a" / "b").startswith(folder_address(outer))
    assert not folder_address(PureWindowsPath("D:\\out")).startswith(folder_address(outer))


def test_a_name_that_windows_cannot_have_is_a_fault_of_that_file_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(SourceNotFoundError, match=r"Invalid argument\."):
        read_file(Path("*.jpg"), max_bytes=1)


@pytest.mark.parametrize("is_windows", [False, True])
@pytest.mark.parametrize("key", ["", ".", ".."])
def test_no_key_leads_out_of_the_folder(key: str, is_windows: bool) -> None:
    assert PurePosixPath("out", file_name(key, is_windows=is_windows)).parent.name == "out"


def test_a_pattern_that_the_shell_left_is_expanded(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg", "c.png", "d[1].jpg"):
        (tmp_path / name).touch()
    assert [Path(each).name for each in expanded([f"{tmp_path}/?.jpg"])] == ["a.jpg", "b.jpg"]
    assert [Path(each).name for each in expanded([f"{tmp_path}/d[1].jpg"])] == ["d[1].jpg"]
    assert [Path(each).name for each in expanded([f"{tmp_path}/*.gif"])] == ["*.gif"]


@pytest.mark.parametrize("code_page", ["cp1252", "cp936", "ascii"])
def test_a_name_that_the_console_cannot_show_ends_no_run(tmp_path: Path, code_page: str) -> None:
    source = tmp_path / "Größe 猫 ✓.jpg"
    source.write_bytes((SAMPLES / "rocket-jpeg.jpg").read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "backend", "upscale", source, "-o", tmp_path / "out"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": code_page, "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "Größe 猫 ✓_x2.jpg").exists()
    assert "Gr" in done.stdout.decode(code_page)


def test_an_input_with_another_name_of_its_own_is_not_overwritten(tmp_path: Path) -> None:
    """A case-insensitive folder has one file for `A_x2.jpg` and `a_x2.jpg`; a link is one, too."""
    (tmp_path / "a.jpg").write_bytes((SAMPLES / "rocket-jpeg.jpg").read_bytes())
    (tmp_path / "B.jpg").write_bytes((SAMPLES / "cat.jpg").read_bytes())
    (tmp_path / "a_x2.jpg").hardlink_to(tmp_path / "B.jpg")
    inputs = (tmp_path / "a.jpg", tmp_path / "B.jpg")
    done = subprocess.run(
        [sys.executable, "-m", "backend", "upscale", "--force", *inputs, "-o", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "would overwrite the input" in done.stderr
    assert (tmp_path / "B.jpg").read_bytes() == (SAMPLES / "cat.jpg").read_bytes()


def test_nothing_is_read_or_written_in_the_systems_encoding(tmp_path: Path) -> None:
    strict = ("-X", "warn_default_encoding", "-W", "error::EncodingWarning")
    picture = tmp_path / "in" / "a.jpg"
    picture.parent.mkdir()
    picture.write_bytes((SAMPLES / "rocket-jpeg.jpg").read_bytes())
    for arguments in (
        ("upscale", picture, "-o", tmp_path / "out.png"),
        ("bulk", tmp_path / "in", tmp_path / "results"),
        ("networks", "list"),
    ):
        done = subprocess.run(
            [sys.executable, *strict, "-m", "backend", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_published_files_have_the_same_line_ends_on_every_system() -> None:
    written = [
        node
        for path in sorted((ROOT / "cfn").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".write_text")
    ]
    assert written
    assert [each for each in written if "newline='\\n'" not in ast.unparse(each)] == []
