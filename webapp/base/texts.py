"""The page's words in six languages: one catalogue a language in `webapp/locales`.

A text is a string with `{names}` for values, or a table with one string for each plural form that
the language has (`one`, `other`), chosen by the value `count`. Numbers, sizes and times are
written as the language writes them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

from webapp.client.errors import REASONS

FOLDER = Path(__file__).parents[1] / "locales"
LANGUAGES = {
    "en": "English",
    "zh-Hans": "简体中文",
    "ja": "日本語",
    "es": "Español",
    "de": "Deutsch",
    "fr": "Français",
}
"""Languages in the order in which they are offered, each by its own name."""
DEFAULT = "en"
ENDPOINT_REASON = "endpoint_reason"


class Texts:
    """The catalogue of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse(language, sep="-")
        self._texts = catalogue(language)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key such as `wait.ahead`; numbers are written out."""
        text = self._texts[key]
        if isinstance(text, Mapping):
            count = values["count"]
            assert isinstance(count, int)
            text = text[self._locale.plural_form(count)]
        written = {
            name: self.number(value) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return text.format(**written)

    def get(self, key: str, **values: object) -> str | None:
        """Return None if there is no such text."""
        return self(key, **values) if key in self._texts else None

    def section(self, prefix: str) -> dict[str, str]:
        """Return the plain texts below a prefix, for a component: `slider` gives {"fit": …}."""
        start = prefix + "."
        return {
            key.removeprefix(start): text
            for key, text in self._texts.items()
            if key.startswith(start) and isinstance(text, str)
        }

    def number(self, value: float) -> str:
        """Write a number with the language's decimal sign, without thousands separators."""
        return str(format_decimal(value, locale=self._locale, group_separator=False))

    def date(self, exif: str) -> str:
        """Write the day of an EXIF date; return the text itself if it is not a date."""
        try:
            day = datetime.strptime(exif[:10], "%Y:%m:%d").date()
        except ValueError:
            return exif
        return str(format_date(day, locale=self._locale))

    def file_size(self, nbytes: int) -> str:
        """Write bytes in familiar units."""
        if nbytes < 1000:
            return self("unit.bytes", count=nbytes)
        if nbytes < 1_000_000:
            return self("unit.kilobytes", number=self.number(round(nbytes / 1000)))
        return self("unit.megabytes", number=self.number(round(nbytes / 1_000_000, 1)))

    def limit(self, nbytes: int) -> str:
        """Write a bound on files, which is often a whole number of MiB."""
        if nbytes % 2**20:
            return self.file_size(nbytes)
        return self("unit.megabytes", number=self.number(nbytes // 2**20))

    def duration(self, seconds: float) -> str:
        if seconds < 10:
            return self("unit.seconds", number=self.number(round(seconds, 1)))
        if seconds < 90:
            return self("unit.seconds", number=self.number(round(seconds)))
        minutes, rest = divmod(round(seconds), 60)
        return self("unit.minutes_seconds", minutes=minutes, seconds=rest)

    def about(self, seconds: float) -> str:
        """Write an expected duration, rounded."""
        if seconds < 1.5:
            return self("unit.about_seconds", count=1)
        if seconds < 10:
            return self("unit.about_seconds", count=round(seconds))
        if seconds < 90:
            return self("unit.about_seconds", count=5 * round(seconds / 5))
        return self("unit.about_minutes", count=round(seconds / 60))


@cache
def texts(language: str) -> Texts:
    """Return the catalogue of a language, read once."""
    return Texts(language)


@cache
def catalogue(language: str) -> dict[str, str | dict[str, str]]:
    """Return all texts of a language by their dotted keys."""
    tree = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    if language == DEFAULT:
        # The client's errors have their English texts where they are raised.
        tree[ENDPOINT_REASON] = REASONS
    return dict(_flatten(tree, ""))


def _flatten(tree: Mapping[str, object], prefix: str) -> list[tuple[str, str | dict[str, str]]]:
    found: list[tuple[str, str | dict[str, str]]] = []
    for name, value in tree.items():
        if isinstance(value, str):
            found.append((prefix + name, value))
        elif isinstance(value, Mapping) and "other" in value:
            found.append((prefix + name, {form: str(text) for form, text in value.items()}))
        elif isinstance(value, Mapping):
            found += _flatten(value, f"{prefix}{name}.")
    return found


def language_from_locale(locale: str | None) -> str:
    """Return the language that fits a browser's locale, such as `de-CH`, best."""
    try:
        wanted = Locale.parse(locale or DEFAULT, sep="-")
    except (UnknownLocaleError, ValueError):
        return DEFAULT
    for offered in LANGUAGES:
        if Locale.parse(offered, sep="-").language == wanted.language:
            return offered
    return DEFAULT
