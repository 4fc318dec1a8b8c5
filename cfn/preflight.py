"""Checks for what would stop a deployment, before anything is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cfn.account import AWS_ERRORS, Account, explained
from cfn.console import print_line
from cfn.errors import DeploymentError
from cfn.parameters import Parameter
from cfn.partitions import AWS, CHINA, GOVCLOUD
from cfn.upload import check_bucket
from cfn.variants import GPU, INF, Variant

FEW_FUNCTIONS = 10
"""Concurrent functions of a new account."""
ZONES_WITHOUT_EFS = ("use1-az3",)
"""Ids of availability zones in which EFS has no mount targets."""
DEFAULT_MEMORY_LIMIT = 3008
"""MB of a function in a new account; AWS tells it only in the refusal."""
GATEWAY_WAITS = 29_000
GATEWAY_QUOTA = "Maximum integration timeout in milliseconds"


@dataclass(frozen=True)
class Finding:
    """One line; an error stops the deployment."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The stack that is going to be deployed."""

    variant: Variant
    bucket: str | None
    parameters: Mapping[str, str]
    declared: Mapping[str, Parameter]
    """The template's parameters."""

    def value(self, name: str) -> str:
        """Return the value that the stack will have; empty for a parameter that it lacks."""
        known = self.declared.get(name)
        return self.parameters.get(name, (known and known.default) or "")


def preflight(account: Account, plan: Plan) -> None:
    """Print every finding; raise DeploymentError if one would stop the deployment."""
    errors = 0
    for finding in findings(account, plan):
        print_line(f"{'FAILED' if finding.is_error else 'ok':<6}  {finding.text}")
        errors += finding.is_error
    if errors:
        raise DeploymentError("Nothing was made; see what failed above.")


def findings(account: Account, plan: Plan) -> Iterator[Finding]:
    """Yield the findings in the order in which they matter."""
    yield _identity(account)
    yield from _region(account, plan)
    yield from _parameters(plan)
    if wrong := list(_values(plan)):
        yield from wrong
        return
    yield from _places(plan)
    if plan.bucket is not None:
        yield _bucket(account, plan.bucket)
    if instance := plan.value("deployInstanceType"):
        name = f"{instance} for endpoint usage"
        yield from _if_known(f"The quota '{name}'", _endpoint_quota(account, plan, name))
    functions = _function_quotas(account, plan)
    yield from _if_known("The number of functions at once", functions)
    yield from _if_known("The network of the region", _network(account, plan))
    yield from _if_known(f"The quota '{GATEWAY_QUOTA}'", _gateway_quota(account, plan))


