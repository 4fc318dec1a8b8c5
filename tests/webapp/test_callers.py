"""The request behind a result, as programs send it."""

from __future__ import annotations

import ast

import pytest

from backend.options import UpscaleOptions
from tests.paths import ROOT
from webapp.base.filenames import split_name
from webapp.result.callers import LANGUAGES, examples, fill_in

OPTIONS = UpscaleOptions(scale=4, model="photo", cleanup=30, detail=60)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_documentation_shows_the_same_example(language: str) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    chapter = page.partition(f"\n### {language}\n")[2]

    assert f"\n{examples()[language]}```\n" in chapter.partition("\n### ")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_asks_for_what_the_visitor_chose(language: str) -> None:
    code = fill_in(examples()[language], stem="my-photo", suffix=".png", options=OPTIONS)

    for words in ("4, ", '"model": "photo"', '"cleanup": 30', '"detail": 60'):
        assert words in code
    if language != "JavaScript":  # where the file comes from the page around it
        assert "my-photo.png" in code
        assert "my-photo_x4" in code
    assert "cat" not in code.replace("application", "")


def test_the_python_example_is_python() -> None:
    ast.parse(fill_in(examples()["Python"], stem="a", suffix=".jpg", options=OPTIONS))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("my photo.PNG", ("my-photo", ".PNG")),
        ("$(rm -rf ~).jpg", ("rm--rf", ".jpg")),
        ("", ("picture", "")),
    ],
)
def test_a_name_means_nothing_to_a_shell(name: str, parts: tuple[str, str]) -> None:
    found = split_name(name)

    assert (found[0].strip("-"), found[1]) == parts
    assert not set("$();'\"`&|<> ~") & set("".join(found))
