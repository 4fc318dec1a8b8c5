"""The options of a request, each declared once.

A field of `UpscaleOptions` declares how its value is read, what it means, and its default. JSON,
raw bodies, the command line, bulk runs and remote engines all derive from these declarations.
"""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import RequestError, UnknownModelError, UnsupportedScaleError, alternatives
from backend.images.formats import WRITABLE
from backend.sizes import ExactSize

AUTO = "auto"
"""The value for which the program chooses model, format or cleanup from the picture."""
SCALES = (1, 2, 4)
KEPT = ("dpi", "date", "copyright")
"""The kinds of the source's metadata that a result can keep."""
MAX_DIGITS = 6
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A surrogate, which JSON can contain and text cannot."""


class Reader(ABC):
    """The reader and writer of one option's values."""

    values: str
    """The accepted values, in words."""
    syntax: str
    """The same for a usage line."""

    @abstractmethod
    def read(self, name: str, value: object) -> object:
        """Return the option's value; raise RequestError for one that is not accepted."""

    def write(self, value: Any) -> str | int | None:
        """Return what `read` accepts; None if the value need not be sent."""
        written: str | int | None = value
        return written

    def error(self, name: str) -> RequestError:
        """Make the error for a value that is not accepted."""
        return RequestError(f"'{name}' is {self.values}.", field=name)


class WholeNumber(Reader):
    """A number from `least` to `most`, as a number or in digits, or one of a few words."""

    def __init__(
        self, *, least: int, most: int, words: Mapping[str, int | None] | None = None
    ) -> None:
        self.least = least
        self.most = most
        self._words = words or {}
        self.values = alternatives([*self._words, f"a whole number from {least} to {most}"])
        self.syntax = "|".join([*self._words, f"{least}-{most}"])

    def read(self, name: str, value: object) -> int | None:
        if isinstance(value, str) and value in self._words:
            return self._words[value]
        number = whole_number(value)
        if number is None or not self.least <= number <= self.most:
            raise self.error(name)
        return number


class Scale(Reader):
    """One of the scales that a network may have."""

    values = alternatives(SCALES)
    syntax = "|".join(map(str, SCALES))

    def read(self, name: str, value: object) -> int:
        """See `Reader`; UnsupportedScaleError for another number."""
        number = whole_number(value)
        if number is None:
            raise self.error(name)
        if number not in SCALES:
            raise UnsupportedScaleError(number, allowed=SCALES)
        return number


