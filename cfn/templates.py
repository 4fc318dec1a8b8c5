"""The finished templates, put together from `cfn/parts` as text: comments and order are kept.

`{{name}}` in a part stands for a value, or for the text of the part of that name. A line whose
value is None, or which becomes empty, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from backend import __version__
from cfn import gateway
from cfn.variants import STACKS, Variant

HERE = Path(__file__).parent
PARTS = HERE / "parts"
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
)
STAMPED: Mapping[str, str | None] = {
    "artifactBucket": None,
    "artifactPrefix": None,
    "functionSha256": None,
    "modelsSha256": "",
}
"""Parameters whose defaults every packaging fills in, and what they are in a committed template."""
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")

Values = Mapping[str, str | None]


def render(variant: Variant, *, defaults: Mapping[str, str] | None = None) -> str:
    """The template's text; `defaults` are for the parameters in STAMPED."""
    values: dict[str, str | None] = {
        **STAMPED,
        **(defaults or {}),
        **variant.values,
        "version": __version__,
        "refusals": _each("refusal", (refusal.row for refusal in gateway.REFUSALS)),
        "refusal_names": ", ".join(refusal.name for refusal in gateway.REFUSALS),
        "deployments": _each("deployment", gateway.DEPLOYMENTS),
        "deployment_conditions": _each("deployment_condition", gateway.DEPLOYMENTS),
        "deployment_references": _each("deployment_reference", gateway.DEPLOYMENTS),
    }
    if "api" in variant.parts:
        values["api_digest"] = gateway.digest_from(
            _fill(_part("api"), {**values, "api_digest": ""})
        )
    sections: dict[str, list[str]] = {name: [] for name in SECTIONS}
    for name in variant.parts:
        for section, body in _sections(_fill(_part(name), values)).items():
            sections[section].append(body)
    texts = [_section(name, bodies) for name, bodies in sections.items() if bodies]
    return _part("head") + "\n".join(texts)


def default_parameters(variant: Variant) -> dict[str, str]:
    """Parameter -> its default in the committed template; those without one are left out."""
    parameters = _sections(render(variant))["Parameters"] + "\n"
    found = re.findall(r"^  (\w+):\n(?:    .*\n)*?    Default: (.*)$", parameters, re.MULTILINE)
    return {name: value.strip("'") for name, value in found}


def render_all(folder: Path) -> list[Path]:
    """Write every template; the paths."""
    paths = []
    for variant in STACKS.values():
        path = folder / variant.template
        path.write_text(render(variant), encoding="utf-8")
        paths.append(path)
    return paths


def _part(name: str) -> str:
    """KeyError when there is no such file."""
    path = PARTS / f"{name}.yaml"
    if not path.is_file():
        raise KeyError(name)
    return path.read_text(encoding="utf-8")


def _each(part: str, rows: Iterable[Values]) -> str:
    """The part once for each row; placeholders that the row does not have stay."""
    text = _part(part)

    def fill(row: Values) -> str:
        return _filled_once(text, lambda name: row.get(name, f"{{{{{name}}}}}"))

    blank = "\n" if "\n" in text.strip() else ""
    return blank.join(fill(row) for row in rows).rstrip("\n")


def _fill(text: str, values: Values) -> str:
    """KeyError for a placeholder that is neither a value nor a part."""

    def look_up(name: str) -> str | None:
        return values[name] if name in values else _part(name).rstrip("\n")

    while _PLACEHOLDER.search(text):
        text = _filled_once(text, look_up)
    return text


def _filled_once(text: str, look_up: Callable[[str], str | None]) -> str:
    lines = []
    for line in text.splitlines():
        found = {name: look_up(name) for name in _PLACEHOLDER.findall(line)}
        if None in found.values():
            continue
        filled = _PLACEHOLDER.sub(lambda match: found[match[1]] or "", line)  # noqa: B023
        if filled.strip() or filled == line:
            lines.append(filled.rstrip("\n"))
    return "\n".join(lines) + "\n"


def _sections(text: str) -> dict[str, str]:
    sections: dict[str, str] = {}
    for name, first, rest in re.findall(r"^([A-Za-z]+):(.*)\n((?:(?![A-Za-z]).*\n)*)", text, re.M):
        sections[name] = f"{first}\n{rest}".strip("\n")
    return sections


def _section(name: str, bodies: list[str]) -> str:
    """A scalar stays in its line; the bodies of a mapping follow each other."""
    if bodies[0].startswith(" ") and not bodies[0].startswith("  "):
        return f"{name}:{bodies[0]}\n"
    return f"{name}:\n" + "\n\n".join(body.strip("\n") for body in bodies) + "\n"
