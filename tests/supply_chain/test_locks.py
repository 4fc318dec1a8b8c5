"""The lock files name every package, and its files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT
from tests.supply_chain.locks import read_lock

PINNED = {
    "requirements.txt": "requirements.lock",
    "requirements-dev.txt": "requirements-dev.lock",
    "requirements-openvino.txt": "requirements-openvino.lock",
    "cfn/requirements-function.txt": "cfn/requirements-function.lock",
    "cfn/requirements-gpu.txt": "cfn/requirements-gpu.lock",
}
TOOLS = sorted((ROOT / "scripts" / "tools").glob("*.txt"))
PAIRS = [
    *((ROOT / requirements, ROOT / lock) for requirements, lock in PINNED.items()),
    *((tool, tool.with_suffix(".lock")) for tool in TOOLS),
]
LOCKS = [lock for _, lock in PAIRS]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def requirements_in(path: Path) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


@pytest.mark.parametrize("lock", LOCKS, ids=named)
def test_every_locked_package_has_hashes(lock: Path) -> None:
    packages = read_lock(lock)
    assert packages
    assert all(package.hashes for package in packages)
    lines = [line for line in lock.read_text().splitlines() if re.match(r"[^\s#]", line)]
    assert len(packages) == len(lines), "a line was not understood"


@pytest.mark.parametrize("lock", LOCKS, ids=named)
def test_no_lock_names_a_place_to_install_from(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"(?m)://|^--|^-[a-z]", text)


@pytest.mark.parametrize(("requirements", "lock"), PAIRS, ids=lambda path: path.name)
def test_a_changed_requirement_was_locked(requirements: Path, lock: Path) -> None:
    versions = {package.name: package.version for package in read_lock(lock)}
    for requirement in requirements_in(requirements):
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("lock", LOCKS[1:4], ids=named)
def test_a_package_has_one_version_everywhere(lock: Path) -> None:
    run = {package.name: package.version for package in read_lock(LOCKS[0])}
    for package in read_lock(lock):
        assert run.get(package.name, package.version) == package.version


def test_the_constraints_are_those_of_the_lock() -> None:
    constraints = requirements_in(ROOT / "constraints.txt")
    locked = read_lock(ROOT / "requirements-dev.lock")
    assert [(each.name, str(each.specifier)) for each in constraints] == [
        (package.name, f"=={package.version}") for package in locked
    ]


def test_every_file_to_install_from_is_a_lock() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = [
        line for line in makefile.splitlines() if re.search(r"\bpip\b.*(install|download)\b", line)
    ]
    assert not installs, "write $(INSTALL) or $(DOWNLOAD), which ask for hashes"
    assert "--require-hashes" in makefile


def test_a_file_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "thing-1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK")
    lock = tmp_path / "thing.lock"
    lock.write_text(f"thing==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    pip = (sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(tmp_path))
    done = subprocess.run(
        (*pip, "--require-hashes", "--target", str(tmp_path / "out"), "-r", str(lock)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
