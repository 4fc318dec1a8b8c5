"""Licences of the packages that a user installs: `python -m supply_chain.licenses [--write FILE]`.

What each package says of itself, and what the notices in its wheel say of the libraries inside.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from supply_chain.locks import read_lock

LOCK = Path(__file__).parent.parent / "requirements.lock"
PERMISSIVE = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT"),
        *("MIT-CMU", "PSF-2.0", "Zlib"),
    }
)
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
}
"""What packages write -> SPDX's identifier; the classifier for BSD does not say which."""
EXCEPTIONS = {
    "certifi": "MPL-2.0 binds changed copies of its own files; the list of certificates is used "
    "as it is.",
    "numpy": "libgfortran is GPL-3.0 with the GCC runtime exception, which lets programs of any "
    "licence be linked with it; libquadmath is LGPL-2.1 and a library of its own.",
    "pi-heif": "libheif and libde265 are LGPL-3.0 and libraries of their own, which whoever likes "
    "may replace; without the package, all but HEIC works.",
    "tqdm": "MPL-2.0 binds changed copies of its own files; it is used as it is.",
}
"""Packages with something under a weak copyleft, and why they may be there."""
_COPYLEFT = re.compile(r"GPL|MPL|EPL|EUPL|CDDL|General Public Licen|Mozilla Public Licen", re.I)
_NOTICE = re.compile(r"(?im)^\s*licen[cs]e[^:\n]{0,60}:\s*(\S[^\n]*)$")
"""A line of a list of bundled libraries, as in `License: LGPLv3`."""
_NOTICE_FILE = re.compile(r"(?i)licen[cs]e|copying|notice")


@dataclass(frozen=True, kw_only=True)
class PackageLicense:
    """Of one package."""

    name: str
    declared: str
    """An SPDX expression, as far as the package's own words allow one."""
    bundled: tuple[str, ...]
    """Copyleft licences of libraries in its wheel."""

    @property
    def is_permissive(self) -> bool:
        """No word of it is under a copyleft."""
        words = re.split(r" AND | OR ", self.declared)
        return not self.bundled and all(word in PERMISSIVE for word in words)


def licenses(lock: Path = LOCK) -> list[PackageLicense]:
    """Of each locked package that this machine installs; PackageNotFoundError: it has not."""
    return [
        license_from(distribution(package.name))
        for package in read_lock(lock)
        if package.is_for_this_machine
    ]


def license_from(package: Distribution) -> PackageLicense:
    """From the metadata and the notices that came with it."""
    return PackageLicense(
        name=package.metadata["Name"].lower().replace("_", "-"),
        declared=_declared(package),
        bundled=_bundled(package),
    )


def _declared(package: Distribution) -> str:
    """The expression, else the short name, else the classifiers."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    short = metadata["License"].strip() if "License" in metadata else ""
    if short and "\n" not in short and short != "Dual License":
        return SPDX.get(short, short)
    classifiers = [text.split(" :: ") for text in metadata.get_all("Classifier") or ()]
    names = [parts[-1] for parts in classifiers if parts[0] == "License"]
    return " OR ".join(SPDX.get(name, name) for name in names) or "not declared"


def _bundled(package: Distribution) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for file in package.files or ():
        if ".dist-info" in str(file) and _NOTICE_FILE.search(file.name):
            text = Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
            lines = (line.strip() for line in _NOTICE.findall(text))
            found |= dict.fromkeys(line for line in lines if _COPYLEFT.search(line))
    return tuple(found)


def problems(found: Sequence[PackageLicense]) -> list[str]:
    """In words: what is neither permissive nor an exception, and exceptions that nothing needs."""
    needed = {each.name for each in found if not each.is_permissive}
    return [
        *(f"{name} is not under a permissive licence" for name in sorted(needed - {*EXCEPTIONS})),
        *(f"{name} needs no exception" for name in sorted({*EXCEPTIONS} - needed)),
    ]


def page(found: Sequence[PackageLicense]) -> str:
    """docs/licenses.md."""
    rows = [
        f"| {each.name} | {'; '.join((each.declared, *each.bundled))} |"
        for each in sorted(found, key=lambda each: each.name)
    ]
    reasons = [f"- **{name}**: {reason}" for name, reason in sorted(EXCEPTIONS.items())]
    return "\n".join(
        (
            "# Licences of the packages",
            "",
            "What `requirements.txt` installs on Linux, with everything that it brings along, by",
            "the packages' own words. `make licenses` writes this page; a test compares it with",
            "what is installed, and refuses a licence that is neither permissive nor named here.",
            "",
            "Under a weak copyleft, and why they may be there:",
            "",
            *reasons,
            "",
            "| package | licence |",
            "|---|---|",
            *rows,
            "",
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when a licence is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m supply_chain.licenses", description=__doc__)
    parser.add_argument("--write", type=Path, help="a file instead of the terminal")
    options = parser.parse_args(arguments)
    found = licenses()
    if options.write is None:
        sys.stdout.write(page(found))
    else:
        options.write.write_text(page(found), encoding="utf-8")
    for problem in problems(found):
        sys.stderr.write(problem + "\n")
    return 1 if problems(found) else 0


if __name__ == "__main__":
    sys.exit(main())
