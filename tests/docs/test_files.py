"""The page on files says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from backend.images.formats import FORMATS, READABLE, WRITABLE
from backend.images.notes import NOTES
from backend.options import KEPT

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table with this first heading."""
    head = rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\|\n"
    table = re.search(head + r"((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]


def test_every_format_that_is_read_is_listed_with_its_endings() -> None:
    table = {
        label: (endings, is_written) for label, endings, is_written in rows("format | endings")
    }
    assert list(table) == [each.label for each in READABLE]
    for each in READABLE:
        endings, is_written = table[each.label]
        assert {*re.findall(r"`(\S+)`", endings)} <= {*each.suffixes}
        assert (is_written == "yes") == each.is_writable


def test_every_format_that_is_written_is_listed_with_its_limits() -> None:
    wanted = [
        [each.label, str(each.default_quality or "no loss"), f"{each.longest_side:,} pixels"]
        for each in WRITABLE
    ]
    assert rows("format | usual quality") == wanted


def test_every_note_is_listed_with_its_sentence() -> None:
    assert rows("code") == [[f"`{code}`", sentence] for code, sentence in NOTES.items()]


def test_everything_that_can_be_kept_is_listed() -> None:
    assert [cells[1] for cells in rows("kept unless you say otherwise")] == [
        f"`{each}`" for each in KEPT
    ]


def test_the_lossless_formats_are_named() -> None:
    sentence = re.search(
        r"`auto` answers a PNG for anything that was kept without loss \((.*?)\)", PAGE
    )
    assert sentence is not None
    for each in FORMATS.values():
        if each.is_lossless:
            assert each.label in sentence[1]
