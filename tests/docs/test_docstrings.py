"""Docstrings are whole thoughts: their subject comes first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

ROOMS = (
    *("backend", "webapp", "cfn", "training", "benchmarks", "metrics", "testbed"),
    *("tests/aws", "tests/cfn", "tests/stack"),
)
RIDDLE = re.compile(
    r"(Of|What|As|For|Whose|Beside|Until|From|With|In|By|At|To|Where|When|Which|Who|How|Whether"
    r"|Without|Under|There)\b"
)
"""Words that leave a first sentence without its subject."""


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Return the lines and texts of all docstrings, those of attributes among them."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                text = statement.value.value
                if isinstance(text, str):
                    yield statement.lineno, text


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_begins_without_its_subject(room: str) -> None:
    riddles = [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]}"
        for path in sorted(Path(ROOT / room).rglob("*.py"))
        for line, text in docstrings(path.read_text(encoding="utf-8"))
        if RIDDLE.match(text)
    ]
    assert riddles == []


def test_a_riddle_is_noticed() -> None:
    source = '"""Of a file."""\n\nX = 1\n"""What is asked of one."""\n'

    assert [bool(RIDDLE.match(text)) for _, text in docstrings(source)] == [True, True]
