"""The templates under AWS's linter and a security scanner, each in its own environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from cfn.variants import VARIANTS, Variant
from tests.cfn.conftest import ROOT
from tests.cfn.resolver import load_file

REGIONS = ("us-east-1", "eu-west-1", "cn-north-1", "cn-northwest-1", "us-gov-west-1")
CHECKOV_CONFIG = ROOT / "cfn" / "checkov.yaml"


def tool(name: str) -> Path:
    """Set up by `make`; not on any PATH, since their packages clash with this project's."""
    found = ROOT / ".tools" / name / "bin" / name
    assert found.exists(), f"{name} is missing: `make tools` sets it up"
    return found


def lint(template: Path) -> subprocess.CompletedProcess[str]:
    command = [str(tool("cfn-lint")), "--template", str(template), "--regions", *REGIONS]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@cache
def scan(template: Path) -> dict[str, list[dict[str, str]]]:
    """checkov's results: `failed_checks`, `passed_checks` and `skipped_checks`."""
    command = [
        str(tool("checkov")),
        *("--file", str(template), "--config-file", str(CHECKOV_CONFIG)),
        *("--skip-download", "--output", "json"),
    ]
    environment = {**os.environ, "LOG_LEVEL": "ERROR"}
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    results: dict[str, list[dict[str, str]]] = json.loads(finished.stdout)["results"]
    return results


def test_the_linter_finds_nothing_in_any_region(variant: Variant) -> None:
    finished = lint(ROOT / "cfn" / variant.template)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_linter_finds_a_mistake(tmp_path: Path) -> None:
    text = (ROOT / "cfn" / VARIANTS["lambda"].template).read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("ThroughputMode: elastic", "ThroughputMode: elastc"))
    finished = lint(wrong)
    assert finished.returncode != 0
    assert "elastc" in finished.stdout


@pytest.fixture(scope="module")
def on_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Lambda template with another default: the scanner leaves out what a condition does."""
    text = (ROOT / "cfn" / VARIANTS["lambda"].template).read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("scanned") / "on_files.yaml"
    path.write_text(text.replace("    Default: package\n", "    Default: efs\n"))
    return path


@pytest.fixture
def scanned(variant: Variant, on_files: Path) -> list[Path]:
    """The variant's template, so that each of its resources is scanned."""
    return [ROOT / "cfn" / variant.template, *([on_files] if variant.name == "lambda" else [])]


def test_the_scanner_finds_nothing(scanned: list[Path]) -> None:
    for path in scanned:
        results = scan(path)
        failed = [f"{each['check_id']} {each['resource']}" for each in results["failed_checks"]]
        assert failed == []
        assert len(results["passed_checks"]) > 40


def test_the_scanner_finds_a_mistake(on_files: Path, tmp_path: Path) -> None:
    text = on_files.read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("      Encrypted: true\n", "      Encrypted: false\n"))
    failed = {each["check_id"] for each in scan(wrong)["failed_checks"]}
    assert "CKV_AWS_42" in failed


def test_every_skip_in_a_template_has_its_reason_and_is_needed(scanned: list[Path]) -> None:
    skipped = {
        (each["resource"].rpartition(".")[2], each["check_id"])
        for path in scanned
        for each in scan(path)["skipped_checks"]
    }
    for name, resource in load_file(scanned[0])["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert len(skip["comment"]) > 20
            assert (name, skip["id"]) in skipped, f"{name} does not need to skip {skip['id']}"


@pytest.mark.parametrize("line", CHECKOV_CONFIG.read_text(encoding="utf-8").splitlines()[3:])
def test_every_common_skip_has_its_reason(line: str) -> None:
    assert re.fullmatch(r"  - CKV2?_AWS_\d+  # .{20,}\.", line)
