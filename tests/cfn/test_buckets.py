"""Buckets that the commands make, with boto3's own client and no network."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from cfn.account import Account
from cfn.buckets import ensure_own_bucket, ensure_public_bucket, public_policy
from cfn.errors import DeploymentError
from tests.cfn.conftest import aws_session

NUMBER = "123456789012"
OWN = f"super-resolution-{NUMBER}-eu-west-1"


class Stubbed:
    """An account with known answers; an unexpected call is an error."""

    def __init__(self, region: str) -> None:
        session = aws_session(region)
        self._clients = {name: session.client(name) for name in ("s3", "sts")}
        self.s3, self.sts = (Stubber(each) for each in self._clients.values())
        for stub in (self.s3, self.sts):
            stub.activate()
        self.sts.add_response("get_caller_identity", {"Account": NUMBER})
        self.account = Account(session=self, region=region)

    def client(self, service: str) -> Any:
        return self._clients[service]

    def is_missing(self, bucket: str) -> None:
        asked = {"Bucket": bucket, "ExpectedBucketOwner": NUMBER}
        self.s3.add_client_error("head_bucket", "404", expected_params=asked)

    def ends(self) -> None:
        self.s3.assert_no_pending_responses()


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_deployment_without_a_bucket_makes_a_private_one_with_versions(
    region: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stubbed = Stubbed(region)
    bucket = OWN.replace("eu-west-1", region)
    stubbed.is_missing(bucket)
    asked: dict[str, Any] = {"Bucket": bucket}
    if region != "us-east-1":
        asked["CreateBucketConfiguration"] = {"LocationConstraint": region}
    stubbed.s3.add_response("create_bucket", {}, asked)
    blocks = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    stubbed.s3.add_response(
        "put_public_access_block",
        {},
        {"Bucket": bucket, "PublicAccessBlockConfiguration": blocks},
    )
    stubbed.s3.add_response(
        "put_bucket_versioning",
        {},
        {"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}},
    )
    assert ensure_own_bucket(stubbed.account) == bucket
    stubbed.ends()
    assert bucket in capsys.readouterr().out


def test_a_bucket_that_is_there_is_taken_as_it_is() -> None:
    stubbed = Stubbed("eu-west-1")
    stubbed.s3.add_response("head_bucket", {}, {"Bucket": OWN, "ExpectedBucketOwner": NUMBER})
    assert ensure_own_bucket(stubbed.account) == OWN
    stubbed.ends()


def test_a_bucket_of_that_name_that_is_somebody_else_s_is_never_used() -> None:
    stubbed = Stubbed("eu-west-1")
    stubbed.s3.add_client_error("head_bucket", "403")
    with pytest.raises(DeploymentError, match="is not this account's"):
        ensure_own_bucket(stubbed.account)


def will_be_open(stubbed: Stubbed, bucket: str) -> None:
    """Expect the requests that let anybody get the bucket's objects."""
    blocks = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    stubbed.s3.add_response(
        "put_public_access_block",
        {},
        {"Bucket": bucket, "PublicAccessBlockConfiguration": blocks},
    )
    stubbed.s3.add_response("put_bucket_policy", {}, {"Bucket": bucket, "Policy": ANY})


def test_a_release_s_bucket_lets_anybody_get_and_nothing_else() -> None:
    stubbed = Stubbed("cn-north-1")
    stubbed.is_missing("pub-cn-north-1")
    stubbed.s3.add_response(
        "create_bucket",
        {},
        {
            "Bucket": "pub-cn-north-1",
            "CreateBucketConfiguration": {"LocationConstraint": "cn-north-1"},
        },
    )
    will_be_open(stubbed, "pub-cn-north-1")
    ensure_public_bucket(stubbed.account, "pub-cn-north-1")
    stubbed.ends()
    (statement,) = public_policy(stubbed.account, "pub-cn-north-1")["Statement"]
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"] == "arn:aws-cn:s3:::pub-cn-north-1/*"


def test_a_release_s_bucket_that_was_made_but_not_opened_is_opened() -> None:
    stubbed = Stubbed("eu-west-1")
    stubbed.s3.add_response("head_bucket", {})
    stubbed.s3.add_client_error("get_bucket_policy", "NoSuchBucketPolicy")
    will_be_open(stubbed, "pub-eu-west-1")
    ensure_public_bucket(stubbed.account, "pub-eu-west-1")
    stubbed.ends()


def test_a_release_s_bucket_with_a_policy_is_left_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stubbed = Stubbed("eu-west-1")
    stubbed.s3.add_response("head_bucket", {})
    stubbed.s3.add_response("get_bucket_policy", {"Policy": "{}"})
    ensure_public_bucket(stubbed.account, "pub-eu-west-1")
    stubbed.ends()
    assert not capsys.readouterr().out
