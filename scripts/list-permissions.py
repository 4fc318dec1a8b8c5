"""Write cfn/permissions.json: the rights that CloudFormation needs for each type of resource.

They are in the schemas that cfn-lint has of AWS's resource types. The argument is the folder of
cfn-lint's environment, as .tools/cfn-lint.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from cfn import templates
from cfn.variants import STACKS

TARGET = Path(__file__).parent.parent / "cfn" / "permissions.json"


def permissions(environment: Path) -> dict[str, list[str]]:
    """Return type -> actions, for every type that a template has."""
    (data,) = environment.glob("lib/python3.*/site-packages/cfnlint/data/schemas")
    index = json.loads((data / "providers" / "us-east-1.json").read_text())
    rendered = "".join(templates.render(variant) for variant in STACKS.values())
    found = {}
    for kind in sorted(set(re.findall(r"^    Type: (AWS::\w+::\w+)", rendered, re.MULTILINE))):
        schema = json.loads((data / "resources" / f"{index[kind]}.json").read_text())
        actions = {
            each for handler in schema["handlers"].values() for each in handler["permissions"]
        }
        found[kind] = sorted(actions)
    return found


if __name__ == "__main__":
    TARGET.write_text(json.dumps(permissions(Path(sys.argv[1])), indent=1) + "\n")
