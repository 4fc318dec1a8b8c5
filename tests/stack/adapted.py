"""A template without the types that ministack refuses."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REFUSED = (
    "AWS::EC2::EIP",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::WAFv2::WebACLAssociation",
)
"""The types of the Lambda stack that ministack 1.5.33 does not know."""


CHANGED = ("ModelFiles.Directory", "Function.SR_ALLOW_PRIVATE_SOURCES")


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """A template without what is refused, and a list of the rest."""

    template: dict[str, Any]
    dropped: tuple[str, ...]
    """Removed resources, with their types, and the resources that waited for them."""
    changed: tuple[str, ...]
    """Properties with another value."""


def adapted(template: dict[str, Any], *, mount: Path) -> Adapted:
    """Drop refused types and what refers to them, and put the networks into `mount`.

    ministack keeps a function's `FileSystemConfigs` to itself, and a test should not need to
    write to /mnt. Pictures of the web are on this machine, whose addresses are private ones.
    """
    made = copy.deepcopy(template)
    resources = made["Resources"]
    gone = {name for name, each in resources.items() if each["Type"] in REFUSED}
    while more := {name for name in resources.keys() - gone if _refers(resources[name], gone)}:
        gone |= more
    dropped = [f"{name} {resources.pop(name)['Type']}" for name in gone]
    for name, resource in resources.items():
        waits = resource.get("DependsOn", [])
        waits = [waits] if isinstance(waits, str) else waits
        if gone & set(waits):
            resource["DependsOn"] = [each for each in waits if each not in gone]
            dropped += [f"{name}.DependsOn {each}" for each in waits if each in gone]
    resources["ModelFiles"]["Properties"]["Directory"] = str(mount)
    variables = resources["Function"]["Properties"]["Environment"]["Variables"]
    variables["SR_ALLOW_PRIVATE_SOURCES"] = "1"
    return Adapted(template=made, dropped=tuple(sorted(dropped)), changed=CHANGED)


def _refers(resource: dict[str, Any], names: set[str]) -> bool:
    """Return whether a property is made of one of them; DependsOn alone only waits."""
    text = json.dumps(resource.get("Properties", {}))
    return any(
        re.search(rf'"Ref": "{name}"|"Fn::GetAtt": \["{name}"|\$\{{{name}[.}}]', text)
        for name in names
    )
