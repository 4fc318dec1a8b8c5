"""The list of packages that every image carries."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from containers import sbom
from tests.paths import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PYTHON = ROOT / ".tools" / "pip-licenses" / "bin" / "python"
"""An environment with few packages, because the schema's check takes a while for each."""
STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.M | re.S))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list of a small environment's packages."""
    if not (sbom.TOOL.exists() and PYTHON.exists()):
        reason = "cyclonedx-bom or pip-licenses is missing: `make tools` sets them up"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    file = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    script = ROOT / "scripts" / "make-sbom.sh"
    subprocess.run([script, sbom.TOOL, PYTHON, file], cwd=ROOT, check=True)
    return file


def test_the_sbom_names_exactly_what_is_installed(made: Path) -> None:
    printed = subprocess.run(
        [PYTHON, "-c", sbom.INSTALLED], check=True, capture_output=True, text=True
    ).stdout
    assert sbom.listed(made) == sbom.installed(printed)


def test_the_sbom_names_the_program_and_no_path_of_this_machine(made: Path) -> None:
    text = made.read_text(encoding="utf-8")
    assert json.loads(text)["metadata"]["component"]["name"] == "super-resolution"
    assert str(ROOT) not in text


def test_the_sbom_is_valid_by_its_schema(made: Path) -> None:
    assert sbom.schema_error(made) == ""


def test_a_list_with_a_component_without_a_name_is_not(made: Path, tmp_path: Path) -> None:
    broken = json.loads(made.read_text(encoding="utf-8"))
    del broken["components"][0]["name"]
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(broken), encoding="utf-8")
    assert "'name' is a required property" in sbom.schema_error(file)


@pytest.mark.parametrize("target", ["server", "page", "lambda", "sagemaker"])
def test_every_image_has_its_list_where_its_label_says(target: str) -> None:
    of_image = STAGES[target] + (STAGES["engine"] if target != "sagemaker" else "")
    (label,) = re.findall(rf'{sbom.LABEL}="([^"]+)"', of_image)
    packages = STAGES["sagemaker" if target == "sagemaker" else f"{target}-packages"]
    assert re.findall(r"make-sbom\.sh \S+ (\S+) (\S+)", packages) == [
        ("/opt/engine/bin/python", label)
    ]
    if target != "sagemaker":
        assert f"COPY --from={target}-packages /opt/engine /opt/engine\n" in STAGES[target]
