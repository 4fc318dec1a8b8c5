"""The catalogues: complete, consistent, and the only place with words for visitors."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest
from babel import Locale

from backend import Settings
from backend.factory import registry_from
from webapp.base.texts import LANGUAGES, catalogue, language_from_locale, texts
from webapp.intake.samples import samples

WEBAPP = Path(__file__).resolve().parents[2] / "webapp"
OTHERS = sorted(set(LANGUAGES) - {"en"})
VISIBLE = {"title", "markdown", "caption", "error", "info", "success", "warning", "button", "text"}
"""Streamlit's functions whose first argument a visitor reads."""


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def forms(language: str, key: str) -> list[str]:
    text = catalogue(language)[key]
    return [text] if isinstance(text, str) else list(text.values())


@pytest.mark.parametrize("language", OTHERS)
def test_no_catalogue_lacks_a_key_or_has_one_of_its_own(language: str) -> None:
    assert set(catalogue(language)) == set(catalogue("en"))


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_in_what_the_original_does(language: str) -> None:
    for key in catalogue("en"):
        wanted = names_in(forms("en", key)[-1])
        for text in forms(language, key):
            assert names_in(text) <= wanted, key
        assert names_in(forms(language, key)[-1]) == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plural_has_every_form_that_the_language_has(language: str) -> None:
    rule = Locale.parse(language, sep="-").plural_form
    needed = {rule(count) for count in range(200)}
    for key, text in catalogue(language).items():
        if isinstance(text, dict):
            assert needed <= set(text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_percentages_and_factors_are_written_by_one_rule(language: str) -> None:
    """An `×` between two numbers is a size, which has spaces in every language."""
    gap = "\u00a0" if language in ("de", "es", "fr") else ""
    for key in catalogue(language):
        for text in forms(language, key):
            gaps = re.findall(r"[}\d](\s*)(?:%|×(?!\s*[{\d]))", text)
            assert set(gaps) <= {gap}, key


@pytest.mark.parametrize("language", OTHERS)
def test_sentences_are_translated(language: str) -> None:
    """A whole sentence that equals the English one was forgotten."""
    same = [
        key
        for key in catalogue("en")
        if len(re.findall(r"[A-Za-z]{3,}", re.sub(r"\{\w+\}", "", forms("en", key)[0]))) > 1
        and forms(language, key) == forms("en", key)
    ]

    assert same == []


def test_every_sample_has_its_words() -> None:
    named = {key.split(".")[1] for key in catalogue("en") if key.startswith("sample.")}

    assert named - {"label"} == {sample.name for sample in samples().values()}


def test_every_model_has_its_words() -> None:
    named = {key.split(".")[1] for key in catalogue("en") if key.startswith("model.")}

    assert named == set(registry_from(Settings()).models)


@pytest.mark.parametrize("file", sorted(WEBAPP.glob("*.py")), ids=lambda file: file.name)
def test_no_text_of_the_page_stands_outside_the_catalogues(file: Path) -> None:
    """Check that every text given to Streamlit is looked up, or made of such texts."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        is_streamlit = isinstance(node.func.value, ast.Name) and node.func.value.id == "st"
        if not is_streamlit or node.func.attr not in VISIBLE:
            continue
        written = [
            each.value
            for argument in node.args[:1]
            for each in ast.walk(argument)
            if isinstance(each, ast.Constant)
            and isinstance(each.value, str)
            and not any(
                isinstance(call, ast.Call) and each in ast.walk(call)
                for call in ast.walk(argument)
                if isinstance(call, ast.Call)
            )
        ]
        words = [text for text in written if re.search(r"[A-Za-z]{2}", _without_icons(text))]
        assert words == [], f"line {node.lineno}"


def _without_icons(text: str) -> str:
    return re.sub(r":material/\w+:", "", text)


COMPONENTS = sorted(WEBAPP.rglob("*.html"))


def test_every_component_is_found() -> None:
    names = {file.stem for file in COMPONENTS}

    assert names >= {"picker", "saver", "frame", "gallery", "slider", "announcer"}


@pytest.mark.parametrize("file", COMPONENTS, ids=lambda file: file.stem)
def test_no_component_has_words_of_its_own(file: Path) -> None:
    html = file.read_text(encoding="utf-8")

    shown = re.sub(r"<[^>]*>", "", html)
    assert re.findall(r"[A-Za-z]+", shown) == []
    assert not re.search(r'(title|aria-label|placeholder|alt)="[A-Za-z]', html)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("en-GB", "en"),
        ("de", "de"),
        ("de-CH", "de"),
        ("fr-CA", "fr"),
        ("es-419", "es"),
        ("ja-JP", "ja"),
        ("zh-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("pt-BR", "en"),
        ("nonsense", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_browsers_locale_chooses_the_language(locale: str | None, language: str) -> None:
    assert language_from_locale(locale) == language


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.44, "0.4 s"), (42.4, "42 s"), (125, "2 min 5 s")]
)
def test_durations(seconds: float, words: str) -> None:
    assert texts("en").duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.3, "about 1 s"), (6.4, "about 6 s"), (43, "about 45 s"), (130, "about 2 min")],
)
def test_expected_times_are_rounded_as_a_person_would(seconds: float, words: str) -> None:
    assert texts("en").about(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 byte"), (12, "12 bytes"), (4_200, "4 kB"), (1_250_000, "1.2 MB")]
)
def test_file_sizes(count: int, words: str) -> None:
    assert texts("en").file_size(count) == words


def test_numbers_are_written_as_the_language_does() -> None:
    assert texts("de").file_size(1_250_000) == "1,2 MB"
    assert texts("fr").number(0.5) == "0,5"
    assert texts("zh-Hans").number(16384) == "16384"


def test_the_day_of_a_moment_is_written_whatever_stands_behind_it() -> None:
    english = texts("en")
    day = english.date("2021:05:03 14:30:00")
    assert "2021" in day
    assert english.date("2021:05:03 14:30:00.25+02:00") == day
    assert english.date("yesterday") == "yesterday"
