"""Each face takes every option, and each remote engine passes it on."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from backend.commands.parser import make_parser, options_from
from backend.options import KEPT, OPTIONS, Text, UpscaleOptions, fields_from
from backend.requests.parsing import FIELDS, OWN_FIELDS, body_from, parse_options, parse_request
from backend.requests.raw_body import attributes_from, raw_picture_from
from backend.requests.reply import ATTRIBUTES
from cfn.parser import make_parser as make_cfn_parser
from tests.paths import ROOT
from webapp.options import address

EVERYTHING = UpscaleOptions(
    scale=4, model="photo", format="webp", quality=80, cleanup=0, detail=70, keep=("date",)
)
"""A value for each option, none of which is the default."""
FLAGS = [
    part for name, value in fields_from(EVERYTHING).items() for part in (f"--{name}", f"{value}")
]
CHOSEN_WHEN_SAVED = {"format", "quality", "keep"}
"""Options that the page asks for with a finished result, and not in its address."""


def test_no_option_is_left_out_here() -> None:
    assert all(getattr(EVERYTHING, name) != each.default for name, each in OPTIONS.items())


@pytest.mark.parametrize(
    "options",
    [
        EVERYTHING,
        UpscaleOptions(),
        UpscaleOptions(scale=1, keep=()),
        replace(EVERYTHING, keep=KEPT),
    ],
)
def test_written_options_are_read_again(options: UpscaleOptions) -> None:
    fields = fields_from(options)
    assert parse_options(dict(fields)) == options
    assert parse_request(json.dumps({"img": "a", **fields}).encode()).options == options
    headers = [("Content-Type", "image/png"), (ATTRIBUTES, attributes_from(fields.items()))]
    raw = raw_picture_from(headers, [])
    assert raw is not None
    assert raw.options == options


@pytest.mark.parametrize("command", [("upscale", "a.png", "-o", "out"), ("bulk", "in", "out")])
def test_the_command_line_takes_every_option(command: tuple[str, ...]) -> None:
    parser = make_parser()
    assert options_from(parser.parse_args([*command, *FLAGS])) == EVERYTHING
    assert options_from(parser.parse_args(command)) == UpscaleOptions()


def test_a_run_on_aws_takes_every_option() -> None:
    parsed = make_cfn_parser().parse_args(["bulk", "start", *FLAGS])
    assert options_from(parsed) == EVERYTHING


def test_a_remote_engine_is_told_every_option() -> None:
    assert parse_request(body_from(b"data", EVERYTHING)).options == EVERYTHING
    assert json.loads(body_from(b"data", UpscaleOptions())).keys() == {"img", "scale", "format"}


def test_the_address_of_the_page_has_every_option_that_is_chosen_before_the_result() -> None:
    parsers = address.parsers({"fast": (2, 4)}, [])
    assert OPTIONS.keys() - parsers.keys() == CHOSEN_WHEN_SAVED
    assert [parsers["detail"](each) for each in ("70", "101", "auto", "\N{SUPERSCRIPT TWO}")] == [
        70, None, None, None,
    ]  # fmt: skip
    assert [parsers["strength"](each) for each in ("0", "100", "off")] == [0, 100, None]


def test_the_documentation_has_a_row_for_every_field() -> None:
    lines = (ROOT / "docs" / "api.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    rows = {row[0].strip("`"): row for row in cells if len(row) == 4}
    defaults = {name: row[2].replace("`", "") for name, row in rows.items()}
    assert [name for name in defaults if name in FIELDS] == [*FIELDS]
    for name, each in {**OWN_FIELDS, **OPTIONS}.items():
        assert defaults[name] == each.without, name
        values = set(re.findall(r"\w+", each.reader.syntax)) - {Text.syntax}
        assert values <= set(re.findall(r"\w+", rows[name][3])), name
