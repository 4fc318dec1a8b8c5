"""The parameters of the templates, with the values that CloudFormation would take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cfn import templates
from cfn.variants import Variant

ATTRIBUTE = re.compile(r"^    (\w+):(.*)\n((?:      .*\n)*)", re.MULTILINE)
NUMBER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter as the template declares it."""

    name: str
    about: Mapping[str, str]
    """Attributes such as `AllowedPattern`, as text; a list has a line for each item."""

    @property
    def default(self) -> str | None:
        """The default; None for a parameter that must be given."""
        return self.about.get("Default")

    def refusal(self, value: str) -> str:
        """Return what CloudFormation would say against the value; empty if it takes it."""
        allowed = self.about.get("AllowedValues", value).split("\n")
        if value not in allowed:
            return f"{self.name} may not be '{value}'; it is one of {', '.join(allowed)}"
        if self.about["Type"] == "Number":
            return self._refusal_of_number(value)
        if not re.fullmatch(self.about.get("AllowedPattern", ".*"), value):
            told = (
                self.about.get("ConstraintDescription") or f"is this: {self.about['Description']}"
            )
            return f"{self.name} may not be '{value}'; it {told}"
        most = int(self.about.get("MaxLength", 4096))
        return f"{self.name} has more than {most} characters" if len(value) > most else ""

    def _refusal_of_number(self, value: str) -> str:
        least, most = (int(self.about.get(name, 0)) for name in ("MinValue", "MaxValue"))
        if NUMBER.fullmatch(value) and (not most or least <= int(value) <= most):
            return ""
        return f"{self.name} may not be '{value}'; it is a whole number from {least} to {most}"


def declared_parameters(variant: Variant) -> dict[str, Parameter]:
    """Return the parameters of the variant's template by name."""
    section = templates.sections(templates.render(variant))["Parameters"] + "\n"
    found = re.findall(r"^  (\w+):\n((?:    .*\n)+)", section, re.MULTILINE)
    return {
        name: Parameter(
            name=name,
            about={key: _text(first, rest) for key, first, rest in ATTRIBUTE.findall(about)},
        )
        for name, about in found
    }


def default_parameters(variant: Variant) -> dict[str, str | None]:
    """Return every parameter of the template with its default; None where it has none."""
    return {name: each.default for name, each in declared_parameters(variant).items()}


def _text(first: str, rest: str) -> str:
    """Return a scalar of YAML in its line or folded, or the items of a list in lines."""
    first = first.strip()
    lines = [line.strip() for line in rest.splitlines() if not line.lstrip().startswith("#")]
    if first == ">-":
        return " ".join(lines)
    if first.startswith("["):
        lines = [f"- {each.strip()}" for each in first.strip("[]").split(",")]
    if lines:
        return "\n".join(_plain(line.removeprefix("- ")) for line in lines)
    return _plain(first)


def _plain(scalar: str) -> str:
    """Return a scalar without its quotation marks."""
    is_quoted = len(scalar) > 1 and scalar[0] == scalar[-1] == "'"
    return scalar[1:-1].replace("''", "'") if is_quoted else scalar
