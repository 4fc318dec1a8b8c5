"""An image's list of packages: CycloneDX's JSON, at the path that a label of the image names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LABEL = "org.cyclonedx.sbom"
TOOL = ROOT / ".tools" / "cyclonedx-bom"
"""The environment that `make` installs cyclonedx-bom in."""
INSTALLED = (
    "import json; from importlib.metadata import distributions; "
    "print(json.dumps([[each.name, each.version] for each in distributions()]))"
)
"""A program that prints the packages of the Python that runs it."""
VALIDATE = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1], encoding="utf-8").read()
version = SchemaVersion.from_version(json.loads(text)["specVersion"])
print(JsonStrictValidator(version).validate_str(text) or "")
"""

Packages = set[tuple[str, str]]
"""Names with versions."""


def listed(sbom: Path) -> Packages:
    """Return the packages that a list names."""
    components = json.loads(sbom.read_text(encoding="utf-8"))["components"]
    return {(each["name"], each["version"]) for each in components}


def installed(printed: str) -> Packages:
    """Return the packages that INSTALLED printed."""
    return {(name, version) for name, version in json.loads(printed)}


def schema_error(sbom: Path) -> str:
    """Return what CycloneDX's schema has against a list, or nothing."""
    command = [str(TOOL / "bin" / "python"), "-c", VALIDATE, str(sbom)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()
