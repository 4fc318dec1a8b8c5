"""The templates under AWS's linter and a security scanner, each in its own environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from runpy import run_path

import pytest

from cfn.policy import PERMISSIONS
from cfn.templates import BOOTSTRAP
from cfn.variants import BULK, STACKS, VARIANTS, Variant
from tests.cfn.conftest import ROOT, put_up, text_of
from tests.cfn.resolver import load_file

REGIONS = ("us-east-1", "eu-west-1", "cn-north-1", "cn-northwest-1", "us-gov-west-1")
CHECKOV_CONFIG = ROOT / "cfn" / "checkov.yaml"


def tool(name: str) -> Path:
    """Return a tool that `make` sets up; on no PATH, since its packages clash with ours."""
    found = ROOT / ".tools" / name / "bin" / name
    assert found.exists(), f"{name} is missing: `make tools` sets it up"
    return found


def lint(*templates: Path) -> dict[Path, list[str]]:
    """Lint all in one process, whose start takes longer than a small template does."""
    command = [
        *(str(tool("cfn-lint")), "--format", "json", "--regions", *REGIONS),
        *("--template", *map(str, templates)),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.stderr == ""
    found: dict[Path, list[str]] = {template: [] for template in templates}
    for each in json.loads(finished.stdout):
        found[Path(each["Filename"])].append(f"{each['Rule']['Id']} {each['Message']}")
    assert (finished.returncode != 0) is any(found.values())
    return found


Results = Mapping[str, list[dict[str, str]]]
"""checkov's `failed_checks`, `passed_checks` and `skipped_checks`."""


def scan(*templates: Path) -> dict[Path, Results]:
    """Scan all in one run, whose start takes longer than a template does."""
    command = [
        str(tool("checkov")),
        *("--file", *map(str, templates), "--config-file", str(CHECKOV_CONFIG)),
        *("--skip-download", "--output", "json"),
    ]
    environment = {**os.environ, "LOG_LEVEL": "ERROR"}
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    results: Results = json.loads(finished.stdout)["results"]
    return {
        template: {
            kind: [each for each in results[kind] if Path(each["file_abs_path"]) == template]
            for kind in ("failed_checks", "passed_checks", "skipped_checks")
        }
        for template in templates
    }


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with a mistake."""
    path = tmp_path_factory.mktemp("linted") / "wrong.yaml"
    path.write_text(text_of(BULK).replace("Statistic: Sum", "Statistic: Sun"))
    return path


@pytest.fixture(scope="module")
def linted(rendered: Path, wrong: Path) -> dict[Path, list[str]]:
    """The linter's findings in all templates, in every region."""
    paths = [rendered / stack.template for stack in STACKS.values()]
    return lint(*paths, ROOT / "cfn" / BOOTSTRAP, wrong)


def test_the_linter_finds_nothing_in_any_region(
    any_stack: Variant, rendered: Path, linted: dict[Path, list[str]]
) -> None:
    assert linted[rendered / any_stack.template] == []


def test_the_linter_finds_nothing_in_the_bootstrap(linted: dict[Path, list[str]]) -> None:
    assert linted[ROOT / "cfn" / BOOTSTRAP] == []


def test_the_scanner_finds_nothing_in_the_bootstrap(results: dict[Path, Results]) -> None:
    of_bootstrap = results[ROOT / "cfn" / BOOTSTRAP]
    assert of_bootstrap["failed_checks"] == []
    assert len(of_bootstrap["passed_checks"]) > 15


def test_the_linter_finds_a_mistake(wrong: Path, linted: dict[Path, list[str]]) -> None:
    assert "'Sun' is not one of" in "".join(linted[wrong])