def _if_known(what: str, found: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings, or one that says what AWS does not tell."""
    try:
        yield from found
    except AWS_ERRORS as exc:
        yield Finding(f"{what} could not be read. {explained(exc)}")


def _identity(account: Account) -> Finding:
    try:
        arn = account.client("sts").get_caller_identity()["Arn"]
    except AWS_ERRORS as exc:
        return Finding(f"The credentials do not work. {explained(exc)}", is_error=True)
    return Finding(f"Credentials of {arn}")


def _region(account: Account, plan: Plan) -> Iterator[Finding]:
    if plan.variant is INF and account.partition is not AWS:
        yield Finding(
            f"SageMaker has no Inferentia in {account.region}; deploy gpu or lambda.", is_error=True
        )
    else:
        yield Finding(f"Region {account.region}, partition {account.partition.name}")
    if account.partition is GOVCLOUD and plan.variant is GPU and not plan.value("containerImage"):
        yield Finding(
            "AWS's image for Ray Serve was never seen in GovCloud: push an image of your own to "
            "Amazon ECR and name it with containerImage, or the endpoint may never start."
        )
    if account.partition is CHINA and plan.value("customAuthType") == "NONE":
        yield Finding(
            "customAuthType=NONE opens the API to the public, which needs an ICP licence or "
            "recordal in China; without one AWS closes it."
        )
    if account.partition is CHINA and plan.value("domainName"):
        yield Finding("A domainName needs an ICP licence in China, whoever may call.")


def _parameters(plan: Plan) -> Iterator[Finding]:
    for name in sorted(plan.parameters.keys() - plan.declared.keys()):
        yield Finding(
            f"The stack has no parameter '{name}'; it has {', '.join(sorted(plan.declared))}",
            is_error=True,
        )
    for name, each in plan.declared.items():
        if each.default is None and name not in plan.parameters:
            yield Finding(f"The stack needs a {name}: --parameter {name}=VALUE", is_error=True)


def _values(plan: Plan) -> Iterator[Finding]:
    """Yield what CloudFormation would refuse; no other check may read a value before."""
    for name in sorted(plan.parameters.keys() & plan.declared.keys()):
        if refusal := plan.declared[name].refusal(plan.parameters[name]):
            yield Finding(refusal, is_error=True)


def _places(plan: Plan) -> Iterator[Finding]:
    """Yield an error if a bulk stack's results lie among its pictures, or the other way round."""
    bucket = plan.value("sourceBucket")
    if not bucket or bucket != plan.value("targetBucket"):
        return
    source, target = plan.value("sourcePrefix"), plan.value("targetPrefix")
    if source.startswith(target) or target.startswith(source):
        yield Finding(
            f"'{source}' and '{target}' of {bucket} lie in one another, so that results would be "
            "taken for pictures: choose a targetPrefix beside the sourcePrefix, or another bucket",
            is_error=True,
        )


def _bucket(account: Account, bucket: str) -> Finding:
    try:
        check_bucket(account.client("s3"), bucket, region=account.region)
    except DeploymentError as exc:
        return Finding(str(exc), is_error=True)
    return Finding(f"The bucket {bucket} is in {account.region}")


def _function_quotas(account: Account, plan: Plan) -> Iterator[Finding]:
    limits = account.client("lambda").get_account_settings()["AccountLimit"]
    at_once = int(limits["ConcurrentExecutions"])
    free = int(limits.get("UnreservedConcurrentExecutions", at_once))
    text = f"Lambda runs up to {at_once} functions at once"
    if at_once <= FEW_FUNCTIONS:
        text += "; ask for more under Service Quotas, AWS Lambda, Concurrent executions"
    yield Finding(text)
    yield from _too_few_functions(plan, free)
    memory = int(plan.value("functionMemory") or 0)
    if memory > DEFAULT_MEMORY_LIMIT:
        yield Finding(
            f"functionMemory={memory}: a new account takes {DEFAULT_MEMORY_LIMIT} at most, which "
            "shows only when the stack is created"
        )


def _too_few_functions(plan: Plan, free: int) -> Iterator[Finding]:
    provisioned = int(plan.value("provisionedConcurrency") or 0)
    if provisioned > free:
        yield Finding(
            f"provisionedConcurrency={provisioned} is more than the {free} functions", is_error=True
        )
    batches = int(plan.value("maxConcurrency") or 0)
    if batches > free:
        yield Finding(
            f"maxConcurrency={batches}: {batches - free} of so many batches would be refused at "
            "any time, and fail after twenty trials. Deploy with "
            f"--parameter maxConcurrency={max(free - 1, 1)}",
            is_error=True,
        )
    burst = int(plan.value("throttlingBurstLimit") or 0)
    if burst > free:
        yield Finding(
            f"throttlingBurstLimit={burst}: of so many calls at once {burst - free} find no free "
            "function and are answered 503 busy with Retry-After; with "
            f"--parameter throttlingBurstLimit={free} they are answered 429"
        )


def _network(account: Account, plan: Plan) -> Iterator[Finding]:
    if plan.value("modelStorage") != "efs" or plan.value("vpcId"):
        return
    ec2 = account.client("ec2")
    used = len(ec2.describe_vpcs()["Vpcs"])
    quota = _quota(account, "vpc", "VPCs per Region")
    if quota is not None:
        yield Finding(f"{used} of {quota:.0f} VPCs are used", is_error=used >= quota)
    yield from _zones(ec2.describe_availability_zones()["AvailabilityZones"], plan)


def _zones(found: list[dict[str, str]], plan: Plan) -> Iterator[Finding]:
    ids = {each["ZoneName"]: each["ZoneId"] for each in found}
    chosen = [name for name in plan.value("availabilityZones").split(",") if name]
    wanted = chosen or sorted(ids)[:2]
    with_efs = [name for name in sorted(ids) if ids[name] not in ZONES_WITHOUT_EFS]
    for name in wanted:
        if ids.get(name, "") in ("", *ZONES_WITHOUT_EFS):
            yield Finding(
                f"EFS is not in the zone {name} ({ids.get(name, 'unknown here')}). Deploy with "
                f"--parameter availabilityZones={','.join(with_efs[:2])}",
                is_error=True,
            )


def _endpoint_quota(account: Account, plan: Plan, name: str) -> Iterator[Finding]:
    quota = _quota(account, "sagemaker", name)
    if quota is None:
        yield Finding(f"SageMaker has no quota '{name}' in {account.region}", is_error=True)
        return
    least, most = (int(plan.value(f"{end}Instances") or 1) for end in ("min", "max"))
    text = f"{name}: {quota:.0f}"
    if plan.value("asyncInference") == "true":
        least, most = least + 1, 2 * most
        text += ", for two endpoints"
    if quota < least:
        text += (
            f", and {least} must run: ask for more under Service Quotas, Amazon SageMaker (a day "
            "or two)"
        )
        yield Finding(text, is_error=True)
        return
    if quota < most:
        text += f"; scaling stops there, below the {most} of maxInstances"
    if quota < 2 * least:
        text += "; an update needs room for twice the instances that run"
    yield Finding(text)


def _gateway_quota(account: Account, plan: Plan) -> Iterator[Finding]:
    wanted = int(plan.value("integrationTimeout") or 0) * 1000
    if wanted > GATEWAY_WAITS:
        quota = _quota(account, "apigateway", GATEWAY_QUOTA) or GATEWAY_WAITS
        yield Finding(
            f"{GATEWAY_QUOTA}: {quota:.0f}, and integrationTimeout takes {wanted}",
            is_error=quota < wanted,
        )


def _quota(account: Account, service: str, name: str) -> float | None:
    """Return the quota by its name, the account's or AWS's default; None if there is none."""
    client = account.client("service-quotas")
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode=service):
            for each in page["Quotas"]:
                if each["QuotaName"] == name:
                    return float(each["Value"])
    return None
