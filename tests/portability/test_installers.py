"""pipx and uvx, from the wheel and from a clone, without an index: the files lie in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.paths import ROOT, SAMPLES
from tests.portability.start import start

TOOLS = ROOT / ".tools"
WHEELS = TOOLS / "wheels"
PIPX = (TOOLS / "pipx" / "bin" / "pipx",)
UVX = (TOOLS / "uv" / "bin" / "uvx",)
ONCE = {"pipx": (*PIPX, "run", "--spec"), "uvx": (*UVX, "--from")}


@pytest.fixture(scope="module", autouse=True)
def installers() -> None:
    missing = [each for each in (*PIPX, *UVX, WHEELS) if not each.exists()]
    if missing:
        reason = "pipx, uv or the wheels are missing: `make tools` sets them up"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module")
def clone(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with what the source archive has."""
    folder = tmp_path_factory.mktemp("clone") / "Ein Klon 图片"
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", source)
    for arguments in (("init",), ("add", "."), ("commit", "--message", "All")):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    return source


@pytest.fixture
def sources(wheel: Path, clone: Path) -> dict[str, str]:
    return {"wheel": str(wheel), "folder": str(clone), "address": f"git+{clone.as_uri()}"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return variables that keep both away from any index and from this user's own folders."""
    home = tmp_path_factory.mktemp("home")
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PIPX_BIN_DIR": str(home / "bin"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "PIPX_HOME": str(home / "pipx"),
        "PIP_COMPILE": "0",  # few of the modules are ever imported here
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(WHEELS),
        "PIP_NO_INDEX": "1",
        "UV_CACHE_DIR": str(home / "uv"),
        "UV_FIND_LINKS": str(WHEELS),
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "1",
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The result of this clone's command line for the small sample."""
    file = tmp_path_factory.mktemp("here") / "here.jpg"
    subprocess.run(
        [sys.executable, "-m", "backend", "upscale", SAMPLES / "rocket-jpeg.jpg", "-o", file],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return file.read_bytes()


def run(environment: dict[str, str], folder: Path, *command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("tool", "source"),
    [
        ("pipx", "wheel"),
        ("pipx", "folder"),
        ("uvx", "wheel"),
        ("uvx", "folder"),
        ("uvx", "address"),
    ],
)
def test_a_picture_is_upscaled_without_an_installation(
    tool: str,
    source: str,
    sources: dict[str, str],
    environment: dict[str, str],
    expected: bytes,
    tmp_path: Path,
) -> None:
    picture = tmp_path / "Katze 猫.jpg"
    picture.write_bytes((SAMPLES / "rocket-jpeg.jpg").read_bytes())
    program = (*ONCE[tool], sources[source], "super-resolution")
    run(environment, tmp_path, *program, "upscale", picture, "-o", "out/")
    assert (tmp_path / "out" / "Katze 猫_x2.jpg").read_bytes() == expected


def test_the_cost_of_an_install_is_told(environment: dict[str, str], wheel: Path) -> None:
    command = (sys.executable, "-m", "benchmarks.install", "--only", "the command line")
    cells = run(environment, ROOT, *command).splitlines()[-1].strip("| ").split(" | ")
    packages, downloaded, _, _, installed, _ = map(float, cells[1:])
    assert packages > 10
    assert wheel.stat().st_size / 1e6 < downloaded < installed


def test_the_networks_are_found_under_uvx(
    wheel: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    program = (*UVX, "--from", wheel, "super-resolution")
    printed = run(environment, tmp_path, *program, "networks", "list")
    assert "quality" in printed


def test_the_page_is_installed_from_an_address_by_pipx(
    sources: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    asked = f"super-resolution[page] @ {sources['address']}"
    run(environment, tmp_path, *PIPX, "install", asked)
    command = str(Path(environment["PIPX_BIN_DIR"], "super-resolution"))
    start("page", "/_stcore/health", "--no-browser", program=(command,), environment=environment)
    run(environment, tmp_path, *PIPX, "uninstall", "super-resolution")
    assert not Path(command).exists()
