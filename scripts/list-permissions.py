"""Write cfn/permissions.json: the rights that CloudFormation needs for each type of resource.

They are in the schemas that cfn-lint has of AWS's resource types; some name actions that IAM does
not have, which are left out. The argument is the folder of cfn-lint's environment, as
.tools/cfn-lint.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfn import templates
from cfn.variants import STACKS

TARGET = Path(__file__).parent.parent / "cfn" / "permissions.json"


def permissions(environment: Path) -> dict[str, list[str]]:
    """Return type -> actions, for every type that a template has."""
    (linter,) = environment.glob("lib/python3.*/site-packages/cfnlint/data")
    data = linter / "schemas"
    index = json.loads((data / "providers" / "us-east-1.json").read_text())
    services = json.loads((linter / "AdditionalSpecs" / "Policies.json").read_text())
    rendered = "".join(templates.render(variant) for variant in STACKS.values())
    found = {}
    for kind in sorted(set(re.findall(r"^    Type: (AWS::\w+::\w+)", rendered, re.MULTILINE))):
        schema = json.loads((data / "resources" / f"{index[kind]}.json").read_text())
        actions = {
            each for handler in schema["handlers"].values() for each in handler["permissions"]
        }
        found[kind] = sorted(each for each in actions if is_known(each, services))
    return found


def is_known(action: str, services: Mapping[str, Any]) -> bool:
    """Return whether IAM has the action."""
    service, _, name = action.partition(":")
    return name.lower() in services.get(service, {}).get("Actions", {})


if __name__ == "__main__":
    TARGET.write_text(json.dumps(permissions(Path(sys.argv[1])), indent=1) + "\n")
