"""A reader of lock files as `make lock` writes them and pip understands them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

_ENTRY = re.compile(
    r"(?m)^([a-z0-9][^\s=]*)==([^\s;]+)(?: ; ([^\\\n]*[^\\\s]))?((?: \\\n +--hash=\S+)*)"
)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})\b")


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """One version of a package, and the files that it may be installed from."""

    name: NormalizedName
    version: Version
    marker: Marker | None
    """The marker of machines that install it; None means all."""
    hashes: tuple[str, ...]

    @property
    def is_for_this_machine(self) -> bool:
        """Return whether the present Python would install it."""
        return self.marker is None or self.marker.evaluate()


def read_lock(path: Path) -> list[LockedPackage]:
    """Return the packages in the file's order."""
    return [
        LockedPackage(
            name=canonicalize_name(name),
            version=Version(version),
            marker=Marker(marker) if marker else None,
            hashes=tuple(_HASH.findall(hashes)),
        )
        for name, version, marker, hashes in _ENTRY.findall(path.read_text(encoding="utf-8"))
    ]
