"""Rules of AWS that no linter or emulator checks, each with its source.

A rule takes an evaluated stack and names what AWS would refuse or do otherwise than the template
means. `broken` applies all rules to a stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.cfn.resolver import Stack

ARN = re.compile(r"^arn:[a-z-]+:[a-z0-9]+:[a-z0-9-]*:\d*:")
"""The part of an ARN before its resource."""
IAM_TEXT = re.compile(r"[\t\n\r\x20-\xff]*")
LIMIT_OF_INPUT = 262_144
"""Bytes of the input of a state (docs: Step Functions, quotas)."""
LONGEST_KEY = 1024
ADAPTER_SECONDS = 300
"""The longest call of AWS's image for Ray Serve, unless RAYSERVE_BACKEND_TIMEOUT says otherwise."""
ARTIFACTS = "artifacts"
ACCOUNTS_OF_IMAGES = {
    "us-east-1": "763104351884",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "us-gov-west-1": "442386744353",
}


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A feature that AWS does not offer everywhere."""

    name: str
    source: str
    is_used: Callable[[Stack], bool]
    partitions: tuple[str, ...]
    """The partitions that have it."""


def _has(kind: str, test: Callable[[dict[str, Any]], bool]) -> Callable[[Stack], bool]:
    return lambda stack: any(test(each) for each in stack.of_type(kind).values())


FEATURES = (
    Feature(
        name="X-Ray of Lambda functions",
        source="docs.amazonaws.cn, userguide/lambda: not available in the China Regions",
        is_used=_has("AWS::Lambda::Function", lambda each: "TracingConfig" in each),
        partitions=("aws", "aws-us-gov"),
    ),
    Feature(
        name="SnapStart for Python",
        source="docs.amazonaws.cn, userguide/lambda: not available in the China Regions",
        is_used=_has("AWS::Lambda::Function", lambda each: "SnapStart" in each),
        partitions=("aws",),
    ),
    Feature(
        name="JSON logs of Lambda functions",
        source="GovCloud user guide, AWS Lambda: JSON log formatting is not available",
        is_used=_has(
            "AWS::Lambda::Function",
            lambda each: (
                "ApplicationLogLevel" in each.get("LoggingConfig", {})
                or each.get("LoggingConfig", {}).get("LogFormat") == "JSON"
            ),
        ),
        partitions=("aws", "aws-cn"),
    ),
    Feature(
        name="the metric of requests at one time",
        source="SageMaker's page on high-resolution metrics names no region of China",
        is_used=_has(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            lambda each: "HighResolution" in json.dumps(each),
        ),
        partitions=("aws", "aws-us-gov"),
    ),
    Feature(
        name="Inferentia",
        source="SageMaker's price list: no ml.inf in China and GovCloud",
        is_used=_has("AWS::SageMaker::EndpointConfig", lambda each: ".inf" in json.dumps(each)),
        partitions=("aws",),
    ),
)


def not_offered(stack: Stack) -> list[str]:
    """Return the features that the stack uses where they do not exist."""
    return [
        f"{feature.name} in {stack.region.partition}"
        for feature in FEATURES
        if feature.is_used(stack) and stack.region.partition not in feature.partitions
    ]


def statements(stack: Stack, role: str) -> list[dict[str, Any]]:
    """Return the role's permissions, with actions and resources as lists."""
    attached = [
        policy
        for policy in stack.of_type("AWS::IAM::Policy").values()
        if f"<{role}>" in policy["Roles"]
    ]
    return [
        {**each, "Action": _listed(each["Action"]), "Resource": _listed(each["Resource"])}
        for policy in [*stack.properties(role).get("Policies", []), *attached]
        for each in policy["PolicyDocument"]["Statement"]
    ]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def missing_keys_look_forbidden(stack: Stack) -> Iterator[str]:
    """Callers who may not list get 403 for a missing key (S3, GetObject, Permissions)."""
    for role in stack.of_type("AWS::IAM::Role"):
        found = statements(stack, role)
        listed = {
            resource
            for each in found
            if "s3:ListBucket" in each["Action"] and "Condition" not in each
            for resource in each["Resource"]
        }
        read = {
            resource.partition("/")[0]
            for each in found
            if "s3:GetObject" in each["Action"]
            for resource in each["Resource"]
            if re.match(r"arn:aws[a-z-]*:s3:::", resource) and not resource.endswith("/_bulk/*")
        }
        for bucket in read - listed:
            if not bucket.endswith(f":::{ARTIFACTS}"):
                yield f"{role} may not list {bucket}: a missing key is answered with 403"


