"""Templates evaluated as CloudFormation does it: parameters, conditions and functions."""

from __future__ import annotations

import ipaddress
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ACCOUNT = "123456789012"
GUID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
NO_VALUE = object()


@dataclass(frozen=True)
class Region:
    """A region, with what CloudFormation calls it."""

    name: str
    partition: str
    suffix: str


US = Region("us-east-1", "aws", "amazonaws.com")
BEIJING = Region("cn-north-1", "aws-cn", "amazonaws.com.cn")
NINGXIA = Region("cn-northwest-1", "aws-cn", "amazonaws.com.cn")
GOVCLOUD = Region("us-gov-west-1", "aws-us-gov", "amazonaws.com")


class _Loader(yaml.CSafeLoader):
    """A YAML loader with CloudFormation's short forms; a duplicate key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"written twice: {sorted(twice)}")
        return super().construct_mapping(node, deep)


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)


def load(text: str) -> dict[str, Any]:
    """Load a template's YAML, with short forms as long ones."""
    loaded: dict[str, Any] = pickle.loads(_parsed(text))
    return loaded


@cache
def _parsed(text: str) -> bytes:
    """Return it pickled, so that each caller gets its own copy."""
    return pickle.dumps(yaml.load(text, _Loader))


def load_file(path: Path) -> dict[str, Any]:
    """Load a template."""
    return load(path.read_text(encoding="utf-8"))


class RuleError(Exception):
    """An assertion of the section Rules failed."""


