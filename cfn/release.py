"""The record of published versions, and the guide's table of links to them.

A version is published in a bucket of each region, `PREFIX-REGION`, since Lambda takes its code only
from a bucket of its own region. `cfn/releases.json` says what was published where; the table in
docs/deploy.md is made from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfn.upload import launch_link
from cfn.variants import STACKS

HERE = Path(__file__).parent
RELEASES = HERE / "releases.json"
GUIDE = HERE.parent / "docs" / "deploy.md"
BEGIN = "<!-- launch links: written by python -m cfn release -->"
END = "<!-- end of launch links -->"
TITLES = {"lambda": "Lambda", "gpu": "GPU", "inf": "Inferentia", "bulk": "bulk"}
COLUMNS = {"global regions": "", "Beijing": "cn-north-1", "Ningxia": "cn-northwest-1"}
"""Title -> the region; the first one has all regions without a column of their own."""

Releases = Mapping[str, Mapping[str, Any]]
"""Region -> {"bucket", "version", "variants"}."""


def read_releases(path: Path = RELEASES) -> dict[str, Any]:
    releases: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return releases


def write_releases(releases: Releases, *, path: Path = RELEASES, guide: Path = GUIDE) -> None:
    """Write the record and the guide's table."""
    path.write_text(
        json.dumps(releases, indent=2, sort_keys=True) + "\n", encoding="utf-8", newline="\n"
    )
    text = guide.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    guide.write_text(
        f"{before}{BEGIN}\n{table(releases)}\n{END}{after}", encoding="utf-8", newline="\n"
    )


def table(releases: Releases) -> str:
    """Return Markdown with a row for each stack and a column for each part of the world."""
    lines = [f"| | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, title in TITLES.items():
        cells = (_links(releases, name, column) for column in COLUMNS.values())
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _links(releases: Releases, name: str, column: str) -> str:
    if name == "inf" and column:
        return "AWS has none there"
    found = [
        f"[{region}]({_link(region, release, name)})"
        for region, release in sorted(releases.items())
        if (region if region in COLUMNS.values() else "") == column and name in release["variants"]
    ]
    return ", ".join(found) or "not published"


def _link(region: str, release: Mapping[str, Any], name: str) -> str:
    return launch_link(
        bucket=release["bucket"],
        key=f"super-resolution/{release['version']}/{STACKS[name].template}",
        region=region,
        stack=f"super-resolution-{name}",
    )