def busy_functions_look_like_faults(stack: Stack) -> Iterator[str]:
    """Lambda's 429 reaches the caller as INTEGRATION_FAILURE (API Gateway, gateway responses)."""
    responses = stack.of_type("AWS::ApiGateway::GatewayResponse").values()
    by_type = {each["ResponseType"]: each for each in responses}
    if not by_type:
        return
    response = by_type.get("INTEGRATION_FAILURE", {})
    header = response.get("ResponseParameters", {}).get("gatewayresponse.header.Retry-After")
    if (response.get("StatusCode"), bool(header)) != ("503", True):
        yield "no free function is answered like a fault, without Retry-After"


def adapter_ends_calls_early(stack: Stack) -> Iterator[str]:
    """AWS's adapter waits 300 s (deep-learning-containers #6533; settable since v1.4)."""
    for name, model in stack.of_type("AWS::SageMaker::Model").items():
        environment = model["PrimaryContainer"]["Environment"]
        budget = float(environment["SR_TIME_BUDGET_SECONDS"])
        waits = float(environment.get("RAYSERVE_BACKEND_TIMEOUT", ADAPTER_SECONDS))
        if waits < budget:
            yield f"{name} is ended after {waits:.0f} s of {budget:.0f}"


def image_floats(stack: Stack) -> Iterator[str]:
    """`v1` went from Ray 2.54 to 2.59 within half a year; v1.4 is the first to take a timeout."""
    for name, model in stack.of_type("AWS::SageMaker::Model").items():
        image = model["PrimaryContainer"]["Image"]
        if "/ray:" in image and not re.search(r"-v1\.(?:[4-9]|\d\d)$", image):
            yield f"{name} runs {image.rpartition('/')[2]}, which is another one tomorrow"


def evidence_is_rolled_back(stack: Stack) -> Iterator[str]:
    """A rollback deletes by DeletionPolicy; only Retain keeps a log (CloudFormation guide)."""
    for name in ("LoaderLog", "EndpointLog", "AsyncLog"):
        if name in stack.resources and stack.resources[name]["DeletionPolicy"] != "Retain":
            yield f"a failed creation deletes {name}"


def account_wide_role_is_replaced(stack: Stack) -> Iterator[str]:
    """AWS::ApiGateway::Account is one for a region; CDK turned its default off for that reason."""
    if not stack.of_type("AWS::ApiGateway::Account"):
        return
    is_asked_for = stack.parameters["accessLog"] == "create-role" and "accessLog" in stack.given
    if not is_asked_for:
        yield "the account's role for logs is replaced without having been asked for"


def tracing_lacks_rights(stack: Stack) -> Iterator[str]:
    """Step Functions asks X-Ray for sampling rules (guide: X-Ray and Step Functions)."""
    wanted = {"PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"}
    for name, machine in stack.of_type("AWS::StepFunctions::StateMachine").items():
        role = machine["RoleArn"].strip("<>").removesuffix(".Arn")
        allowed = {action for each in statements(stack, role) for action in each["Action"]}
        if machine["TracingConfiguration"]["Enabled"] and (
            missing := {f"xray:{each}" for each in wanted} - allowed
        ):
            yield f"{name} may not {sorted(missing)}"


def batches_are_too_large(stack: Stack) -> Iterator[str]:
    """A batch, with what its items share, is a state's input (guide: ItemBatcher; quotas)."""
    for machine in stack.of_type("AWS::StepFunctions::StateMachine").values():
        for name, state in json.loads(machine["DefinitionString"])["States"].items():
            if state["Type"] != "Map":
                continue
            selected = dict.fromkeys(state["ItemSelector"], "x" * LONGEST_KEY)
            batcher = state["ItemBatcher"]
            size = len(json.dumps(selected)) * 1000
            limit = batcher.get("MaxInputBytesPerBatch", float("inf"))
            if min(size, limit) > LIMIT_OF_INPUT:
                yield f"{name}: a batch may have {size} bytes"
            if any("job" in key for key in state["ItemSelector"]):
                yield f"{name}: the job is in every item"


