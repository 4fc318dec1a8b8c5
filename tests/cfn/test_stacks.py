"""Creating, updating and deleting, against a CloudFormation that keeps one stack in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfn import upload
from cfn.__main__ import main
from cfn.archives import file_sha256
from cfn.commands import read_pairs
from cfn.errors import DeploymentError
from cfn.package import Package
from cfn.stacks import Stacks
from cfn.templates import BOOTSTRAP
from cfn.variants import FUNCTION_ARCHIVE, GPU, LAMBDA, STACKS, VARIANTS, Variant
from testbed.loopback import Loopback, Sent

STACK = "AWS::CloudFormation::Stack"
ID = "arn:aws:cloudformation:us-east-1:1:stack/pictures/2"


def refusal(message: str, code: str = "ValidationError") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "UpdateStack")


class Resources:
    """One stack's resources and events."""

    def paginate(self, *, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        kinds = {
            "EndpointLog": "AWS::Logs::LogGroup",
            "Function": "AWS::Lambda::Function",
            "OldLog": "AWS::Logs::LogGroup",
        }
        found = [
            {"ResourceType": kind, "PhysicalResourceId": f"the-{name}"}
            for name, kind in kinds.items()
        ]
        yield {"StackResourceSummaries": found}


class Logs:
    """A log group that exists until it is deleted; its lines come a moment after the failure."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self._to_come: list[list[str]] = [[], ["trying again\n", "the sha256 is wrong\n"]]

    def describe_log_streams(self, **request: Any) -> dict[str, Any]:
        assert request["logGroupName"] == "the-LoaderLog"
        return {"logStreams": [{"logStreamName": "newest"}]}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        assert request["logStreamName"] == "newest"
        return {"events": [{"message": each} for each in self._to_come.pop(0)]}

    def delete_log_group(self, *, logGroupName: str) -> None:  # noqa: N803
        if logGroupName == "the-OldLog":
            raise refusal("gone", "ResourceNotFoundException")
        self.deleted.append(logGroupName)


class CloudFormation:
    """A stand-in; each look at the events finds one more of the next action's."""

    def __init__(self) -> None:
        self.stack: dict[str, Any] | None = None
        self.known = ["logLevel", "customAuthType", "functionMemory"]
        self.to_come: list[tuple[str, str, str, str]] = []
        self.events: list[dict[str, str]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.has_changes = True
        self.logs = Logs()

    def client(self, service: str) -> Any:
        return self.logs if service == "logs" else self

    def pause(self, seconds: float) -> None:
        """Do not wait."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.stack is None:
            raise refusal(f"Stack with id {StackName} does not exist")
        return {"Stacks": [self.stack]}

    def get_template_summary(self, **request: str) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": name} for name in self.known]}

    def create_stack(self, **request: Any) -> dict[str, str]:
        self.calls.append(("create", request))
        self.stack = {
            "StackId": ID,
            "StackStatus": "CREATE_COMPLETE",
            "Parameters": request["Parameters"],
            "Outputs": [{"OutputKey": "aikitsInvokeURL", "OutputValue": "https://x"}],
        }
        return {"StackId": ID}

    def update_stack(self, **request: Any) -> dict[str, str]:
        self.calls.append(("update", request))
        if not self.has_changes:
            raise refusal("No updates are to be performed.")
        return {"StackId": ID}

    def delete_stack(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("delete", request))
        return {"ResponseMetadata": {}}

    def get_paginator(self, name: str) -> Any:
        return self if name == "describe_stack_events" else Resources()

    def paginate(self, *, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        newest_first = list(reversed(self.events))
        if self.to_come:
            name, kind, status, reason = self.to_come.pop(0)
            self.events.append(
                {
                    "EventId": str(len(self.events)),
                    "StackId": ID,
                    "LogicalResourceId": name,
                    "PhysicalResourceId": f"the-{name}",
                    "ResourceType": kind,
                    "ResourceStatus": status,
                    "ResourceStatusReason": reason,
                }
            )
        yield {"StackEvents": newest_first}


@pytest.fixture
def cloud() -> CloudFormation:
    return CloudFormation()


@pytest.fixture
def stacks(cloud: CloudFormation) -> Stacks:
    account: Any = cloud
    return Stacks(account)


def deploy(stacks: Stacks, **parameters: str) -> dict[str, str]:
    return stacks.deploy("pictures", template_url="https://t", parameters=parameters)


def test_a_new_stack_is_created_and_its_progress_told(
    stacks: Stacks, cloud: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.to_come = [
        ("pictures", STACK, "CREATE_IN_PROGRESS", ""),
        ("Api", "AWS::ApiGateway::RestApi", "CREATE_COMPLETE", ""),
        ("pictures", STACK, "CREATE_COMPLETE", ""),
    ]
    assert deploy(stacks, functionMemory="4096") == {"aikitsInvokeURL": "https://x"}
    assert cloud.calls[0][1]["TemplateURL"] == "https://t"
    name, request = cloud.calls[0]
    assert name == "create"
    assert request["Capabilities"] == ["CAPABILITY_IAM"]
    assert request["Parameters"] == [{"ParameterKey": "functionMemory", "ParameterValue": "4096"}]
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 3
    assert "Api" in told[1]


def test_tags_are_those_that_were_given(stacks: Stacks, cloud: CloudFormation) -> None:
    def sent(tags: dict[str, str]) -> Any:
        cloud.to_come = [("pictures", STACK, "UPDATE_COMPLETE", "")]
        stacks.deploy("pictures", template_url="https://t", parameters={}, tags=tags)
        return cloud.calls[-1][1].get("Tags")

    existing(cloud)
    assert sent({"team": "images", "cost": "7"}) == [
        {"Key": "cost", "Value": "7"},
        {"Key": "team", "Value": "images"},
    ]
    assert sent({}) is None, "which leaves them as they are"


def test_a_failure_says_what_failed_first(stacks: Stacks, cloud: CloudFormation) -> None:
    cloud.to_come = [
        ("Function", "AWS::Lambda::Function", "CREATE_FAILED", "MemorySize is too large"),
        ("Api", "AWS::ApiGateway::RestApi", "CREATE_FAILED", "Resource creation cancelled"),
        ("pictures", STACK, "ROLLBACK_IN_PROGRESS", ""),
        ("pictures", STACK, "ROLLBACK_COMPLETE", ""),
    ]
    with pytest.raises(DeploymentError, match=r"ROLLBACK_COMPLETE.*MemorySize is too large"):
        deploy(stacks)


def test_the_log_that_says_why_is_printed_when_the_first_resource_fails(
    stacks: Stacks, cloud: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.to_come = [
        ("LoaderLog", "AWS::Logs::LogGroup", "CREATE_COMPLETE", ""),
        ("ModelFiles", "Custom::ModelFiles", "CREATE_FAILED", "no answer"),
        ("Api", "AWS::ApiGateway::RestApi", "CREATE_FAILED", "Resource creation cancelled"),
        ("pictures", STACK, "ROLLBACK_IN_PROGRESS", ""),
        ("pictures", STACK, "ROLLBACK_COMPLETE", ""),
    ]
    with pytest.raises(DeploymentError, match="ModelFiles: no answer"):
        deploy(stacks)
    told = capsys.readouterr().out.splitlines()
    assert told[2:4] == ["    trying again", "    the sha256 is wrong"]
    assert told[4].startswith("CREATE_FAILED"), "before anything is rolled back"


@pytest.mark.parametrize("is_there", [False, True])
def test_a_failed_stack_can_be_kept_as_it_is(
    stacks: Stacks, cloud: CloudFormation, *, is_there: bool
) -> None:
    if is_there:
        existing(cloud)
    for keep_failed in (True, False):
        cloud.to_come = [("pictures", STACK, "UPDATE_COMPLETE", "")]
        stacks.deploy(
            "pictures",
            template_url="https://t",
            parameters={},
            keep_failed=keep_failed,
        )
        assert cloud.calls[-1][1].get("DisableRollback", False) is keep_failed


def existing(cloud: CloudFormation) -> None:
    parameters = {"artifactPrefix": "old", "customAuthType": "NONE"}
    cloud.stack = {
        "StackId": ID,
        "StackStatus": "CREATE_COMPLETE",
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    }


def test_an_update_keeps_what_the_owner_chose_and_drops_what_the_template_lacks(
    stacks: Stacks, cloud: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    existing(cloud)
    cloud.events = [{"EventId": "old", "StackId": ID, "ResourceStatus": "CREATE_COMPLETE"}]
    cloud.to_come = [
        ("pictures", STACK, "UPDATE_IN_PROGRESS", ""),
        ("pictures", STACK, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""),
        ("pictures", STACK, "UPDATE_COMPLETE", ""),
    ]
    cloud.to_come.insert(0, ("pictures", STACK, "CREATE_COMPLETE", ""))
    deploy(stacks, functionMemory="2048")
    given = {each["ParameterKey"]: each for each in cloud.calls[0][1]["Parameters"]}
    assert set(given) == {"functionMemory", "customAuthType"}
    assert given["customAuthType"]["UsePreviousValue"] is True
    told = capsys.readouterr().out.splitlines()
    assert not [line for line in told if line.startswith("None")]


def test_an_update_without_changes_is_no_error(
    stacks: Stacks, cloud: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    existing(cloud)
    cloud.has_changes = False
    deploy(stacks)
    told = capsys.readouterr().out.splitlines()
    assert told == ["Nothing has changed in the stack pictures."]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("ROLLBACK_COMPLETE", "only be deleted: python -m cfn delete --stack pictures"),
        ("DELETE_FAILED", "only be deleted"),
        ("REVIEW_IN_PROGRESS", "only be deleted"),
        ("UPDATE_IN_PROGRESS", "wait until"),
        ("UPDATE_ROLLBACK_FAILED", "Continue update rollback"),
        ("CREATE_FAILED", "deploy again with --keep-failed"),
        ("UPDATE_FAILED", "deploy again with --keep-failed"),
    ],
)
def test_a_state_without_updates_is_told_with_what_to_do(
    stacks: Stacks, cloud: CloudFormation, state: str, said: str
) -> None:
    existing(cloud)
    assert cloud.stack is not None
    cloud.stack |= {"StackName": "pictures", "StackStatus": state}
    with pytest.raises(DeploymentError, match=f"{state}.*{said}"):
        deploy(stacks)
    assert cloud.calls == []


def test_a_stack_that_was_kept_goes_on_when_it_is_kept_again(
    stacks: Stacks, cloud: CloudFormation
) -> None:
    existing(cloud)
    assert cloud.stack is not None
    cloud.stack["StackStatus"] = "CREATE_FAILED"
    cloud.to_come = [("pictures", STACK, "UPDATE_COMPLETE", "")]
    stacks.deploy("pictures", template_url="https://t", parameters={}, keep_failed=True)
    assert cloud.calls[0][1]["DisableRollback"] is True


def test_a_deletion_waits_until_the_stack_is_gone(
    stacks: Stacks, cloud: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    existing(cloud)
    cloud.to_come = [
        ("pictures", STACK, "DELETE_IN_PROGRESS", ""),
        ("pictures", STACK, "DELETE_COMPLETE", ""),
    ]
    stacks.delete("pictures")
    assert cloud.calls == [("delete", {"StackName": ID})]
    told = capsys.readouterr().out.splitlines()
    assert told[-1].startswith("DELETE_COMPLETE")
    assert cloud.logs.deleted == ["the-EndpointLog"], "the other one went with the stack"


def test_a_deletion_that_keeps_something_is_an_error(stacks: Stacks, cloud: CloudFormation) -> None:
    existing(cloud)
    cloud.to_come = [
        ("ResultsBucket", "AWS::S3::Bucket", "DELETE_FAILED", "The bucket is not empty"),
        ("pictures", STACK, "DELETE_FAILED", ""),
    ]
    with pytest.raises(DeploymentError, match="not empty"):
        stacks.delete("pictures")


def test_a_stack_that_is_not_there_cannot_be_deleted(stacks: Stacks) -> None:
    with pytest.raises(
        DeploymentError, match="no stack pictures in this region; --stack names another"
    ):
        stacks.delete("pictures")


# ---------------------------------------------------------------- the bucket and the console


class Bucket:
    """A bucket that keeps what is sent to it."""

    def __init__(self, region: str = "us-east-1") -> None:
        self.region = region
        self.objects: dict[str, int] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.sent: list[str] = []

    def head_bucket(self, *, Bucket: str) -> dict[str, str]:  # noqa: N803
        if Bucket != "artifacts":
            raise refusal("Not Found", "404")
        return {"BucketRegion": self.region}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise refusal("Not Found", "404")
        return {"ContentLength": self.objects[Key], "Metadata": self.metadata.get(Key, {})}

    def upload_file(
        self,
        path: str,
        bucket: str,
        key: str,
        ExtraArgs: dict[str, Any] | None = None,  # noqa: N803
    ) -> None:
        self.objects[key] = Path(path).stat().st_size
        self.metadata[key] = (ExtraArgs or {}).get("Metadata", {})
        self.sent.append(key)


def files(folder: Path, *variants: Variant) -> Package:
    names = {name for each in variants for name in (*each.archives, each.template)}
    for name in names:
        (folder / name).write_bytes(name.encode())
    digests = {name: file_sha256(folder / name) for name in names if not name.endswith(".yaml")}
    return Package(folder=folder, digests=digests, variants=variants)


def test_archives_in_the_bucket_are_not_sent_again(tmp_path: Path) -> None:
    made = files(tmp_path, LAMBDA)
    bucket = Bucket()
    for _ in range(2):
        upload.upload(bucket, made, bucket="artifacts")
    assert bucket.sent.count(f"{made.prefix}/{FUNCTION_ARCHIVE}") == 1
    assert bucket.sent.count(f"{made.prefix}/lambda.yaml") == 1


def test_only_the_chosen_variant_is_sent(tmp_path: Path) -> None:
    files(tmp_path, *VARIANTS.values())
    bucket = Bucket()
    upload.upload(bucket, files(tmp_path, LAMBDA), bucket="artifacts")
    assert {key.rpartition("/")[2] for key in bucket.sent} == {*LAMBDA.archives, LAMBDA.template}


def test_an_archive_of_two_variants_is_sent_once(tmp_path: Path) -> None:
    bucket = Bucket()
    made = files(tmp_path, LAMBDA, GPU)
    upload.upload(bucket, made, bucket="artifacts")
    assert len([key for key in bucket.sent if key.endswith(FUNCTION_ARCHIVE)]) == 1


def test_an_object_of_the_same_size_with_other_contents_is_replaced(tmp_path: Path) -> None:
    bucket, made = Bucket(), files(tmp_path, LAMBDA)
    key = f"{made.prefix}/{FUNCTION_ARCHIVE}"
    bucket.objects[key] = (made.folder / FUNCTION_ARCHIVE).stat().st_size
    upload.upload(bucket, made, bucket="artifacts")
    assert key in bucket.sent


def test_a_bucket_elsewhere_or_nowhere_is_refused() -> None:
    upload.check_bucket(Bucket(), "artifacts", region="us-east-1")
    with pytest.raises(DeploymentError, match="is in us-east-1"):
        upload.check_bucket(Bucket(), "artifacts", region="eu-west-1")
    with pytest.raises(DeploymentError, match="aws s3 mb"):
        upload.check_bucket(Bucket(), "other", region="us-east-1")


def test_links_lead_to_the_partition_of_the_region() -> None:
    def link(region: str) -> str:
        return upload.launch_link(bucket="b", key="k/lambda.yaml", region=region, stack="s")

    assert link("us-east-1").endswith(
        "stackName=s&templateURL=https://b.s3.us-east-1.amazonaws.com/k/lambda.yaml"
    )
    assert link("cn-north-1").startswith("https://cn-north-1.console.amazonaws.cn/")
    assert link("cn-north-1").endswith("https://b.s3.cn-north-1.amazonaws.com.cn/k/lambda.yaml")
    assert link("us-gov-west-1").startswith("https://us-gov-west-1.console.amazonaws-us-gov.com/")
    assert link("us-gov-west-1").endswith("https://b.s3.us-gov-west-1.amazonaws.com/k/lambda.yaml")


def test_parameters_are_read_as_name_and_value() -> None:
    given = ["customAuthType=NONE", "domainName=", "x=a=b"]
    expected = {"customAuthType": "NONE", "domainName": "", "x": "a=b"}
    assert read_pairs(given, option="--parameter") == expected
    for bad in (["customAuthType"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(DeploymentError, match="--tag takes NAME=VALUE"):
            read_pairs(bad, option="--tag")


def test_inferentia_without_compiled_networks_is_refused_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["deploy", "inf", "--bucket", "b", "--region", "us-east-1"]) == 1
    assert "compile.py" in capsys.readouterr().err


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return monkeypatch


def delete_and_read(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["delete", "--stack", "s", "--region", "us-east-1"]) == 1
    return capsys.readouterr().err


@pytest.mark.usefixtures("nobody")
def test_without_credentials_the_console_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no AWS credentials" in delete_and_read(capsys)


def test_a_profile_that_is_not_there_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], nobody: pytest.MonkeyPatch
) -> None:
    nobody.setenv("AWS_PROFILE", "china")
    assert delete_and_read(capsys) == "The config profile (china) could not be found\n"


def test_every_refusal_of_aws_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], nobody: pytest.MonkeyPatch
) -> None:
    nobody.setenv("AWS_ACCESS_KEY_ID", "AK")
    nobody.setenv("AWS_SECRET_ACCESS_KEY", "SK")
    nobody.setenv("AWS_MAX_ATTEMPTS", "1")
    refusal = (
        b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>You may not</Message></Error>"
        b"</ErrorResponse>"
    )
    with Loopback(lambda request: Sent(status=403, body=refusal)) as server:
        nobody.setenv("AWS_ENDPOINT_URL", server.url)
        said = "AWS refused DescribeStacks: You may not (AccessDenied)\n"
        assert delete_and_read(capsys).endswith(said)
    assert "Could not connect to the endpoint" in delete_and_read(capsys)


@pytest.mark.parametrize("contents", [None, b"\xff\xfe"], ids=["no file", "no text"])
def test_a_list_that_cannot_be_read_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], contents: bytes | None
) -> None:
    path = tmp_path / "keys.txt"
    if contents is not None:
        path.write_bytes(contents)
    assert main(["bulk", "start", "--list", str(path), "--region", "us-east-1"]) == 1
    told = capsys.readouterr().err
    assert ("UTF-8" if contents else f"{path} cannot be used: No such file") in told
    assert len(told.splitlines()) == 1


def test_render_writes_all_templates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--out", str(tmp_path)]) == 0
    written = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert sorted(written) == sorted([*(each.template for each in STACKS.values()), BOOTSTRAP])
