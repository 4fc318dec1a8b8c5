"""What users install is theirs to use, and the page about it is true."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest

from supply_chain import licenses
from supply_chain.licenses import PackageLicense, license_from, page, problems
from tests.paths import ROOT


@pytest.fixture(scope="module")
def found() -> list[PackageLicense]:
    return licenses.licenses()


def test_no_package_has_a_licence_that_was_not_considered(found: list[PackageLicense]) -> None:
    assert problems(found) == []


def test_the_page_says_what_is_installed(found: list[PackageLicense]) -> None:
    written = (ROOT / "docs" / "licenses.md").read_text(encoding="utf-8")
    assert written == page(found), "run `make licenses`"


def test_a_library_under_the_gpl_inside_a_wheel_is_noticed(found: list[PackageLicense]) -> None:
    writer = license_from(distribution("pillow-heif"))
    assert writer.declared == "BSD-3-Clause"
    assert "GPLv2" in writer.bundled
    assert problems([*found, writer]) == ["pillow-heif is not under a permissive licence"]


def test_a_copyleft_beside_a_permissive_licence_is_noticed(found: list[PackageLicense]) -> None:
    mixed = PackageLicense(name="mixed", declared="MIT AND GPL-3.0-only", bundled=())
    assert problems([*found, mixed]) == ["mixed is not under a permissive licence"]


def test_an_exception_that_nothing_needs_is_noticed(found: list[PackageLicense]) -> None:
    without = [each for each in found if each.name != "tqdm"]
    assert problems(without) == ["tqdm needs no exception"]