class Stack:
    """A template in a region, with parameters.

    A resource's reference is `<Name>` and its attribute `<Name.Attribute>`, so that values that
    only AWS knows can be recognized.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        region: Region = US,
        *,
        check_rules: bool = True,
        **parameters: str,
    ) -> None:
        self._template = template
        self.region = region
        declared = template.get("Parameters", {})
        unknown = set(parameters) - set(declared)
        assert not unknown, f"no such parameters: {unknown}"
        self.given = set(parameters)
        self.parameters = {
            name: str(parameters.get(name, about.get("Default", f"<{name}>")))
            for name, about in declared.items()
        }
        for name, value in parameters.items():
            _check_parameter(name, value, declared[name])
        self.conditions: dict[str, bool] = {}
        for name in template.get("Conditions", {}):
            self._condition(name)
        if check_rules:
            self._check_rules()
        self.resources: dict[str, dict[str, Any]] = {
            name: {
                key: value if key == "DependsOn" else self.value(value)
                for key, value in resource.items()
                if key != "Metadata"
            }
            for name, resource in template["Resources"].items()
            if self._is_there(resource)
        }
        self.outputs: dict[str, Any] = {
            name: self.value(output["Value"])
            for name, output in template.get("Outputs", {}).items()
            if self._is_there(output)
        }

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of a resource."""
        found: dict[str, Any] = self.resources[name].get("Properties", {})
        return found

    def of_type(self, type: str) -> dict[str, dict[str, Any]]:
        """Return the properties of a type's resources, by name."""
        return {
            name: self.properties(name)
            for name, resource in self.resources.items()
            if resource["Type"] == type
        }

    def needs(self, name: str) -> set[str]:
        """Return every resource that is made before this one, and deleted after it."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            resource = self.resources[waiting.pop()]
            direct = resource.get("DependsOn", [])
            named = {direct} if isinstance(direct, str) else set(direct)
            named |= set(re.findall(r"<(\w+)(?:\.[\w.]+)?>", repr(resource)))
            new = (named & set(self.resources)) - found
            found |= new
            waiting += new
        return found

    def _is_there(self, entry: Mapping[str, Any]) -> bool:
        return "Condition" not in entry or self.conditions[entry["Condition"]]

    def _condition(self, name: str) -> bool:
        if name not in self.conditions:
            self.conditions[name] = bool(self.value(self._template["Conditions"][name]))
        return self.conditions[name]

    def _check_rules(self) -> None:
        for name, rule in self._template.get("Rules", {}).items():
            if "RuleCondition" in rule and not self.value(rule["RuleCondition"]):
                continue
            for each in rule["Assertions"]:
                if not self.value(each["Assert"]):
                    raise RuleError(f"{name}: {each['AssertDescription']}")

    def value(self, node: Any) -> Any:
        """Return a part without functions; `AWS::NoValue` removes its key or item."""
        if isinstance(node, list):
            return [v for each in node if (v := self.value(each)) is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            key, argument = next(iter(node.items()))
            if key == "Ref":
                return self._ref(argument)
            if key == "Condition" and isinstance(argument, str) and argument in self._known():
                return self._condition(argument)
            if key.startswith("Fn::"):
                return getattr(self, "_" + key.removeprefix("Fn::").lower())(argument)
        return {k: v for k, each in node.items() if (v := self.value(each)) is not NO_VALUE}

    def _known(self) -> set[str]:
        return set(self._template.get("Conditions", {}))

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::Region": self.region.name,
            "AWS::Partition": self.region.partition,
            "AWS::URLSuffix": self.region.suffix,
            "AWS::AccountId": ACCOUNT,
            "AWS::StackName": "pictures",
            "AWS::StackId": (
                f"arn:{self.region.partition}:cloudformation:{self.region.name}:{ACCOUNT}"
                f":stack/pictures/{GUID}"
            ),
            "AWS::NoValue": NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        self._check_exists(name)
        return f"<{name}>"

    def _check_exists(self, name: str) -> None:
        resource = self._template["Resources"][name]
        assert self._is_there(resource), f"{name} does not exist in this stack"

    def _getatt(self, argument: list[str]) -> str:
        self._check_exists(argument[0])
        return f"<{'.'.join(argument)}>"

    def _sub(self, argument: Any) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})

        def fill(found: re.Match[str]) -> str:
            name = found[1]
            if name in given:
                return str(self.value(given[name]))
            if "." in name:
                return self._getatt(name.split(".", 1))
            return str(self._ref(name))

        return re.sub(r"\$\{([^!}]+)\}", fill, text)

    def _if(self, argument: list[Any]) -> Any:
        name, yes, no = argument
        return self.value(yes if self._condition(name) else no)

    def _join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(map(str, self.value(argument[1])))

    def _split(self, argument: list[Any]) -> list[str]:
        return str(self.value(argument[1])).split(argument[0])

    def _select(self, argument: list[Any]) -> Any:
        return self.value(argument[1])[int(self.value(argument[0]))]

    def _findinmap(self, argument: list[Any]) -> Any:
        name, first, second = (self.value(each) for each in argument)
        return self._template["Mappings"][name][first][second]

    def _getazs(self, argument: Any) -> list[str]:
        return [f"{self.region.name}{zone}" for zone in "ab"]

    def _cidr(self, argument: list[Any]) -> list[str]:
        block, count, bits = (self.value(each) for each in argument)
        parts = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [str(next(parts)) for _ in range(int(count))]

    def _equals(self, argument: list[Any]) -> bool:
        first, second = (str(self.value(each)) for each in argument)
        return first == second

    def _not(self, argument: list[Any]) -> bool:
        return not self.value(argument[0])

    def _and(self, argument: list[Any]) -> bool:
        return all(self.value(each) for each in argument)

    def _or(self, argument: list[Any]) -> bool:
        return any(self.value(each) for each in argument)

    def _contains(self, argument: list[Any]) -> bool:
        values, wanted = (self.value(each) for each in argument)
        return wanted in values


def _check_parameter(name: str, value: str, about: Mapping[str, Any]) -> None:
    """Refuse a value that CloudFormation would refuse before it begins."""
    pattern = about.get("AllowedPattern")
    refusal = about.get("ConstraintDescription", f"may not be '{value}'")
    assert pattern is None or re.fullmatch(pattern, value), f"{name} {refusal}"
    allowed = [str(each) for each in about.get("AllowedValues", [])]
    assert not allowed or value in allowed, f"{name} may not be '{value}'"
    assert len(value) <= about.get("MaxLength", 4096), f"{name} is too long"
