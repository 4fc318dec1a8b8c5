"""The pages about AWS agree with the templates and the commands."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore import xform_name

from cfn.parser import make_parser
from cfn.variants import STACKS, VARIANTS
from tests.cfn.conftest import ROOT, text_of
from tests.cfn.resolver import load
from tests.cfn.test_templates import KEPT_LOGS, KEPT_ON_PURPOSE

DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BULK = (ROOT / "docs" / "bulk.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLES = "".join(page.split("## Parameters")[1].split("\n## ")[0] for page in (DEPLOY, BULK))
ROWS = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", TABLES, re.MULTILINE))


def defaults() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for variant in STACKS.values():
        parameters = load(text_of(variant))["Parameters"]
        for name, about in parameters.items():
            found.setdefault(name, set()).add(str(about.get("Default", "")))
    return found


def test_the_tables_have_every_parameter_and_no_other() -> None:
    assert set(ROWS) == set(defaults())


@pytest.mark.parametrize("name", sorted(defaults()))
def test_the_tables_have_the_right_default(name: str) -> None:
    for default in defaults()[name] - {""}:
        assert f"`{default}`" in ROWS[name]


def test_every_command_line_is_one_that_the_parser_takes() -> None:
    text = (DEPLOY + BULK).replace("\\\n", " ")
    lines = re.findall(r"^\s*python -m cfn ((?!\.)\w.*)$", text, re.MULTILINE)
    inline = re.findall(r"`python -m cfn (\w[^`]*)`", text)
    assert min(len(lines), len(inline)) >= 5
    for line in [*lines, *(each for each in inline if " " in each)]:
        make_parser().parse_args(line.split())


def test_every_call_of_aws_s_own_command_line_has_the_options_of_its_operation() -> None:
    lines = re.findall(
        r"^aws (sagemaker\S*) (\S+) (.*)$", (DEPLOY + BULK).replace("\\\n", " "), re.MULTILINE
    )
    assert {operation for _, operation, _ in lines} == {
        "invoke-endpoint-async",
        "create-transform-job",
    }
    for service, operation, options in lines:
        model = botocore.session.get_session().get_service_model(service)
        name = next(each for each in model.operation_names if xform_name(each, "-") == operation)
        members = model.operation_model(name).input_shape.members
        known = {xform_name(each, "-") for each in members}
        assert set(re.findall(r"--([a-z-]+)", options)) <= known


def test_the_guide_says_what_a_deletion_keeps() -> None:
    section = DEPLOY.split("## What is kept")[1].split("\n## ")[0]
    assert {name for name in KEPT_ON_PURPOSE | KEPT_LOGS if name in section} == {
        *KEPT_LOGS,
        "ApiLogRole",
    }


def test_every_variant_has_a_diagram() -> None:
    stacks = ARCHITECTURE.split("## The stacks")[1]
    # Lambda has one for each place of its networks, and Inferentia has the shape of the GPU.
    assert stacks.count("```mermaid") >= len(VARIANTS) + 1
    for variant in VARIANTS.values():
        assert variant.template in stacks


@pytest.mark.parametrize("text", [DEPLOY, ARCHITECTURE], ids=["deploy", "architecture"])
def test_the_pages_say_what_was_not_run(text: str) -> None:
    flat = " ".join(text.split())
    assert re.search(r"(Nothing of this was|Nothing here has been) run in a real AWS account", flat)
    assert re.search(r"never (run|at hand)|(compiler|hardware) was ever at hand", flat)