def with_access_log(text: str) -> str:
    """Return the template with that default: the scanner ignores conditions."""
    head, parameter, rest = text.partition("  accessLog:\n")
    return head + parameter + rest.replace("Default: 'off'", "Default: create-role", 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every template, with access logs where there is an API."""
    folder = tmp_path_factory.mktemp("whole")
    for each in STACKS.values():
        (folder / each.template).write_text(with_access_log(text_of(each)))
    return folder


@pytest.fixture(scope="module")
def on_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Lambda template with another default: the scanner ignores conditions."""
    text = with_access_log(text_of(VARIANTS["lambda"]))
    path = tmp_path_factory.mktemp("scanned") / "on_files.yaml"
    path.write_text(text.replace("    Default: package\n", "    Default: efs\n"))
    return path


@pytest.fixture(scope="module")
def with_async(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The GPU template with the asynchronous endpoint by default."""
    text = with_access_log(text_of(VARIANTS["gpu"]))
    head, parameter, rest = text.partition("  asyncInference:\n")
    path = tmp_path_factory.mktemp("scanned") / "with_async.yaml"
    path.write_text(head + parameter + rest.replace("Default: 'false'", "Default: 'true'", 1))
    return path


@pytest.fixture(scope="module")
def unencrypted(on_files: Path) -> Path:
    """A template with a mistake."""
    text = on_files.read_text(encoding="utf-8")
    path = on_files.with_name("unencrypted.yaml")
    path.write_text(text.replace("      Encrypted: true\n", "      Encrypted: false\n"))
    return path


@pytest.fixture(scope="module")
def results(
    whole: Path, rendered: Path, on_files: Path, with_async: Path, unencrypted: Path
) -> dict[Path, Results]:
    """The scanner's results for all templates."""
    paths = [folder / stack.template for folder in (whole, rendered) for stack in STACKS.values()]
    return scan(*paths, ROOT / "cfn" / BOOTSTRAP, on_files, with_async, unencrypted)


@pytest.fixture
def scanned(any_stack: Variant, whole: Path, on_files: Path, with_async: Path) -> list[Path]:
    """Return the variant's template, and another form of it, so that each resource is scanned."""
    others = {"lambda": [on_files], "gpu": [with_async]}
    return [whole / any_stack.template, *others.get(any_stack.name, [])]


def test_the_scanner_finds_nothing(
    any_stack: Variant, scanned: list[Path], results: dict[Path, Results]
) -> None:
    least = 40 if any_stack.name in VARIANTS else 15
    for path in scanned:
        failed = [
            f"{each['check_id']} {each['resource']}" for each in results[path]["failed_checks"]
        ]
        assert failed == []
        assert len(results[path]["passed_checks"]) > least


def test_the_scanner_finds_nothing_in_a_template_with_its_defaults(
    any_stack: Variant, rendered: Path, results: dict[Path, Results]
) -> None:
    assert results[rendered / any_stack.template]["failed_checks"] == []
    assert len(results[rendered / any_stack.template]["passed_checks"]) > 15


def test_the_asynchronous_endpoint_is_scanned(
    with_async: Path, results: dict[Path, Results]
) -> None:
    checked = {each["resource"] for each in results[with_async]["passed_checks"]}
    assert {"AWS::IAM::Role.AsyncRole", "AWS::Logs::LogGroup.AsyncLog"} <= checked


def test_the_scanner_finds_a_mistake(unencrypted: Path, results: dict[Path, Results]) -> None:
    failed = {each["check_id"] for each in results[unencrypted]["failed_checks"]}
    assert "CKV_AWS_42" in failed


def test_every_skip_in_a_template_has_its_reason_and_is_needed(
    scanned: list[Path], results: dict[Path, Results]
) -> None:
    skipped = {
        (each["resource"].rpartition(".")[2], each["check_id"])
        for path in scanned
        for each in results[path]["skipped_checks"]
    }
    for name, resource in load_file(scanned[0])["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert len(skip["comment"]) > 20
            assert (name, skip["id"]) in skipped, f"{name} does not need to skip {skip['id']}"


AWS_S_OWN = ("InputType", "CSVHeaderLocation", "CSVHeaders")
"""Fields of a map's reader that AWS has and the States Language does not name."""


def states_linted(text: str, folder: Path) -> list[str]:
    """Return the findings of the States Language's linter for the bulk stack."""
    stack = put_up(BULK, text=text)
    path = folder / "machine.json"
    path.write_text(stack.properties("Pictures")["DefinitionString"])
    finished = subprocess.run(
        [str(tool("statelint")), str(path)], capture_output=True, text=True, check=False
    )
    assert finished.stderr == ""
    lines = finished.stdout.splitlines()[1:]
    return [
        each for each in lines if not any(f'"{name}" not allowed' in each for name in AWS_S_OWN)
    ]


def test_the_state_machine_is_one_that_the_states_language_knows(tmp_path: Path) -> None:
    assert states_linted(text_of(BULK), tmp_path) == []
    twice = text_of(BULK).replace("UpscaleInventory", "UpscaleList")
    assert "is also defined" in "".join(states_linted(twice, tmp_path))


@pytest.mark.parametrize("line", CHECKOV_CONFIG.read_text(encoding="utf-8").splitlines()[3:])
def test_every_common_skip_has_its_reason(line: str) -> None:
    assert re.fullmatch(r"  - CKV2?_AWS_\d+  # .{20,}\.", line)


def test_the_rights_of_each_type_are_those_of_the_linter_s_schemas() -> None:
    """The file is written by `scripts/list-permissions.py`."""
    listed = run_path(str(ROOT / "scripts" / "list-permissions.py"))["permissions"]
    assert listed(ROOT / ".tools" / "cfn-lint") == json.loads(PERMISSIONS.read_text())
