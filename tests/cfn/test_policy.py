"""The deployer's rights are those of the calls that the commands make."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import botocore.session
from botocore import xform_name

from cfn.policy import ALWAYS, FOR_ASYNC, FOR_BULK, FOR_NETWORK, WITH_API, actions
from cfn.variants import STACKS
from tests.cfn.conftest import ROOT

PREFIXES = {
    "cloudformation": "cloudformation",
    "ec2": "ec2",
    "lambda": "lambda",
    "logs": "logs",
    "s3": "s3",
    "sagemaker-runtime": "sagemaker",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}
"""boto3's name of a service -> the prefix of its actions."""
OTHERWISE = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
"""Operations whose action has another name (service authorization reference)."""
OF_A_PUBLISHER = {"s3:GetBucketPolicy", "s3:PutBucketPolicy"}
INDIRECT = {
    "apigateway:GET": "the key that the check sends, by get_api_key",
    "execute-api:Invoke": "the check's signed requests",
    "lambda:InvokeFunction": "CloudFormation's, for custom resources",
    "s3:PutObject": "upload_file's too",
}
"""Actions that no operation of the same name needs, and why they are there."""


def operations() -> dict[str, set[str]]:
    """Return each service's operations, as boto3's methods, with their actions."""
    found: dict[str, set[str]] = {}
    session = botocore.session.get_session()
    for service, prefix in PREFIXES.items():
        for name in session.get_service_model(service).operation_names:
            action = f"{prefix}:{name}"
            found.setdefault(xform_name(name), set()).add(OTHERWISE.get(action, action))
    return found


def words() -> Iterator[str]:
    """Yield every attribute and text of the code that speaks to AWS; Jinja2 has a get_template."""
    for path in {*(ROOT / "cfn").glob("*.py")} - {ROOT / "cfn" / "templates.py"}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def called() -> set[str]:
    known = operations()
    named = {word for word in words() if re.fullmatch("[a-z0-9]+(_[a-z0-9]+)+", word)}
    return {action for word in named & known.keys() for action in known[word]}


def test_every_call_of_the_commands_is_allowed_to_the_deployer() -> None:
    allowed = set().union(*(actions(variant) for variant in STACKS.values()))
    assert called() - allowed - OF_A_PUBLISHER == set()


def test_nothing_is_allowed_for_the_commands_that_they_do_not_call() -> None:
    given = {*ALWAYS, *WITH_API, *FOR_BULK, *FOR_ASYNC, *FOR_NETWORK}
    assert given - called() - INDIRECT.keys() == set()


def test_a_reader_who_leaves_early_is_told_in_a_sentence() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "cfn", "policy", "lambda"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == "The output cannot be written: Broken pipe.\n"
    assert process.returncode == 1
