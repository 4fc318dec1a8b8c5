"""Preflight's findings before a deployment, with boto3's own clients and no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from cfn.account import Account
from cfn.errors import DeploymentError
from cfn.parameters import declared_parameters, default_parameters
from cfn.preflight import Plan, findings, preflight
from cfn.variants import BULK, GPU, INF, LAMBDA, STACKS, Variant
from tests.cfn.conftest import GIVEN_TO, aws_session, text_of
from tests.cfn.resolver import load


class Stubbed:
    """An account with known answers; an unexpected call is an error."""

    def __init__(self, region: str = "us-east-1") -> None:
        self._session = aws_session(region)
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}
        self.account = Account(session=self, region=region)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
            self._stubs[service] = Stubber(self._clients[service])
            self._stubs[service].activate()
        return self._clients[service]

    def answer(self, service: str, operation: str, response: Mapping[str, Any]) -> None:
        self.client(service)
        self._stubs[service].add_response(operation, dict(response))

    def refuse(self, service: str, operation: str, code: str) -> None:
        self.client(service)
        self._stubs[service].add_client_error(operation, code)

    def quotas(self, service: str, **quotas: float) -> None:
        found = [{"QuotaName": name, "Value": value} for name, value in quotas.items()]
        self.answer("service-quotas", "list_service_quotas", {"Quotas": found})

    def sign_in(self) -> None:
        arn = "arn:aws:iam::123456789012:user/me"
        self.answer("sts", "get_caller_identity", {"Arn": arn})

    def look(self, variant: Variant, **parameters: str) -> list[tuple[bool, str]]:
        self.sign_in()
        return [
            (each.is_error, each.text)
            for each in findings(self.account, plan(variant, **parameters))
        ]


def plan(variant: Variant, **parameters: str) -> Plan:
    return Plan(
        variant=variant,
        bucket=None,
        parameters={**GIVEN_TO[variant.name], **parameters},
        declared=declared_parameters(variant),
    )


def lambda_limits(stubbed: Stubbed, at_once: int = 1000) -> None:
    limits = {"ConcurrentExecutions": at_once, "UnreservedConcurrentExecutions": at_once}
    stubbed.answer("lambda", "get_account_settings", {"AccountLimit": limits})


def errors_and_texts(found: list[tuple[bool, str]]) -> tuple[list[str], str]:
    """Return the findings that stop the deployment, and everything that was printed."""
    return [text for is_error, text in found if is_error], "\n".join(text for _, text in found)


@pytest.mark.parametrize("variant", STACKS.values(), ids=STACKS)
def test_the_parameters_are_those_of_the_template(variant: Variant) -> None:
    expected = {
        name: None if "Default" not in about else str(about["Default"])
        for name, about in load(text_of(variant))["Parameters"].items()
    }
    assert default_parameters(variant) == expected


def test_a_misspelt_or_missing_parameter_stops_it_before_anything_is_packaged() -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed)
    errors, _ = errors_and_texts(stubbed.look(LAMBDA, functionMemroy="10240"))
    assert errors[0].startswith("The stack has no parameter 'functionMemroy'; it has accessLog,")
    stubbed = Stubbed()
    lambda_limits(stubbed)
    stubbed.sign_in()
    lacking = replace(plan(BULK), parameters={"sourceBucket": "photos"})
    errors = [each.text for each in findings(stubbed.account, lacking) if each.is_error]
    assert errors == [
        f"The stack needs a {name}: --parameter {name}=VALUE"
        for name in ("sourcePrefix", "targetBucket", "targetPrefix")
    ]


@pytest.mark.parametrize(
    ("variant", "name", "value", "said"),
    [
        (LAMBDA, "functionMemory", "10GB", "a whole number from 1024 to 10240"),
        (LAMBDA, "functionMemory", "512", "a whole number from 1024 to 10240"),
        (LAMBDA, "logRetentionDays", "8", "it is one of 1, 3, 5, 7, 14,"),
        (LAMBDA, "inputBucketArns", "my-photos", "it is this: ARNs of S3 buckets, separated by"),
        (LAMBDA, "inputBucketArns", f"arn:aws:s3:::{'b' * 60}," * 3 + "arn:aws:s3:::bbb", "200"),
        (GPU, "deployInstanceType", "ml.m5.large", "it is one of ml.g4dn.xlarge,"),
        (BULK, "sourcePrefix", "2026/照片/", "the rest with each run (python -m cfn bulk start"),
        (BULK, "targetPrefix", "large", "with a slash at its end"),
    ],
)
def test_a_value_that_cloudformation_would_refuse_stops_it_before_anything_is_packaged(
    variant: Variant, name: str, value: str, said: str
) -> None:
    errors, _ = errors_and_texts(Stubbed().look(variant, **{name: value}))
    (error,) = errors
    assert error.startswith(name)
    assert said in error


@pytest.mark.parametrize(
    ("target", "is_error"),
    [("small/large/", True), ("small/", True), ("s/", False), ("small-2/", False)],
)
def test_results_among_the_pictures_stop_it(target: str, *, is_error: bool) -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed)
    errors, _ = errors_and_texts(
        stubbed.look(BULK, targetBucket="photos", sourcePrefix="small/", targetPrefix=target)
    )
    assert bool(errors) is is_error
    assert all("targetPrefix beside" in each for each in errors)


@pytest.mark.parametrize("variant", STACKS.values(), ids=STACKS)
def test_every_default_is_a_value_that_is_taken(variant: Variant) -> None:
    for name, each in declared_parameters(variant).items():
        given = GIVEN_TO[variant.name].get(name, each.default)
        assert given is not None
        assert each.refusal(given) == ""


@pytest.mark.parametrize("variant", STACKS.values(), ids=STACKS)
def test_what_is_read_of_the_parameters_is_what_the_template_says(variant: Variant) -> None:
    expected = {
        name: {
            key: "\n".join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in about.items()
        }
        for name, about in load(text_of(variant))["Parameters"].items()
    }
    assert {name: each.about for name, each in declared_parameters(variant).items()} == expected


def test_a_new_account_is_told_what_it_may_run() -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed, 10)
    errors, text = errors_and_texts(stubbed.look(LAMBDA, functionMemory="10240"))
    assert errors == []
    assert "up to 10 functions at once; ask for more" in text
    assert "a new account takes 3008 at most" in text
    assert "throttlingBurstLimit=100: of so many calls at once 90 find no free function" in text
    stubbed = Stubbed()
    lambda_limits(stubbed, 10)
    assert (
        "find no free" not in errors_and_texts(stubbed.look(LAMBDA, throttlingBurstLimit="10"))[1]
    )


def test_more_provisioned_functions_than_the_account_has_stop_it() -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed, 10)
    errors, _ = errors_and_texts(stubbed.look(LAMBDA, provisionedConcurrency="20"))
    assert errors == ["provisionedConcurrency=20 is more than the 10 functions"]


def test_bulk_in_a_new_account_is_told_how_many_batches_it_can_have() -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed, 10)
    errors, _ = errors_and_texts(stubbed.look(BULK))
    assert len(errors) == 1
    assert errors[0].endswith("--parameter maxConcurrency=9")
    stubbed = Stubbed()
    lambda_limits(stubbed, 10)
    assert errors_and_texts(stubbed.look(BULK, maxConcurrency="9"))[0] == []


@pytest.mark.parametrize(
    ("quota", "is_error", "said"),
    [
        (0, True, "and 1 must run"),
        (1, False, "scaling stops there, below the 2 of maxInstances"),
        (2, False, ""),
        (4, False, ""),
    ],
)
def test_the_quota_of_instances_is_known_before_the_endpoint_fails(
    quota: float, is_error: bool, said: str
) -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed)
    stubbed.quotas("sagemaker", **{"ml.g5.xlarge for endpoint usage": quota})
    errors, text = errors_and_texts(stubbed.look(GPU, deployInstanceType="ml.g5.xlarge"))
    assert bool(errors) is is_error
    assert f"ml.g5.xlarge for endpoint usage: {quota}" in text
    assert said in text
    assert ("twice" in text) is (quota == 1)


@pytest.mark.parametrize(("quota", "is_error"), [(1, True), (2, False)])
def test_the_quota_counts_both_endpoints(quota: float, is_error: bool) -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed)
    stubbed.quotas("sagemaker", **{"ml.g4dn.xlarge for endpoint usage": quota})
    errors, text = errors_and_texts(stubbed.look(GPU, asyncInference="true"))
    assert bool(errors) is is_error
    assert ", for two endpoints" in text


def test_a_quota_that_is_not_in_the_account_is_aws_s_default() -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed)
    stubbed.quotas("sagemaker")
    default = {"Quotas": [{"QuotaName": "ml.g4dn.xlarge for endpoint usage", "Value": 0.0}]}
    stubbed.answer("service-quotas", "list_aws_default_service_quotas", default)
    assert errors_and_texts(stubbed.look(GPU))[0]


def test_the_image_for_govcloud_is_warned_of_before_anything_is_made() -> None:
    own = "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/sr:1"
    for region, image, is_warned in (
        ("us-gov-west-1", "", True),
        ("us-gov-west-1", own, False),
        ("us-east-1", "", False),
    ):
        stubbed = Stubbed(region)
        lambda_limits(stubbed)
        stubbed.quotas("sagemaker", **{"ml.g4dn.xlarge for endpoint usage": 4})
        errors, text = errors_and_texts(stubbed.look(GPU, containerImage=image))
        assert errors == []
        assert ("was never seen in GovCloud" in text) is is_warned


def test_limits_that_may_not_be_read_stop_nothing() -> None:
    stubbed = Stubbed()
    stubbed.refuse("lambda", "get_account_settings", "AccessDeniedException")
    stubbed.refuse("service-quotas", "list_service_quotas", "AccessDeniedException")
    errors, text = errors_and_texts(stubbed.look(GPU))
    assert errors == []
    assert text.count("could not be read. AWS refused") == 2
    assert text.count("(AccessDeniedException)") == 2


def test_a_timeout_above_the_account_s_quota_stops_it() -> None:
    name = "Maximum integration timeout in milliseconds"
    for quota, is_error in ((29000, True), (60000, False)):
        stubbed = Stubbed()
        lambda_limits(stubbed)
        stubbed.quotas("apigateway", **{name: quota})
        assert stubbed.look(LAMBDA, integrationTimeout="60")[-1][0] is is_error


def test_a_network_of_its_own_needs_room_for_one() -> None:
    for quota, is_error in ((2, True), (5, False)):
        stubbed = Stubbed()
        lambda_limits(stubbed)
        stubbed.answer("ec2", "describe_vpcs", {"Vpcs": [{"VpcId": "a"}, {"VpcId": "b"}]})
        stubbed.quotas("vpc", **{"VPCs per Region": quota})
        stubbed.answer("ec2", "describe_availability_zones", {"AvailabilityZones": ZONES})
        found = stubbed.look(LAMBDA, modelStorage="efs", availabilityZones="us-east-1b,us-east-1c")
        assert found[-1] == (is_error, f"2 of {quota} VPCs are used")


ZONES = [
    {"ZoneName": "us-east-1a", "ZoneId": "use1-az3"},
    {"ZoneName": "us-east-1b", "ZoneId": "use1-az6"},
    {"ZoneName": "us-east-1c", "ZoneId": "use1-az1"},
]


@pytest.mark.parametrize("chosen", ["", "us-east-1a,us-east-1b", "us-east-1b,us-east-1x"])
def test_a_zone_without_efs_stops_it_and_two_others_are_named(chosen: str) -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed)
    stubbed.answer("ec2", "describe_vpcs", {"Vpcs": []})
    stubbed.quotas("vpc", **{"VPCs per Region": 5})
    stubbed.answer("ec2", "describe_availability_zones", {"AvailabilityZones": ZONES})
    found = stubbed.look(LAMBDA, modelStorage="efs", availabilityZones=chosen)
    errors, _ = errors_and_texts(found)
    assert len(errors) == 1
    assert errors[0].endswith("--parameter availabilityZones=us-east-1b,us-east-1c")


def test_an_open_api_in_china_is_warned_of_its_licence() -> None:
    stubbed = Stubbed("cn-north-1")
    lambda_limits(stubbed)
    assert "ICP" in " ".join(text for _, text in stubbed.look(LAMBDA, customAuthType="NONE"))
    stubbed = Stubbed("cn-north-1")
    lambda_limits(stubbed)
    assert "ICP" not in " ".join(text for _, text in stubbed.look(LAMBDA))


def test_a_domain_in_china_is_warned_of_its_licence() -> None:
    stubbed = Stubbed("cn-northwest-1")
    lambda_limits(stubbed)
    _, text = errors_and_texts(stubbed.look(LAMBDA, domainName="images.example.cn"))
    assert "A domainName needs an ICP licence" in text


def test_inferentia_is_refused_where_it_is_not_offered() -> None:
    stubbed = Stubbed("cn-north-1")
    lambda_limits(stubbed)
    stubbed.quotas("sagemaker", **{"ml.inf2.xlarge for endpoint usage": 9})
    assert stubbed.look(INF)[1] == (
        True,
        "SageMaker has no Inferentia in cn-north-1; deploy gpu or lambda.",
    )


def test_credentials_that_do_not_work_stop_it_in_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stubbed = Stubbed()
    stubbed.refuse("sts", "get_caller_identity", "ExpiredToken")
    lambda_limits(stubbed)
    with pytest.raises(DeploymentError, match="Nothing was made"):
        preflight(stubbed.account, plan(LAMBDA))
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("FAILED  The credentials do not work. AWS refused GetCallerIdentity")
    assert told[0].endswith("(ExpiredToken)")