class Text(Reader):
    """A string that is not empty."""

    values = "a string that is not empty"
    syntax = "NAME"

    def read(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self.error(name)
        if not value.isascii() and HALF_CHARACTER.search(value):
            raise RequestError(f"'{name}' holds half a character.", field=name)
        return value


class Choice(Reader):
    """One of several words, some of which may have a second spelling."""

    def __init__(self, names: Sequence[str], aliases: Mapping[str, str] | None = None) -> None:
        self.names = names
        self.aliases = aliases or {}
        self.values = alternatives(names)
        self.syntax = "|".join(names)

    def read(self, name: str, value: object) -> str:
        if isinstance(value, str):
            value = self.aliases.get(value, value)
            if value in self.names:
                return value
        raise RequestError.not_one_of(name, self.names)


class Words(Reader):
    """`all`, `none`, or some of several words with commas between them; `all` need not be sent."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self.values = f"all, none, or some of {', '.join(names)} with commas between them"
        self.syntax = f"all|none|{','.join(names)}"

    def read(self, name: str, value: object) -> tuple[str, ...]:
        """See `Reader`; the words are in the order of the declaration."""
        if value == "all":
            return self._names
        if value == "none":
            return ()
        given = [word.strip(" ") for word in value.split(",")] if isinstance(value, str) else [""]
        if not set(given) <= set(self._names):
            raise self.error(name)
        return tuple(word for word in self._names if word in given)

    def write(self, value: Sequence[str]) -> str | None:
        return None if tuple(value) == self._names else ",".join(value) or "none"


def option(reader: Reader, meaning: str, *, default: object = None, without: str = "") -> Any:
    """Declare a field of a request; `without` says what its absence means."""
    metadata = {"reader": reader, "meaning": meaning, "without": without or f"{default}"}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One declared field."""

    name: str
    default: object
    reader: Reader
    meaning: str
    without: str

    def read(self, value: object) -> object:
        """Return the checked value, or the default for None; raise RequestError for a wrong one."""
        return self.default if value is None else self.reader.read(self.name, value)


def declared(cls: type) -> dict[str, Option]:
    """Return the options that a dataclass declares, by name."""
    return {
        each.name: Option(name=each.name, default=each.default, **each.metadata)
        for each in dataclasses.fields(cls)
        if "reader" in each.metadata
    }


def _qualities() -> str:
    lossy = [each for each in WRITABLE if each.default_quality is not None]
    return ", ".join(f"{each.label} {each.default_quality}" for each in lossy)


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """The options for one picture, which every caller of every transport may send."""

    scale: int = option(
        Scale(),
        "How many times as wide and as high; 1 cleans without enlarging, where a model does it.",
        default=2,
    )
    model: str | None = option(
        Text(),
        "A model of the installed networks, or auto, which chooses by the picture.",
        without="the setting SR_MODEL",
    )
    format: str = option(
        Choice(
            (AUTO, *(each.name for each in WRITABLE)),
            {each.suffix.removeprefix("."): each.name for each in WRITABLE},
        ),
        "The file format of the result; auto keeps the kind that the picture has.",
        default=AUTO,
    )
    quality: int | None = option(
        WholeNumber(least=1, most=100),
        "How closely a format with loss keeps to the pixels; a higher number makes a larger file.",
        without=_qualities(),
    )
    cleanup: int | None = option(
        WholeNumber(least=0, most=100, words={AUTO: None, "off": 0}),
        "How much JPEG damage is removed; auto is estimated from the file.",
        without=AUTO,
    )
    detail: int | None = option(
        WholeNumber(least=0, most=100),
        "From 0 natural to 100 vivid, for models that have the choice.",
        without="the model's own",
    )
    keep: tuple[str, ...] = option(
        Words(KEPT),
        "What the result keeps of the picture's metadata; place, camera and serial numbers never.",
        default=KEPT,
        without="all",
    )
    size: ExactSize | None = None
    """The result's exact size, in place of `scale`; requests cannot name one."""


OPTIONS = declared(UpscaleOptions)
"""The declared options by name."""


def read_options(fields: Mapping[str, object]) -> UpscaleOptions:
    """Return the options among a request's fields; RequestError for a wrong value."""
    return UpscaleOptions(**read_fields(OPTIONS, fields))


def read_fields(declared: Mapping[str, Option], fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the declared fields, with defaults for those that are missing or None."""
    return {name: each.read(fields.get(name)) for name, each in declared.items()}


def fields_from(options: UpscaleOptions) -> dict[str, str | int]:
    """Return the fields of a request for these options, without defaults.

    Raise RequestError for what no field can express.
    """
    if options.size is not None:
        raise RequestError("An exact size can be made by the engine of this computer only.")
    written = {name: each.reader.write(getattr(options, name)) for name, each in OPTIONS.items()}
    return {name: value for name, value in written.items() if value is not None}


def check_names(fields: Mapping[str, object], known: Sequence[str]) -> None:
    """Raise RequestError for a field of another name."""
    unknown = sorted(str(name)[:40] for name in fields if name not in known)
    if unknown:
        raise RequestError(
            f"Unknown field '{unknown[0]}'; the fields are {', '.join(known)}.",
            field=unknown[0],
        )


def check_model(models: Mapping[str, Sequence[int]], *, name: str, scale: int) -> None:
    """Raise UnknownModelError or UnsupportedScaleError unless the model has the scale."""
    if name not in models:
        raise UnknownModelError(name, known=list(models))
    if scale not in models[name]:
        raise UnsupportedScaleError(scale, allowed=models[name])


def whole_number(value: object) -> int | None:
    """Return an integer, or a short string of plain digits as v1.0's callers send; else None.

    2.0 is an integer, as in JSON Schema.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return value if abs(value) < 10**MAX_DIGITS else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        return int(value)
    return None
