"""Known flaws of locked packages: `python -m supply_chain.audit --advisories all.zip LOCK…`.

Needs no network: the advisories are a file, or a folder of files, in the OSV format, as
osv.dev exports them for PyPI and the Python Packaging Authority keeps them.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from supply_chain.locks import LockedPackage, read_lock

Advisory = Mapping[str, Any]
ECOSYSTEM = "PyPI"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A locked package that an advisory is about."""

    lock: Path
    package: LockedPackage
    advisory: str
    aliases: tuple[str, ...]
    summary: str
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        ids = ", ".join((self.advisory, *self.aliases))
        fixed = f"; fixed in {', '.join(self.fixed_in)}" if self.fixed_in else ""
        package = f"{self.package.name} {self.package.version}"
        return f"{self.lock}: {package}: {ids}: {self.summary}{fixed}"


def read_advisories(source: Path) -> Iterator[Advisory]:
    """Those that still hold, from a zip file or a folder of JSON files."""
    if source.is_dir():
        texts: Iterator[bytes] = (path.read_bytes() for path in sorted(source.rglob("*.json")))
    else:
        texts = _unzipped(source)
    for text in texts:
        advisory = json.loads(text)
        if "withdrawn" not in advisory:
            yield advisory


def _unzipped(source: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield archive.read(name)


def find(advisories: Iterator[Advisory], locks: Sequence[Path]) -> list[Finding]:
    """Every locked version that an advisory names, in the locks' order."""
    locked: dict[str, list[tuple[Path, LockedPackage]]] = {}
    for lock in locks:
        for package in read_lock(lock):
            locked.setdefault(package.name, []).append((lock, package))
    findings = []
    for advisory in advisories:
        for affected in advisory.get("affected", ()):
            named = affected.get("package", {})
            if named.get("ecosystem") != ECOSYSTEM:
                continue
            for lock, package in locked.get(canonicalize_name(named.get("name", "")), ()):
                if is_affected(package.version, affected):
                    findings.append(_finding(lock, package, advisory, affected))
    return sorted(findings, key=lambda each: (locks.index(each.lock), str(each)))


def is_affected(version: Version, affected: Mapping[str, Any]) -> bool:
    """By the list of versions or by the ranges, as OSV's schema defines them."""
    if any(_version(text) == version for text in affected.get("versions", ())):
        return True
    return any(
        is_in_range(version, each.get("events", ()))
        for each in affected.get("ranges", ())
        if each.get("type") == "ECOSYSTEM"
    )


def is_in_range(version: Version, events: Sequence[Mapping[str, str]]) -> bool:
    """Events in turn begin and end what is affected; `last_affected` itself still is."""
    ordered = sorted(
        ((kind, text) for event in events for kind, text in event.items() if kind != "limit"),
        key=lambda each: (_version(each[1]) or Version("0"), each[0] != "introduced"),
    )
    found = False
    for kind, text in ordered:
        at = _version(text)
        if kind == "introduced" and (at is None or version >= at):
            found = True
        elif at is not None and (
            (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at)
        ):
            found = False
    return found


def _version(text: str) -> Version | None:
    """None for what PEP 440 does not know, which old releases have."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _finding(
    lock: Path, package: LockedPackage, advisory: Advisory, affected: Mapping[str, Any]
) -> Finding:
    fixed = {
        event["fixed"]
        for each in affected.get("ranges", ())
        if each.get("type") == "ECOSYSTEM"
        for event in each.get("events", ())
        if "fixed" in event
    }
    details = (advisory.get("summary") or advisory.get("details") or "").strip()
    return Finding(
        lock=lock,
        package=package,
        advisory=advisory["id"],
        aliases=tuple(advisory.get("aliases", ())),
        summary=details.partition("\n")[0],
        fixed_in=tuple(sorted(fixed)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.audit", description=__doc__)
    parser.add_argument("--advisories", type=Path, required=True, help="zip file or folder")
    parser.add_argument("locks", type=Path, nargs="+", help="lock files")
    options = parser.parse_args(arguments)
    findings = find(read_advisories(options.advisories), options.locks)
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    packages = {(each.name, each.version) for lock in options.locks for each in read_lock(lock)}
    sys.stdout.write(f"{len(findings)} known vulnerabilities in {len(packages)} packages\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
