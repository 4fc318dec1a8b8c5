"""What the pages name exists."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest

from backend.errors import SuperResolutionError
from tests.paths import ROOT
from webapp.settings import PageSettings

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


def codes(error: type[SuperResolutionError]) -> set[str]:
    """Of the class and of all below it."""
    return {error.code}.union(*(codes(each) for each in error.__subclasses__()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_named_is_one(page: Path) -> None:
    known = {"SR_" + field.name.upper() for field in fields(PageSettings)}
    assert set(re.findall(r"\bSR_[A-Z_]*[A-Z]", page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_to_run_is_there(page: Path) -> None:
    for module in set(
        re.findall(r"python -m ((?:backend|benchmarks|cfn|training)[.\w]*)", page.read_text())
    ):
        assert importlib.util.find_spec(module), module


def test_every_error_code_is_in_the_table() -> None:
    table = (ROOT / "docs" / "api.md").read_text()
    inside_only = {"cancelled"}
    missing = {code for code in codes(SuperResolutionError) if f"`{code}`" not in table}
    assert missing <= inside_only
