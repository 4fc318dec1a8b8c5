"""The CloudFormation templates, rendered from `cfn/parts` with Jinja2.

Each part has sections of a template (`Parameters`, `Resources`, ...); a variant names its parts,
and the same section of all of them becomes one. Comments stay. `snippets.yaml` has the text that
several parts share; parts call its macros as `s`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend import __version__
from backend.requests.reply import CORS_HEADERS
from cfn import gateway, variants
from cfn.variants import PACKAGE_NAMES, STACKS, Variant

HERE = Path(__file__).parent
RENDERED = HERE
"""The folder of the finished templates, which are kept to be read and compared."""
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
BOOTSTRAP = "bootstrap.yaml"
_PARTS = Environment(  # noqa: S701 - YAML, not HTML
    loader=FileSystemLoader(HERE / "parts"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)

PackageMapping = Mapping[str, Mapping[str, str]]
"""The mapping `Package` of a template: what it takes from S3, and from where."""


def not_packaged(variant: Variant) -> PackageMapping:
    """Return a mapping for a template that is only read."""
    files = {
        PACKAGE_NAMES[file]: {"Key": f"not-packaged/{file}", "Sha256": "not-packaged"}
        for file in variant.archives
    }
    return {"Bucket": {"Name": "not-packaged"}, **files}


def render(variant: Variant, package: PackageMapping | None = None) -> str:
    """Return the template's text, which takes its code and networks from `package`."""
    values: dict[str, Any] = {
        "variant": variant,
        "version": __version__,
        "package": package or not_packaged(variant),
        "refusals": gateway.REFUSALS,
        "states": gateway.STATES,
        "waits": gateway.WAITS,
        "cors_headers": CORS_HEADERS,
        "async_budget": variants.ASYNC_BUDGET,
        "api_digest": "",
    }
    values["s"] = _PARTS.get_template("snippets.yaml").make_module(values)
    if "api" in variant.parts:
        values["api_digest"] = _digest(_part("api", values))
    values["function_digest"] = _function_digest(variant, {**values, "function_digest": ""})
    made: dict[str, list[str]] = {name: [] for name in SECTIONS}
    for name in variant.parts:
        for section, body in sections(_part(name, values)).items():
            made[section].append(body)
    return "\n".join(_section(name, bodies) for name, bodies in made.items() if bodies)


def render_all(folder: Path) -> list[Path]:
    """Write every template, as it is before packaging, and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {variant.template: render(variant) for variant in STACKS.values()}
    texts[BOOTSTRAP] = render_bootstrap()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in texts]


def render_bootstrap() -> str:
    """Return the template that fetches a release and deploys it; it needs no package."""
    from cfn.policy import documents  # noqa: PLC0415 - which reads templates

    rights = {
        name: [json.dumps(each) for each in documents(STACKS[name])]
        for name in ("lambda", "gpu", "bulk")
    }
    return _PARTS.get_template(BOOTSTRAP).render(version=__version__, rights=rights)


def _part(name: str, values: Mapping[str, Any]) -> str:
    return _PARTS.get_template(f"{name}.yaml").render(values)


def _function_digest(variant: Variant, values: Mapping[str, Any]) -> str:
    """Return a digest of the template's own description of the function, without parameters."""
    (function,) = re.findall(
        r"^  Function:\n((?:   .*\n|\n)+)",
        "".join(_part(name, values) for name in variant.parts),
        re.MULTILINE,
    )
    return _digest(function + repr([seconds for seconds, _ in gateway.WAITS.values()]))


def _digest(text: str) -> str:
    """Return eight digits for a text without its comments and empty lines."""
    lines = (line.rstrip() for line in text.splitlines())
    told = [line for line in lines if line and not line.lstrip().startswith("#")]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:8]


def sections(text: str) -> dict[str, str]:
    """Return the text of each section of a template or a part by its name."""
    found: dict[str, str] = {}
    for name, first, rest in re.findall(r"^([A-Za-z]+):(.*)\n((?:(?![A-Za-z]).*\n)*)", text, re.M):
        found[name] = f"{first}\n{rest}".strip("\n")
    return found


def _section(name: str, bodies: list[str]) -> str:
    """Return a section of the template; a scalar stays in the line of its name."""
    if bodies[0].startswith(" ") and not bodies[0].startswith("  "):
        return f"{name}:{bodies[0]}\n"
    return f"{name}:\n" + "\n\n".join(body.strip("\n") for body in bodies) + "\n"
