"""Every template against AWS's rules, and templates with one fault each."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cfn import templates
from cfn.variants import ASYNC_BUDGET, BULK, GPU, INF, LAMBDA, STACKS, Variant
from tests.cfn.aws_rules import broken
from tests.cfn.conftest import GIVEN_TO, package_of, put_up, text_of
from tests.cfn.resolver import BEIJING, GOVCLOUD, NINGXIA, US, Region, Stack, load
from tests.cfn.test_templates import everything_in

REGIONS = (US, BEIJING, NINGXIA, GOVCLOUD)
PLACES = [
    pytest.param(variant, region, id=f"{variant.template}-{region.name}")
    for variant in STACKS.values()
    for region in REGIONS
    if variant is not INF or region is US  # elsewhere a rule of the template refuses Inferentia
]


def whole(variant: Variant, region: Region, *, text: str | None = None) -> Stack:
    """Return the stack with every choice that its region has."""
    given: dict[str, Any] = {"text": text}
    if variant is BULK:
        return put_up(BULK, region, **given)
    if variant is LAMBDA:
        given["availabilityZones"] = f"{region.name}b,{region.name}c"
    if variant is GPU:
        given["asyncTimeBudgetSeconds"] = str(ASYNC_BUDGET.longest)
    return everything_in(region, variant, **given)


@pytest.mark.parametrize(("variant", "region"), PLACES)
def test_aws_takes_every_template_as_it_is_meant(variant: Variant, region: Region) -> None:
    assert broken(whole(variant, region)) == []


@pytest.mark.parametrize("variant", STACKS.values(), ids=STACKS)
def test_aws_takes_every_template_with_its_defaults(variant: Variant) -> None:
    assert broken(put_up(variant)) == []


def updated_as_the_console_does(old: str, new: str, **given: Any) -> Stack:
    """Return the stack after an update that keeps the old value of every parameter there is."""
    before, after = Stack(load(old), **given), load(new)
    kept: dict[str, Any] = {
        name: value for name, value in before.parameters.items() if name in after["Parameters"]
    }
    return Stack(after, **kept)


def code_of(stack: Stack) -> dict[str, str]:
    code: dict[str, str] = stack.properties("Function")["Code"]
    return code


def test_an_update_in_the_console_runs_the_new_code() -> None:
    old, new = (
        templates.render(LAMBDA, package_of(LAMBDA, folder=folder)) for folder in ("old", "new")
    )
    assert code_of(updated_as_the_console_does(old, new)) == {
        "S3Bucket": "artifacts",
        "S3Key": "super-resolution/new/function.zip",
    }
    assert not [name for name in load(new)["Parameters"] if "artifact" in name]
    assert not [name for name in load(new)["Parameters"] if "Sha256" in name]


OLD, NEW = "old", "new"
EVERYTHING = {
    "lambda": {"modelStorage": "efs"},
    "gpu": {"asyncInference": "true", "inputBucketArns": "arn:aws:s3:::one"},
}


def releases(variant: Variant) -> list[str]:
    """Return the variant's template in an old and in a new release."""
    return [
        templates.render(variant, package_of(variant, folder=name, sha256=sha256))
        for name, sha256 in ((OLD, "0" * 64), (NEW, "f" * 64))
    ]


def left_of_the_old(variant: Variant, old: str, new: str) -> set[str]:
    """Return the resources that still name something of the old package after an update."""
    given = {**GIVEN_TO[variant.name], **EVERYTHING.get(variant.name, {})}
    stack = updated_as_the_console_does(old, new, **given)
    return {
        name
        for name, each in stack.resources.items()
        if re.search(f"/{OLD}/|0{{16}}", json.dumps(each))
    }


@pytest.mark.parametrize("variant", STACKS.values(), ids=STACKS)
def test_nothing_of_the_old_package_is_left_after_an_update_in_the_console(
    variant: Variant,
) -> None:
    old, new = releases(variant)
    assert left_of_the_old(variant, old, new) == set()
    assert left_of_the_old(variant, old, old) != set()


def test_a_digest_that_is_a_parameter_would_be_the_old_one() -> None:
    def faulty(text: str, digest: str) -> str:
        at = "!FindInMap [Package, Models, Sha256]"
        assert at in text
        parameter = f"Parameters:\n  modelsSha256: {{Type: String, Default: '{digest}'}}\n"
        return text.replace(at, "!Ref modelsSha256").replace("\nParameters:\n", f"\n{parameter}")

    old, new = releases(LAMBDA)
    was, is_now = faulty(old, "0" * 64), faulty(new, "f" * 64)
    assert left_of_the_old(LAMBDA, was, is_now) == {"ModelFiles"}


def seeded(variant: Variant, was: str, is_now: str) -> str:
    """Return the variant's template with a fault in it."""
    text = text_of(variant)
    assert was in text
    return text.replace(was, is_now)


