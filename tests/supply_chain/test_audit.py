"""Advisories in the OSV format against locked versions, without a network."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from supply_chain.audit import is_affected, main

LOCK = f"""\
thing-one==2.5.0 \\
    --hash=sha256:{"0" * 64}
    # via other
other==1.0rc1 ; sys_platform == 'win32' \\
    --hash=sha256:{"1" * 64} \\
    --hash=sha256:{"2" * 64}
"""


def advisory(name: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    return {"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "Bad.", "affected": [affected]} | more


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "packages.lock"
    path.write_text(LOCK)
    return path


def audited(lock: Path, *advisories: dict[str, Any]) -> int:
    source = lock.with_name("all.zip")
    with zipfile.ZipFile(source, "w") as archive:
        for number, each in enumerate(advisories):
            archive.writestr(f"PYSEC-{number}.json", json.dumps(each))
    return main(["--advisories", str(source), str(lock)])


def test_an_affected_version_is_named(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = advisory("Thing_One", {"introduced": "0"}, {"fixed": "2.5.1"})
    assert audited(lock, bad) == 1
    said = capsys.readouterr().out
    assert "thing-one 2.5.0: PYSEC-1, CVE-1: Bad.; fixed in 2.5.1" in said
    assert "1 known vulnerabilities in 2 packages" in said


def test_a_fixed_a_withdrawn_and_a_foreign_advisory_say_nothing(lock: Path) -> None:
    every: dict[str, str] = {"introduced": "0"}
    fixed = advisory("thing-one", every, {"fixed": "2.5"})
    withdrawn = advisory("thing-one", every, withdrawn="2026-01-01T00:00:00Z")
    foreign = advisory("thing-one", every)
    foreign["affected"][0]["package"]["ecosystem"] = "npm"
    unlocked = advisory("third", every)
    assert audited(lock, fixed, withdrawn, foreign, unlocked) == 0


def test_a_folder_is_read_too(lock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "advisories" / "thing-one"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps(advisory("other", {"introduced": "0"})))
    assert main(["--advisories", str(tmp_path / "advisories"), str(lock)]) == 1


@pytest.mark.parametrize(
    ("version", "is_found"),
    [("0.9", False), ("1.0", True), ("1.4", True), ("1.5rc1", True), ("1.5", False)],
)
def test_ranges_begin_with_their_first_and_end_before_the_fix(version: str, is_found: bool) -> None:
    assert in_range(version, {"introduced": "1.0"}, {"fixed": "1.5"}) is is_found


@pytest.mark.parametrize(
    ("version", "is_found"), [("1.9", True), ("2.0", True), ("2.0.1", False), ("3.1", True)]
)
def test_the_last_affected_version_is_affected(version: str, is_found: bool) -> None:
    events = ({"introduced": "0"}, {"last_affected": "2.0"}, {"introduced": "3.0"})
    assert in_range(version, *events) is is_found


def test_versions_are_compared_as_python_does() -> None:
    assert is_affected(Version("2.0"), {"versions": ["1.0", "2.0.0"]})
    assert not is_affected(Version("2.0.1"), {"versions": ["1.0", "2.0.0", "not a version"]})


def in_range(version: str, *events: dict[str, str]) -> bool:
    ranges: Sequence[Any] = [{"type": "ECOSYSTEM", "events": list(events)}]
    return is_affected(Version(version), {"ranges": ranges})
