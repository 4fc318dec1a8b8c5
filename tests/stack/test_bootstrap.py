"""The build of cfn/bootstrap.yaml in a plain shell, against the account that ministack plays.

It fetches an archive of this project, packages it, makes the account's bucket and deploys the bulk
stack, with the rights that the template gives it; and deletes the stack again. CodeBuild itself is
not played: its image has the `aws` command, which stands for boto3 here.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from cfn import package, templates
from cfn.stacks import stack_outputs
from testbed.loopback import Loopback, Received, Sent
from tests.cfn.resolver import Stack, load
from tests.stack.account import REGION, ROOT, Account, Credentials
from tests.stack.conftest import ARTIFACTS

SECONDS = 240
STACK = "from-an-archive"
PLACES = ("bootstrap-photos", "bootstrap-results")
AWS_COMMAND = """#!{python}
import sys, boto3
from botocore.exceptions import ClientError
words = sys.argv[1:]
if words[0] == "s3":
    bucket, _, key = words[-2].removeprefix("s3://").partition("/")
    boto3.client("s3").download_file(bucket, key, words[-1])
    sys.exit()
client, name = boto3.client("cloudformation"), words[words.index("--stack-name") + 1]
try:
    if words[1] == "wait":
        waiter = client.get_waiter(words[2].replace("-", "_"))
        waiter.wait(StackName=name, WaiterConfig=dict(Delay=1))
    else:
        getattr(client, words[1].replace("-", "_"))(StackName=name)
except ClientError as exc:
    # AWS takes the deletion of a stack that is not there (DeleteStack).
    sys.exit(0 if words[1] == "delete-stack" and "does not exist" in str(exc) else str(exc))
"""
NOTHING = "nothing was started"


@dataclass
class Answers:
    """The answers that CloudFormation got."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def take(self, request: Received) -> Sent:
        self.told.append(json.loads(request.body))
        return Sent()


@pytest.fixture(scope="module")
def bootstrap() -> Stack:
    given: dict[str, Any] = {"source": f"s3://{ARTIFACTS}/release.tar.gz", "sourceSha256": "0" * 64}
    return Stack(load(templates.render_bootstrap()), variant="bulk", stackName=STACK, **given)


@pytest.fixture(scope="module")
def deployer(account: Account, bootstrap: Stack) -> Credentials:
    """A user with the permissions of the project's role."""
    policies = bootstrap.of_type("AWS::IAM::ManagedPolicy").values()
    return account.make_user_with(*(each["PolicyDocument"] for each in policies))