FAULTS = {
    "no right to list the source": (
        *(BULK, US, "                  - !Sub arn:${AWS::Partition}:s3:::${sourceBucket}\n", ""),
        "may not list arn:aws:s3:::photos",
    ),
    "no right to list input buckets": (
        *(LAMBDA, US, "Action: s3:ListBucket", "Action: s3:GetBucketLocation"),
        "may not list arn:aws:s3:::one",
    ),
    "a log is rolled back": (
        *(GPU, US, "    DeletionPolicy: Retain\n", "    DeletionPolicy: Delete\n"),
        "deletes EndpointLog",
    ),
    "a metric that China lacks": (
        *(GPU, BEIJING, "            - SageMakerVariantInvocationsPerInstance\n"),
        "            - SageMakerVariantConcurrentRequestsPerModelHighResolution\n",
        "the metric of requests at one time in aws-cn",
    ),
    "a busy function is a fault": (
        *(LAMBDA, US, "      ResponseType: INTEGRATION_FAILURE\n      StatusCode: '503'"),
        "      ResponseType: INTEGRATION_FAILURE\n      StatusCode: '502'",
        "answered like a fault",
    ),
    "the adapter's 300 seconds": (
        *(GPU, US, f"          RAYSERVE_BACKEND_TIMEOUT: '{ASYNC_BUDGET.adapter_waits}'\n", ""),
        f"ended after 300 s of {ASYNC_BUDGET.longest}",
    ),
    "X-Ray in China": (
        *(LAMBDA, NINGXIA, "!If [InChina, !Ref AWS::NoValue, {Mode: Active}]", "{Mode: Active}"),
        "X-Ray of Lambda functions in aws-cn",
    ),
    "an image that floats": (*(GPU, US, "cuda-v1.4", "cuda-v1"), "another one tomorrow"),
    "an image of another region's account": (
        *(GPU, US, "    us-east-1: {Account: '763104351884'}", "    us-east-1: {Account: '1'}"),
        "is not in the account",
    ),
    "a letter that CloudFormation and IAM lose": (
        *(BULK, US, "Value: !Sub s3://${sourceBucket}/", "Value: !Sub s3://${sourceBucket}/照片/"),
        "is read back as s3://photos/??/",
    ),
    "no right to sample traces": (
        *(BULK, US, "                  - xray:GetSamplingRules\n", ""),
        "may not ['xray:GetSamplingRules']",
    ),
    "batches without a limit": (
        *(BULK, GOVCLOUD, '"MaxInputBytesPerBatch": 200000,', ""),
        "a batch may have",
    ),
    "the account's role is replaced": (
        *(GPU, US, "    Condition: MakesAccessLogRole\n", ""),
        "role for logs is replaced",
    ),
    "two states of one name": (
        *(BULK, US, "UpscaleInventory", "UpscaleList"),
        "the state UpscaleList is there 2 times",
    ),
    "no right to go on with a run": (
        *(
            BULK,
            US,
            "            Action: states:RedriveExecution",
            "            Action: states:List",
        ),
        "may not states:RedriveExecution on execution:<Pictures.Name>/batch",
    ),
    "a report where the machine may not write": (
        *(BULK, US, '"${targetPrefix}_bulk/reports"', '"${targetPrefix}reports"'),
        "may not s3:PutObject on results/large/reports/manifest.json",
    ),
    "logs that GovCloud lacks": (
        *(LAMBDA, GOVCLOUD, "LogFormat: !If [InGovCloud, Text, JSON]", "LogFormat: JSON"),
        "JSON logs of Lambda functions in aws-us-gov",
    ),
    "no answer of its own for a busy function": (
        *(LAMBDA, US, "ResponseType: INTEGRATION_FAILURE", "ResponseType: AUTHORIZER_FAILURE"),
        "answered like a fault",
    ),
    "a log that only an update keeps": (
        *(GPU, US, "DeletionPolicy: Retain\n", "DeletionPolicy: RetainExceptOnCreate\n"),
        "deletes EndpointLog",
    ),
    "zones that nobody chose": (
        *(LAMBDA, US, "!If [ChoosesZones, !Select [0, !Split [',', !Ref availabilityZones]], "),
        "!If [ChoosesZones, !Select [0, !GetAZs ''], ",
        "whatever zones have EFS",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught(name: str) -> None:
    variant, region, was, is_now, said = FAULTS[name]
    stack = whole(variant, region, text=seeded(variant, was, is_now))
    assert said in "\n".join(broken(stack))
    assert said not in "\n".join(broken(whole(variant, region)))


def test_letters_that_iam_does_not_take_are_refused_and_the_refusal_says_what_works() -> None:
    with pytest.raises(AssertionError, match=r"sourcePrefix .*bulk start --prefix"):
        put_up(BULK, sourcePrefix="照片/")
