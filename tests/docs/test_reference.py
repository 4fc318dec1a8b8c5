"""The page of settings and commands is complete, with every default."""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields

import pytest

from backend.commands.parser import make_parser
from tests.docs.test_documentation import options
from tests.paths import ROOT
from webapp.settings import PageSettings

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
SETTINGS = dict(re.findall(r"^\| `SR_([A-Z_]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
FIELDS = {each.name.upper(): each for each in fields(PageSettings)}


def test_the_table_has_every_setting_and_no_other() -> None:
    assert SETTINGS.keys() == FIELDS.keys()


def is_told(field: Field[object], cell: str) -> bool:
    """Return whether the cell begins with the default, or describes it."""
    default = field.default
    if default is MISSING or default is None or default == ():
        return not re.match(r"\d", cell)
    if isinstance(default, tuple):
        return cell == ",".join(default)
    if isinstance(default, bool):
        return cell == str(int(default))
    return re.split(r"[ ;]", cell)[0] == str(default)


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"MODEL"}))
def test_the_table_has_the_right_default(name: str) -> None:
    assert is_told(FIELDS[name], SETTINGS[name])


def test_the_model_has_one_default_on_the_page_and_another_elsewhere() -> None:
    assert SETTINGS["MODEL"] == f"fast; on the page {FIELDS['MODEL'].default}"


def test_every_option_of_the_command_line_has_a_row() -> None:
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("| `--"))
    assert options(make_parser("backend")) - set(re.findall(r"--[a-z][a-z-]*", rows)) == set()
