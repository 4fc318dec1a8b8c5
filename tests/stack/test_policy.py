"""The policy that `python -m cfn policy` prints is sufficient to deploy, and minimal.

`strict.py` lets CloudFormation act with the permissions of its caller, as AWS does.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfn.errors import DeploymentError
from cfn.policy import actions, documents, resource_rights
from cfn.stacks import Stacks
from cfn.variants import BULK, LAMBDA, Variant
from tests.stack.account import Account, Credentials
from tests.stack.conftest import PHOTOS, RESULTS
from tests.stack.deployed import POLL_SECONDS, Artifacts, Deployed, check, delete

SAMPLED = 20
OF_BULK = {
    "sourceBucket": PHOTOS,
    "sourcePrefix": "rights/",
    "targetBucket": RESULTS,
    "targetPrefix": "rights/",
}


@contextmanager
def as_user(account: Account, user: Credentials) -> Iterator[Stacks]:
    """Run the commands with the user's clients."""
    clients = {
        each: account.client_for(user, each, url=account.url) for each in ("cloudformation", "logs")
    }
    seen: Any = SimpleNamespace(
        client=clients.__getitem__, pause=lambda seconds: time.sleep(POLL_SECONDS)
    )
    yield Stacks(seen)
    for client in clients.values():
        client.close()


@pytest.fixture(autouse=True)
def rights(account: Account) -> Iterator[None]:
    account.be_strict(rights={**resource_rights(LAMBDA), **resource_rights(BULK)})
    yield
    account.be_strict()


def put_up(stacks: Stacks, name: str, artifacts: Artifacts, **parameters: str) -> dict[str, str]:
    url = f"{artifacts.bucket}/{artifacts.template_key}"
    return stacks.deploy(
        name,
        template_url=f"{stacks._client.meta.endpoint_url}/{url}",
        parameters=parameters,
    )


def test_the_printed_policy_allows_to_deploy_check_update_and_delete(
    account: Account, artifacts: Artifacts
) -> None:
    user = account.make_user_with(*documents(LAMBDA))
    with as_user(account, user) as stacks:
        outputs = put_up(stacks, "allowed", artifacts, requireApiKey="true")
        stack = Deployed(account=account, name="allowed", outputs=outputs)
        assert check(stack, user)[-1] == "The stack does its work."
        put_up(stacks, "allowed", artifacts, resultLinkSeconds="600")
        stacks.delete("allowed")
        assert stacks.describe("allowed") is None


def test_a_stranger_does_not_deploy(account: Account, artifacts: Artifacts) -> None:
    with as_user(account, account.make_user()) as stacks, pytest.raises(ClientError):
        put_up(stacks, "stranger", artifacts)


def without(variant: Variant, action: str) -> list[dict[str, Any]]:
    text = json.dumps(documents(variant))
    assert f'"{action}"' in text
    made: list[dict[str, Any]] = json.loads(text.replace(f'"{action}"', '"sts:GetCallerIdentity"'))
    return made


def sampled() -> list[str]:
    """Return a repeatable sample of the permissions on the bulk stack's resources."""
    found = sorted({action for each in resource_rights(BULK).values() for action in each})
    return sorted(random.Random(23).sample(found, SAMPLED))


@pytest.mark.parametrize("action", sampled())
def test_a_deployment_without_one_of_the_actions_names_it(
    account: Account,
    bulk_artifacts: Artifacts,
    action: str,
) -> None:
    user = account.make_user_with(*without(BULK, action))
    name = f"lacks-{action.replace(':', '-').lower()}"
    said = f"not authorized to perform: {action}"
    with as_user(account, user) as stacks, pytest.raises(DeploymentError, match=said):
        put_up(stacks, name, bulk_artifacts, **OF_BULK)
    account.be_strict()
    delete(account, name)


@pytest.mark.parametrize("action", ["cloudformation:CreateStack", "cloudformation:DescribeStacks"])
def test_without_a_right_of_the_commands_they_name_it(
    account: Account,
    bulk_artifacts: Artifacts,
    action: str,
) -> None:
    assert action in actions(BULK)
    user = account.make_user_with(*without(BULK, action))
    with as_user(account, user) as stacks, pytest.raises(ClientError, match=action):
        put_up(stacks, "commands", bulk_artifacts, **OF_BULK)


def test_documents_are_ones_that_iam_takes() -> None:
    for variant in (LAMBDA, BULK):
        for document in documents(variant):
            assert len(json.dumps(document, separators=(",", ":"))) <= 6144
        allowed = [
            action
            for document in documents(variant)
            for statement in document["Statement"]
            for action in [statement["Action"]]
        ]
        assert "*" not in json.dumps([each for each in allowed if each != "*"]).replace('"*"', "")
