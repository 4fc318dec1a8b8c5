"""The checks from S3 to S3, of bulk and asynchronous work, with boto3's own clients."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

import pytest
import requests
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from cfn.bulk import BulkStack
from cfn.check import check_stack
from cfn.check import picture as small_picture
from cfn.check_s3 import MISSING, PICTURE, check_async, check_bulk
from cfn.errors import DeploymentError
from tests.cfn.conftest import aws_session
from tests.cfn.test_check import URL, Api

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Pictures"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:Pictures:1"
STACK = BulkStack(machine=MACHINE, source="s3://photos/small/", target="s3://results/large/")
NOW = datetime.datetime.now(datetime.UTC)
DESCRIBED = {
    "Outputs": [{"OutputKey": "AsyncEndpointName", "OutputValue": "sr-1-async"}],
    "Parameters": [
        {"ParameterKey": "inputBucketArns", "ParameterValue": "arn:aws:s3:::one,arn:aws:s3:::two"}
    ],
}


class Account:
    """An account with known answers; an unexpected call is an error."""

    def __init__(self) -> None:
        session = aws_session()
        names = ("cloudformation", "logs", "stepfunctions", "s3", "sagemaker-runtime")
        self._clients = {name: session.client(name) for name in names}
        self.stubs = {name: Stubber(client) for name, client in self._clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def client(self, service: str) -> Any:
        return self._clients[service]

    def pause(self, seconds: float) -> None:
        """Do not wait."""

    def check_bulk(self) -> list[str]:
        account: Any = self
        return list(check_bulk(account, STACK))

    def check_async(self) -> list[str]:
        account: Any = self
        return list(check_async(account, DESCRIBED, b"picture"))

    def check_stack(self, outputs: dict[str, str], **parameters: str) -> list[str]:
        described = {
            "StackName": "s",
            "StackStatus": "CREATE_COMPLETE",
            "CreationTime": NOW,
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        }
        self.stubs["cloudformation"].add_response("describe_stacks", {"Stacks": [described]})
        account: Any = self
        with requests.Session() as http:
            http.mount("https://", Api())
            told = list(check_stack(account, "s", http=http))
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
        return told

    def run_ends_as(self, *states: str) -> None:
        s3, machine = self.stubs["s3"], self.stubs["stepfunctions"]
        body = f"small/{MISSING}".encode()
        s3.add_response("put_object", {}, {"Bucket": "results", "Key": ANY, "Body": body})
        machine.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW})
        for state in states:
            described: dict[str, Any] = {
                "executionArn": EXECUTION,
                "stateMachineArn": MACHINE,
                "status": state,
                "startDate": NOW,
            }
            if state == "FAILED":
                described |= {"error": "Lambda.Unknown", "cause": "it is broken"}
            machine.add_response("describe_execution", described)
            machine.add_response("list_map_runs", {"mapRuns": []})

    def failure_says(self, code: str) -> None:
        key = f"large/_failed/{MISSING}.json"
        data = json.dumps({"error": code}).encode()
        answer = {"Body": StreamingBody(io.BytesIO(data), len(data))}
        self.stubs["s3"].add_response("get_object", answer, {"Bucket": "results", "Key": key})
        self.stubs["s3"].add_response("delete_object", {}, {"Bucket": "results", "Key": key})


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_bulk_stack_that_works_tells_of_a_picture_that_is_not_there(account: Account) -> None:
    account.run_ends_as("RUNNING", "RUNNING", "SUCCEEDED")
    account.failure_says("source_not_found")
    assert account.check_bulk()[-1].startswith("ok")
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


def test_a_run_that_fails_is_told_with_its_reason(account: Account) -> None:
    account.run_ends_as("FAILED")
    with pytest.raises(DeploymentError, match=r"ended as FAILED. Lambda.Unknown: it is broken"):
        account.check_bulk()


def test_a_function_that_may_not_list_is_found(account: Account) -> None:
    account.run_ends_as("SUCCEEDED")
    account.stubs["s3"].add_client_error("get_object", "NoSuchKey", http_status_code=404)
    with pytest.raises(DeploymentError, match="cannot be read"):
        account.check_bulk()


def test_a_bulk_stack_is_checked_after_its_deployment(account: Account) -> None:
    account.run_ends_as("SUCCEEDED")
    account.failure_says("source_not_found")
    outputs = {"StateMachineArn": MACHINE, "Source": STACK.source, "Target": STACK.target}
    assert account.check_stack(outputs)[-1] == "The stack does its work."


def answered(account: Account, image: bytes = b"picture") -> None:
    where = {"Bucket": "one", "Key": PICTURE}
    account.stubs["s3"].add_response(
        "put_object", {}, {**where, "Body": image, "ContentType": "image/png"}
    )
    account.stubs["sagemaker-runtime"].add_response(
        "invoke_endpoint_async",
        {
            "InferenceId": "1",
            "OutputLocation": "s3://results/async/results/1.out",
            "FailureLocation": "s3://results/async/failures/1.out",
        },
        {
            "EndpointName": "sr-1-async",
            "InputLocation": f"s3://one/{PICTURE}",
            "ContentType": "image/png",
            "Accept": "image/*",
            "CustomAttributes": "scale=2",
        },
    )


@pytest.mark.parametrize("failures", [0, 2])
def test_the_asynchronous_endpoint_is_waited_for(account: Account, failures: int) -> None:
    answered(account)
    s3 = account.stubs["s3"]
    for _ in range(2 * failures):
        s3.add_client_error("head_object", "404", http_status_code=404)
    s3.add_response("head_object", {}, {"Bucket": "results", "Key": "async/results/1.out"})
    s3.add_response("delete_object", {}, {"Bucket": "one", "Key": PICTURE})
    assert account.check_async()[-1].startswith("ok")
    s3.assert_no_pending_responses()


def test_both_endpoints_of_a_stack_are_checked(account: Account) -> None:
    answered(account, small_picture())
    s3 = account.stubs["s3"]
    s3.add_response("head_object", {}, {"Bucket": "results", "Key": "async/results/1.out"})
    s3.add_response("delete_object", {}, {"Bucket": "one", "Key": PICTURE})
    outputs = {"aikitsInvokeURL": URL, "AsyncEndpointName": "sr-1-async"}
    given = {"customAuthType": "NONE", "inputBucketArns": "arn:aws:s3:::one,arn:aws:s3:::two"}
    told = account.check_stack(outputs, **given)
    assert "a picture in the request" in told[1]
    assert told[-2:] == ["ok      a picture through the queue", "The stack does its work."]


def test_an_asynchronous_failure_is_told_and_the_picture_removed(account: Account) -> None:
    answered(account)
    s3 = account.stubs["s3"]
    s3.add_client_error("head_object", "404", http_status_code=404)
    s3.add_response("head_object", {}, {"Bucket": "results", "Key": "async/failures/1.out"})
    s3.add_response("delete_object", {}, {"Bucket": "one", "Key": PICTURE})
    with pytest.raises(DeploymentError, match=r"s3://results/async/failures/1.out says why"):
        account.check_async()
    s3.assert_no_pending_responses()
