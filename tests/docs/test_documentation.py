"""Everything that the pages name exists."""

from __future__ import annotations

import argparse
import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest
from babel import Locale

from backend import Settings
from backend.commands.parser import make_parser
from backend.errors import SuperResolutionError
from backend.factory import registry_from
from cfn.parser import make_parser as make_cfn_parser
from tests.paths import ROOT
from webapp.base.texts import LANGUAGES
from webapp.settings import PageSettings

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]

ALL_PAGES = [
    *PAGES,
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "training/LOG.md")),
]


def codes(error: type[SuperResolutionError]) -> set[str]:
    """Return the codes of the class and its subclasses."""
    return {error.code}.union(*(codes(each) for each in error.__subclasses__()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_named_is_one(page: Path) -> None:
    known = {"SR_" + field.name.upper() for field in fields(PageSettings)}
    assert set(re.findall(r"\bSR_[A-Z_]*[A-Z]", page.read_text())) <= known


def test_every_setting_is_named_by_a_page() -> None:
    known = {"SR_" + field.name.upper() for field in fields(PageSettings)}
    text = "\n".join(page.read_text() for page in PAGES)
    assert known - set(re.findall(r"\bSR_[A-Z_]*[A-Z]", text)) == set()


def test_the_readme_describes_every_model() -> None:
    table = (ROOT / "README.md").read_text().split("| `model` |")[1].split("\n\n")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named == set(registry_from(Settings()).models)


def test_the_readme_names_every_language_of_the_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for language in LANGUAGES:
        assert str(Locale.parse(language, sep="-").get_language_name("en")) in readme


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Return the options of the parser and of all its commands."""
    found: set[str] = set()
    for action in parser._actions:
        found.update(each for each in action.option_strings if each.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            found.update(*(options(each) for each in action.choices.values()))
    return found - {"--help", "--version"}


@pytest.mark.parametrize("parser", [make_parser("backend"), make_cfn_parser()])
def test_every_option_of_a_command_is_named_by_a_page(parser: argparse.ArgumentParser) -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    assert options(parser) - set(re.findall(r"--[a-z][a-z-]*", text)) == set()


def anchors(page: Path) -> set[str]:
    """Return GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), anchor


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_module_to_run_is_there(page: Path) -> None:
    for module in set(
        re.findall(
            r"python -m ((?:backend|benchmarks|cfn|containers|metrics|training)[.\w]*)",
            page.read_text(),
        )
    ):
        assert importlib.util.find_spec(module), module


def test_every_error_code_is_in_the_table() -> None:
    table = (ROOT / "docs" / "api.md").read_text()
    inside_only = {"cancelled"}
    missing = {code for code in codes(SuperResolutionError) if f"`{code}`" not in table}
    assert missing <= inside_only