@pytest.fixture(scope="module")
def sha256(account: Account, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the archive in its bucket: this project, with no wheels to be fetched."""
    folder = tmp_path_factory.mktemp("release")
    path, nothing = folder / "release.tar.gz", folder / "downloaded.txt"
    nothing.write_text(package.FUNCTION_LOCK.read_text())
    with tarfile.open(path, "w:gz") as archive:
        for name in ("backend", "cfn", "requirements.lock"):
            archive.add(ROOT / name, f"release-1/{name}", filter=without_caches)
        archive.add(nothing, "release-1/build/cfn/function/downloaded.txt")
    account.client("s3").upload_file(str(path), ARTIFACTS, "release.tar.gz")
    for bucket in PLACES:
        account.make_bucket(bucket)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else entry


@pytest.fixture
def answers() -> Iterator[tuple[Answers, str]]:
    made = Answers()
    with Loopback(made.take) as server:
        yield made, server.url


def script(bootstrap: Stack) -> str:
    """Return the commands of CodeBuild."""
    spec = yaml.safe_load(bootstrap.properties("Project")["Source"]["BuildSpec"])
    (command,) = spec["phases"]["build"]["commands"]
    return str(command)


def request(
    bootstrap: Stack, kind: str, url: str, *, made: str | None = None, **changed: str
) -> dict[str, Any]:
    properties = {**bootstrap.properties("Deployment"), **changed}
    return {
        **({} if made is None else {"PhysicalResourceId": made}),
        "RequestType": kind,
        "ResponseURL": f"{url}/answer",
        "StackId": "arn:aws:cloudformation:eu-west-1:1:stack/bootstrap/1",
        "RequestId": "r-1",
        "LogicalResourceId": "Deployment",
        "ResourceProperties": properties,
    }


def build(
    account: Account, folder: Path, user: Credentials, command: str, event: dict[str, Any]
) -> int:
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in (
        ("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n'),
        ("aws", AWS_COMMAND.format(python=sys.executable)),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "REQUEST": json.dumps(event),
        "AWS_ENDPOINT_URL": account.url,
        "AWS_CA_BUNDLE": str(account.certificates),
        "AWS_ACCESS_KEY_ID": user.key,
        "AWS_SECRET_ACCESS_KEY": user.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    finished = subprocess.run(
        ["bash", "-c", command],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    sys.stdout.write(finished.stdout + finished.stderr)
    return finished.returncode


def described(account: Account) -> dict[str, Any] | None:
    client = account.client("cloudformation")
    found = [
        each
        for each in client.describe_stacks()["Stacks"]
        if each["StackName"] == STACK and each["StackStatus"] != "DELETE_COMPLETE"
    ]
    return found[0] if found else None


def test_the_build_leaves_a_stack_that_works_and_takes_it_away_again(
    account: Account,
    bootstrap: Stack,
    deployer: Credentials,
    sha256: str,
    answers: tuple[Answers, str],
    tmp_path: Path,
) -> None:
    told, url = answers[0].told, answers[1]
    given = {
        "Sha256": sha256,
        "Parameters": f"sourceBucket={PLACES[0]} sourcePrefix=a/ targetBucket={PLACES[1]} "
        "targetPrefix=b/ maxConcurrency=2",
    }
    event = request(bootstrap, "Create", url, **given)
    assert build(account, tmp_path, deployer, script(bootstrap), event) == 0
    (answer,) = told
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", STACK)
    assert "The stack does its work." in answer["Reason"]
    found = described(account)
    assert found is not None
    assert answer["Data"]["Address"] == stack_outputs(found)["StateMachineArn"]
    bucket = f"super-resolution-{found['StackId'].split(':')[4]}-{REGION}"
    versions = account.client("s3").get_bucket_versioning(Bucket=bucket)
    assert versions["Status"] == "Enabled"

    event = request(bootstrap, "Create", url, **given)
    assert build(account, tmp_path, deployer, script(bootstrap), event) != 0
    assert f"There is a stack {STACK} already" in told[-1]["Reason"]
    assert told[-1]["PhysicalResourceId"] == NOTHING, "so that its rollback takes nothing away"
    assert described(account) is not None

    # The archive may be gone by then.
    gone = {**given, "Source": f"s3://{ARTIFACTS}/gone.tar.gz"}
    for _ in range(2):
        event = request(bootstrap, "Delete", url, made=STACK, **gone)
        assert build(account, tmp_path, deployer, script(bootstrap), event) == 0
        assert told[-1]["Status"] == "SUCCESS"
        assert described(account) is None


def test_another_archive_than_the_named_one_is_not_unpacked(
    account: Account,
    bootstrap: Stack,
    deployer: Credentials,
    sha256: str,
    answers: tuple[Answers, str],
    tmp_path: Path,
) -> None:
    event = request(bootstrap, "Create", answers[1], Sha256="0" * 64)
    assert build(account, tmp_path, deployer, script(bootstrap), event) != 0
    (answer,) = answers[0].told
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", NOTHING)
    assert "checksum" in answer["Reason"]
    assert not list(tmp_path.glob("*/code/cfn"))
    assert described(account) is None


class CodeBuild:
    """An account that has no builds, as a new one may have, or one that takes them."""

    def __init__(self, *, is_full: bool) -> None:
        self.is_full = is_full
        self.started: list[dict[str, Any]] = []

    def client(self, service: str) -> CodeBuild:
        assert service == "codebuild"
        return self

    def start_build(self, **given: Any) -> None:
        if self.is_full:
            raise RuntimeError("Cannot have more than 0 builds in queue for the account")
        self.started.append(given)


def starter(bootstrap: Stack, builds: CodeBuild, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the function that starts the builds."""
    monkeypatch.setitem(sys.modules, "boto3", builds)
    monkeypatch.setenv("PROJECT", "builds")
    names: dict[str, Any] = {}
    exec(bootstrap.properties("Starter")["Code"]["ZipFile"], names)
    return names["handler"]


def test_a_creation_that_could_not_be_started_is_rolled_back_without_a_build(
    bootstrap: Stack, answers: tuple[Answers, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, url = answers[0].told, answers[1]
    handler = starter(bootstrap, CodeBuild(is_full=True), monkeypatch)
    handler(request(bootstrap, "Create", url), None)
    assert told[-1]["Status"] == "FAILED"
    assert "0 builds in queue" in told[-1]["Reason"]
    handler(request(bootstrap, "Delete", url, made=told[-1]["PhysicalResourceId"]), None)
    assert told[-1]["Status"] == "SUCCESS"


def test_a_request_reaches_the_build_without_what_was_before(
    bootstrap: Stack, answers: tuple[Answers, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = CodeBuild(is_full=False)
    event = request(bootstrap, "Update", answers[1], made=STACK)
    old = {**event, "OldResourceProperties": event["ResourceProperties"]}
    starter(bootstrap, builds, monkeypatch)(old, None)
    (started,) = builds.started
    (variable,) = started["environmentVariablesOverride"]
    assert json.loads(variable["value"]) == event
    assert not answers[0].told


def test_the_template_can_be_pasted() -> None:
    assert len(templates.render_bootstrap().encode()) <= 51_200
