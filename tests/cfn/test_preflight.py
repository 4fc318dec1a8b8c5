"""What is looked at before a deployment, with boto3's own clients and no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cfn import templates
from cfn.account import Account
from cfn.errors import DeploymentError
from cfn.preflight import Plan, findings, preflight
from cfn.variants import GPU, INF, LAMBDA, Variant


class Stubbed:
    """An account whose answers are known; one that was not expected is an error."""

    def __init__(self, region: str = "us-east-1") -> None:
        self._session = boto3.session.Session("AK", "SK", region_name=region)
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
        parameters=parameters,
        defaults=templates.default_parameters(variant),
    )


def lambda_limits(stubbed: Stubbed, at_once: int = 1000) -> None:
    limits = {"ConcurrentExecutions": at_once, "UnreservedConcurrentExecutions": at_once}
    stubbed.answer("lambda", "get_account_settings", {"AccountLimit": limits})


def test_a_new_account_is_told_what_it_may_run() -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed, 10)
    found = stubbed.look(LAMBDA, functionMemory="10240")
    assert [is_error for is_error, _ in found] == [False] * 4
    assert "up to 10 functions at once; ask for more" in found[2][1]
    assert "a new account takes 3008 at most" in found[3][1]


def test_more_provisioned_functions_than_the_account_has_stop_it() -> None:
    stubbed = Stubbed()
    lambda_limits(stubbed, 10)
    assert stubbed.look(LAMBDA, provisionedConcurrency="20")[-1][0] is True


@pytest.mark.parametrize(("quota", "is_error"), [(0, True), (1, True), (2, False), (4, False)])
def test_the_quota_of_instances_is_known_before_the_endpoint_fails(
    quota: float, is_error: bool
) -> None:
    stubbed = Stubbed()
    stubbed.quotas("sagemaker", **{"ml.g5.xlarge for endpoint usage": quota})
    found = stubbed.look(GPU, deployInstanceType="ml.g5.xlarge")
    assert found[-1][0] is is_error
    assert f"ml.g5.xlarge for endpoint usage: {quota}" in found[-1][1]
    assert ("twice" in found[-1][1]) is (quota == 2)


@pytest.mark.parametrize(("quota", "is_error"), [(3, True), (4, False)])
def test_both_endpoints_count(quota: float, is_error: bool) -> None:
    stubbed = Stubbed()
    stubbed.quotas("sagemaker", **{"ml.g4dn.xlarge for endpoint usage": quota})
    found = stubbed.look(GPU, asyncInference="true")
    assert found[-1][0] is is_error
    assert "maxInstances=2, which each of the two endpoints may have" in found[-1][1]


def test_a_quota_that_is_not_in_the_account_is_aws_s_default() -> None:
    stubbed = Stubbed()
    stubbed.quotas("sagemaker")
    default = {"Quotas": [{"QuotaName": "ml.g4dn.xlarge for endpoint usage", "Value": 0.0}]}
    stubbed.answer("service-quotas", "list_aws_default_service_quotas", default)
    assert stubbed.look(GPU)[-1][0] is True


def test_what_may_not_be_read_stops_nothing() -> None:
    stubbed = Stubbed()
    stubbed.refuse("service-quotas", "list_service_quotas", "AccessDeniedException")
    found = stubbed.look(GPU)
    assert found[-1][0] is False
    assert "could not be read (AccessDeniedException)" in found[-1][1]


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
        found = stubbed.look(LAMBDA, modelStorage="efs")
        assert found[-1] == (is_error, f"2 of {quota} VPCs are used")


def test_in_china_an_open_api_gets_the_word_about_its_licence() -> None:
    stubbed = Stubbed("cn-north-1")
    lambda_limits(stubbed)
    assert "ICP" in " ".join(text for _, text in stubbed.look(LAMBDA, customAuthType="NONE"))
    stubbed = Stubbed("cn-north-1")
    lambda_limits(stubbed)
    assert "ICP" not in " ".join(text for _, text in stubbed.look(LAMBDA))


def test_inferentia_is_refused_where_it_is_not_offered() -> None:
    stubbed = Stubbed("cn-north-1")
    stubbed.quotas("sagemaker", **{"ml.inf2.xlarge for endpoint usage": 9})
    assert stubbed.look(INF)[1] == (
        True,
        "SageMaker has no Inferentia in cn-north-1; deploy gpu or lambda.",
    )


def test_credentials_that_do_not_work_stop_it_in_words() -> None:
    stubbed = Stubbed()
    stubbed.refuse("sts", "get_caller_identity", "ExpiredToken")
    lambda_limits(stubbed)
    told: list[str] = []
    with pytest.raises(DeploymentError, match="Nothing was made"):
        preflight(stubbed.account, plan(LAMBDA), print_line=told.append)
    assert told[0] == "FAILED  The credentials do not work (ExpiredToken)."
