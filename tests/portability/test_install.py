"""The wheel, installed outside the clone, in a read-only folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from packaging.requirements import Requirement
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from hatch_build import renamed
from testbed.processes import address_in, free_ports
from tests.network.tracing import Trace, assert_silent
from tests.paths import ROOT, SAMPLES
from tests.portability.distributions import build

FOLDER = "Mit Leerzeichen 中文"
PIP = (sys.executable, "-m", "pip")


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A virtual environment that sees the packages of this one, and the wheel."""
    place = tmp_path_factory.mktemp("installed") / FOLDER
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    packages = next(place.glob("lib/python3*/site-packages"))
    (packages / "packages.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    subprocess.run(
        [*PIP, "--python", str(place), "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
    )
    make_writable(place, False)
    yield place
    make_writable(place, True)


def make_writable(folder: Path, is_writable: bool) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IWUSR if is_writable else mode & ~0o222)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def command(installation: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    return subprocess.run(
        [installation / "bin" / "super-resolution", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_source_archive_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build("wheel", source, tmp_path / "made")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_has_one_top_level_name_and_no_import_of_another(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert {name.split("/")[0].partition("-")[0] for name in names} == {"super_resolution"}
        assert "super_resolution/py.typed" in names
        for name in names:
            if name.endswith(".py"):
                source = archive.read(name).decode()
                assert not re.search(r"^\s*(from|import) (backend|webapp)\b", source, re.M), name


@pytest.mark.parametrize("text", ["'webapp.page'", "f'webapp.{room}.view'", "'backend.http.app'"])
def test_a_module_named_in_a_text_ends_the_build(text: str) -> None:
    with pytest.raises(ValueError, match=r"app\.py:2: take '"):
        renamed(f"from webapp import page\nimport_module({text})\n".encode(), "app.py")
    log = b"log = logging.getLogger('backend.http')\n"
    assert renamed(log, "app.py") == log.replace(b"backend", b"super_resolution")


def test_the_wheel_has_every_file_of_the_sources(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "backend", "webapp"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not listed:
        pytest.skip("this is no clone")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for each in listed:
        place = each.replace("backend/", "", 1) if each.startswith("backend/") else each
        assert f"super_resolution/{place}" in names


def test_the_wheel_asks_for_the_packages_that_the_clone_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = list(project["dependencies"])
    for extra, packages in project["optional-dependencies"].items():
        if extra != "all":
            asked += packages
    ranges = {each.name: each.specifier for each in map(Requirement, asked)}
    files = (ROOT / f"requirements{each}.txt" for each in ("", "-openvino"))
    text = "\n".join(each.read_text(encoding="utf-8") for each in files)
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE))
    for each in ("jinja2", "pytest"):  # for templates and tests, which the wheel has not
        del pinned[each]
    assert set(ranges) == set(pinned)
    assert [name for name, version in pinned.items() if version not in ranges[name]] == []


def test_every_command_says_what_it_is(installation: Path, tmp_path: Path) -> None:
    said = command(installation, "--help", cwd=tmp_path).stdout
    assert said.startswith("usage: super-resolution ")
    for each in ("upscale", "bulk", "serve", "page", "networks", "doctor"):
        assert each in said
        assert command(installation, each, "--help", cwd=tmp_path).returncode == 0


def test_a_picture_is_upscaled_as_in_the_clone(installation: Path, tmp_path: Path) -> None:
    folder = tmp_path / "Ein Ordner 图片"
    folder.mkdir()
    shutil.copy(SAMPLES / "cat.jpg", folder / "Katze 猫.jpg")
    before = contents(installation)
    done = command(installation, "upscale", folder, "-o", folder / "groß", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    there = (folder / "groß" / "Katze 猫_x2.jpg").read_bytes()
    here = tmp_path / "here.jpg"
    subprocess.run(
        [sys.executable, "-m", "backend", "upscale", SAMPLES / "cat.jpg", "-o", here],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert there == here.read_bytes()
    assert contents(installation) == before


def test_a_program_imports_one_name(installation: Path, tmp_path: Path) -> None:
    (tmp_path / "backend.py").write_text("MINE = True\n", encoding="utf-8")
    code = (
        "import backend, json, sys\n"
        "from super_resolution import Settings, UpscaleOptions, create_engine\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "made = create_engine(Settings()).upscale(data, UpscaleOptions(scale=4))\n"
        "print(json.dumps([backend.MINE, made.width, made.height]))"
    )
    done = subprocess.run(
        [installation / "bin" / "python", "-c", code, SAMPLES / "cat.jpg"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [True, 1200, 800]


def test_the_server_answers_and_asks_nobody(installation: Path, tmp_path: Path) -> None:
    trace = Trace(tmp_path, python=str(installation / "bin" / "python"), cwd=tmp_path)
    with trace.running("-m", "super_resolution", "serve", "--port", "0") as process:
        assert process.stderr is not None
        address = address_in(process.stderr)
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(f"{address}/ping", timeout=60).status_code == 200
            answer = session.post(
                f"{address}/invocations",
                data=(SAMPLES / "rocket-jpeg.jpg").read_bytes(),
                headers={"Content-Type": "image/jpeg", "Accept": "image/*"},
                timeout=120,
            )
            assert answer.status_code == 200, answer.text
    assert_silent(trace)


def test_the_page_starts_and_asks_nobody(installation: Path, tmp_path: Path) -> None:
    (port,) = free_ports()
    before = contents(installation)
    trace = Trace(tmp_path, python=str(installation / "bin" / "python"), cwd=tmp_path)
    page = ("-m", "super_resolution", "page", "--no-browser", "--port", str(port))
    with trace.running(*page), requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=Retry(total=8, backoff_factor=0.5)))
        assert session.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=60).text == "ok"
    assert_silent(trace)
    assert contents(installation) == before


def test_the_page_is_drawn_without_an_error(installation: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.resources import files\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = str(files('super_resolution.webapp') / 'app.py')\n"
        "page = AppTest.from_file(app, default_timeout=120).run()\n"
        "assert not page.exception and not page.error, page.error\n"
        "import sys\n"
        "assert not {'backend', 'webapp'} & set(sys.modules)"
    )
    done = subprocess.run(
        [installation / "bin" / "python", "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