def map_lacks_rights(stack: Stack) -> Iterator[str]:
    """A distributed map starts, stops and redrives its batches and writes a report with its role.

    Guide: IAM policies for using Distributed Map states.
    """
    for name, machine in stack.of_type("AWS::StepFunctions::StateMachine").items():
        role = machine["RoleArn"].strip("<>").removesuffix(".Arn")
        runs = f"execution:<{name}.Name>"
        wanted = {
            ("states:StartExecution", f"<{name}>"),
            *((f"states:{each}Execution", f"{runs}:batch") for each in ("Describe", "Stop")),
            ("states:RedriveExecution", f"{runs}/batch"),
        }
        for state in json.loads(machine["DefinitionString"])["States"].values():
            if state["Type"] == "Map":
                place = state["ResultWriter"]["Parameters"]
                report = f"{place['Bucket']}/{place['Prefix']}/manifest.json"
                wanted |= {
                    (f"s3:{each}", report)
                    for each in (
                        *("PutObject", "GetObject"),
                        *("ListMultipartUploadParts", "AbortMultipartUpload"),
                    )
                }
        allowed = [
            (action, ARN.sub("", resource))
            for each in statements(stack, role)
            for action in each["Action"]
            for resource in each["Resource"]
        ]
        for action, resource in sorted(wanted):
            if not any(action == may and fnmatchcase(resource, on) for may, on in allowed):
                yield f"{role} may not {action} on {resource}"


def states_share_a_name(stack: Stack) -> Iterator[str]:
    """A state's name is unique in the whole machine (States Language; DUPLICATE_STATE_NAME)."""
    for machine in stack.of_type("AWS::StepFunctions::StateMachine").values():
        names = list(_state_names(json.loads(machine["DefinitionString"])))
        for name in sorted({each for each in names if names.count(each) > 1}):
            yield f"the state {name} is there {names.count(name)} times"


def _state_names(machine: dict[str, Any]) -> Iterator[str]:
    for name, state in machine["States"].items():
        yield name
        if "ItemProcessor" in state:
            yield from _state_names(state["ItemProcessor"])


def zones_cannot_be_chosen(stack: Stack) -> Iterator[str]:
    """The first zones of a region may be without EFS (use1-az3 has none)."""
    wanted = stack.parameters.get("availabilityZones", "")
    zones = {each["AvailabilityZone"] for each in stack.of_type("AWS::EC2::Subnet").values()}
    if zones and set(wanted.split(",")) != zones:
        yield f"subnets are in {sorted(zones)}, whatever zones have EFS"


def policies_have_other_letters(stack: Stack) -> Iterator[str]:
    """IAM takes no letter above U+00FF in a policy (PutRolePolicy, PolicyDocument)."""
    for role in stack.of_type("AWS::IAM::Role"):
        text = json.dumps(statements(stack, role), ensure_ascii=False)
        if not IAM_TEXT.fullmatch(text):
            yield f"{role} has a policy that IAM refuses"


def outputs_are_read_back_otherwise(stack: Stack) -> Iterator[str]:
    """DescribeStacks has `?` for letters outside ASCII (cloudformation-coverage-roadmap #814)."""
    for name, value in stack.outputs.items():
        if not str(value).isascii():
            read = str(value).encode("ascii", "replace").decode()
            yield f"the output {name} is read back as {read}"


def image_is_elsewhere(stack: Stack) -> Iterator[str]:
    """Each region has its own account of AWS's containers (SageMaker Python SDK, image_uris)."""
    account = ACCOUNTS_OF_IMAGES[stack.region.name]
    for name, model in stack.of_type("AWS::SageMaker::Model").items():
        image = model["PrimaryContainer"]["Image"]
        host = f"{account}.dkr.ecr.{stack.region.name}.{stack.region.suffix}"
        if "/ray:" in image and not image.startswith(f"{host}/"):
            yield f"{name}: {image} is not in the account {account} of the region"


RULES = (
    not_offered,
    missing_keys_look_forbidden,
    busy_functions_look_like_faults,
    adapter_ends_calls_early,
    image_floats,
    evidence_is_rolled_back,
    account_wide_role_is_replaced,
    tracing_lacks_rights,
    batches_are_too_large,
    map_lacks_rights,
    states_share_a_name,
    zones_cannot_be_chosen,
    policies_have_other_letters,
    outputs_are_read_back_otherwise,
    image_is_elsewhere,
)


def broken(stack: Stack) -> list[str]:
    """Return what AWS would refuse, or do otherwise than the template means."""
    return [found for rule in RULES for found in rule(stack)]
