"""Publish versions: templates and archives that anybody may launch, and a table of links to them.

A version is published in a bucket of each region, `PREFIX-REGION`, since Lambda takes its code only
from a bucket of its own region. `cfn/releases.json` says what was published where; the table in
docs/deploy.md is made from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped, unused-ignore]

from cfn.account import error_code
from cfn.archives import file_sha256
from cfn.errors import DeploymentError
from cfn.package import Package
from cfn.upload import check_bucket, launch_link
from cfn.variants import STACKS

HERE = Path(__file__).parent
RELEASES = HERE / "releases.json"
GUIDE = HERE.parent / "docs" / "deploy.md"
BEGIN = "<!-- launch links: written by python -m cfn release -->"
END = "<!-- end of launch links -->"
SHA256 = "sha256"
"""Name of the metadata that tells whether a published file is the same."""
TITLES = {"lambda": "Lambda", "gpu": "GPU", "inf": "Inferentia", "bulk": "bulk"}
COLUMNS = {"global regions": "", "Beijing": "cn-north-1", "Ningxia": "cn-northwest-1"}
"""Title -> the region; the first has all regions that no other column is for."""

Releases = Mapping[str, Mapping[str, Any]]
"""Region -> {"bucket", "version", "variants"}."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One version in one region."""

    package: Package
    bucket: str
    region: str

    def publish(self, s3: Any, *, print_line: Callable[[str], None]) -> None:
        """Upload what is new; DeploymentError when the version is there with other contents."""
        check_bucket(s3, self.bucket, region=self.region)
        names = {
            name
            for variant in self.package.variants
            for name in (*self.package.archives(variant), variant.template)
        }
        paths = {
            f"{self.package.prefix(self.package.variants[0])}/{name}": self.package.folder / name
            for name in sorted(names)
        }
        digests = {key: file_sha256(path) for key, path in paths.items()}
        there = {key: _published(s3, self.bucket, key) for key in paths}
        for key, sha256 in there.items():
            if sha256 not in (None, digests[key]):
                raise DeploymentError(
                    f"s3://{self.bucket}/{key} was published with other contents. Stacks use it: "
                    "raise the version in backend/__init__.py instead."
                )
        for key, path in paths.items():
            if there[key] is not None:
                print_line(f"s3://{self.bucket}/{key} is there already")
                continue
            print_line(f"s3://{self.bucket}/{key} ({path.stat().st_size / 2**20:.1f} MB)")
            s3.upload_file(
                str(path), self.bucket, key, ExtraArgs={"Metadata": {SHA256: digests[key]}}
            )

    @property
    def record(self) -> dict[str, Any]:
        """The publication as `releases.json` has it."""
        return {
            "bucket": self.bucket,
            "version": self.package.release,
            "variants": [variant.name for variant in self.package.variants],
        }


def _published(s3: Any, bucket: str, key: str) -> str | None:
    """Return the sha256 of what is there, None when nothing is."""
    try:
        found = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as exc:
        if error_code(exc) in ("404", "NoSuchKey", "NotFound"):
            return None
        raise DeploymentError(f"s3://{bucket}/{key} cannot be read ({error_code(exc)}).") from exc
    return str(found.get("Metadata", {}).get(SHA256, "unknown"))


def read_releases(path: Path = RELEASES) -> dict[str, Any]:
    """Read what was published."""
    releases: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return releases


def write_releases(releases: Releases, *, path: Path = RELEASES, guide: Path = GUIDE) -> None:
    """Write the record and the guide's table."""
    path.write_text(json.dumps(releases, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    text = guide.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    guide.write_text(f"{before}{BEGIN}\n{table(releases)}\n{END}{after}", encoding="utf-8")


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
