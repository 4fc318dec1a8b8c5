"""The Lambda stack, deployed, called, changed and deleted in ministack's account.

The functions run the real handlers with the real networks, and signatures, policies, API keys,
throttling and TLS are checked. ministack takes some things and does nothing with them, so they are
not shown here: access logs, the mount and its read-only way, networks and their rules, and the
statement that denies the code what Lambda itself needs for its network interfaces (it depends on a
key that ministack does not know). It believes the digest of the body that a request names, its
answer to callers without permission is its own and not the stack's, and a method answers as it is
now, not as its stage's deployment has it: so the deployment is looked at, too.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import requests
from botocore.exceptions import ClientError
from PIL import Image

from backend import LocalEngine, UpscaleOptions
from backend.models.manifest import SHIPPED
from backend.requests.reply import CORS_HEADERS
from cfn.errors import DeploymentError
from cfn.upload import upload
from cfn.variants import LAMBDA
from tests.cfn.conftest import text_of
from tests.cfn.resolver import load, load_file
from tests.stack.account import ROOT, Account, Credentials
from tests.stack.adapted import CHANGED, REFUSED, adapted
from tests.stack.conftest import ARTIFACTS, INPUTS
from tests.stack.deployed import (
    Artifacts,
    Deployed,
    body_from,
    check,
    delete,
    deploy,
    deploy_with,
    put_artifacts,
)
from tests.stack.inventory import inventory
from tests.stack.listening import listening

DROPPED = (
    "FilesFromFunction AWS::EC2::SecurityGroupIngress",
    "FunctionToFiles AWS::EC2::SecurityGroupEgress",
    "FunctionToWeb AWS::EC2::SecurityGroupEgress",
    "LoaderFunction.DependsOn FilesFromFunction",
    "LoaderFunction.DependsOn FunctionToFiles",
    "NatAddress AWS::EC2::EIP",
    "NatGateway AWS::EC2::NatGateway",
    "PrivateRouteOut AWS::EC2::Route",
    "WebAclAssociation AWS::WAFv2::WebACLAssociation",
)


@pytest.fixture(scope="module")
def caller(stack: Deployed) -> Credentials:
    """A user who may call the stack's API, and nothing else."""
    return stack.account.make_user("execute-api:Invoke", stack.arn)


@pytest.fixture(scope="module")
def api_key(stack: Deployed) -> str:
    return stack.api_key


@pytest.fixture
def picture(photo_bytes: Callable[..., bytes]) -> bytes:
    return photo_bytes("PNG")


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return the status, and the code of the project's errors."""
    body = answer.json()
    assert set(body) == {"error", "message", "details", "request_id"}, body
    return answer.status_code, body["error"]


# ---------------------------------------------------------------- what is tested, and where


def test_ministack_listens_on_this_machine_only(account: Account, stack: Deployed) -> None:
    expected = {("127.0.0.1", account.https_port), ("127.0.0.1", account.http_port)}
    assert listening(account.pid) == expected


def test_a_server_at_another_address_would_be_seen() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        assert ("127.0.0.2", server.getsockname()[1]) in listening(os.getpid())


def test_the_types_dropped_from_the_template_are_known(
    mount: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = adapted(load(text_of(LAMBDA)), mount=mount)
    with capsys.disabled():
        sys.stdout.write("\nministack gets lambda.yaml without\n")
        sys.stdout.writelines(f"  {each}\n" for each in made.dropped)
        sys.stdout.write(f"and with a folder of the tests in {', '.join(made.changed)}\n")
    assert made.dropped == DROPPED
    assert made.changed == CHANGED


def test_the_rest_of_the_template_is_unchanged(mount: Path) -> None:
    whole = load(text_of(LAMBDA))
    made = adapted(whole, mount=mount).template
    of_function = whole["Resources"]["Function"]["Properties"]["FileSystemConfigs"]["Fn::If"][1]
    of_loader = whole["Resources"]["LoaderFunction"]["Properties"]["FileSystemConfigs"]
    mounted = {each[0]["LocalMountPath"] for each in (of_function, of_loader)}
    assert mounted == {whole["Resources"]["ModelFiles"]["Properties"]["Directory"]}
    for name, resource in made["Resources"].items():
        same = dict(resource)
        if name == "ModelFiles":
            same["Properties"] = {**same["Properties"], "Directory": mounted.pop()}
        if name == "Function":
            same = copy.deepcopy(same)
            variables = same["Properties"]["Environment"]["Variables"]
            assert variables.pop("SR_ALLOW_PRIVATE_SOURCES") == "1"
        if "DependsOn" in same:
            same["DependsOn"] = whole["Resources"][name]["DependsOn"]
        assert same == whole["Resources"][name]
    assert {key: made[key] for key in made if key != "Resources"} == {
        key: whole[key] for key in whole if key != "Resources"
    }


def test_the_whole_template_is_refused_for_the_dropped_types_only(
    account: Account, artifacts: Artifacts
) -> None:
    wanted = {
        **dict.fromkeys(("enableNat", "enableWaf", "requireApiKey"), "true"),
        "modelStorage": "efs",
    }
    with pytest.raises(ClientError) as caught:
        account.client("cloudformation").create_stack(
            StackName="whole",
            TemplateURL=f"{account.url}/{artifacts.bucket}/{artifacts.prefix}/{LAMBDA.template}",
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in wanted.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
    message = caught.value.response["Error"]["Message"]
    assert f"Unrecognized resource types: [{', '.join(REFUSED)}]" in message


# ---------------------------------------------------------------- calls


def test_a_signed_call_gets_the_picture_that_the_engine_makes(
    stack: Deployed, caller: Credentials, api_key: str, picture: bytes, engine: LocalEngine
) -> None:
    answer = stack.call(body_from(picture, scale="4"), signer=caller, api_key=api_key)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    result = opened(base64.b64decode(body["result"]))
    assert result.size == (96 * 4, 64 * 4) == (body["width"], body["height"])
    expected = engine.upscale(picture, UpscaleOptions(scale=4))
    assert np.array_equal(np.asarray(result), np.asarray(opened(expected.data)))


def test_with_networks_in_the_package_there_is_no_network_to_be_in(stack: Deployed) -> None:
    function = stack.configuration("Function")
    assert not function.get("VpcConfig", {}).get("SubnetIds")
    assert function["Environment"]["Variables"]["SR_MODELS_DIR"] == ""
    for name in ("Vpc", "Files", "LoaderFunction"):
        with pytest.raises(ClientError, match=name):
            stack.physical_id(name)


def test_the_networks_were_brought_to_the_file_system_by_the_stack(
    on_files: Deployed, mount: Path, artifacts: Artifacts
) -> None:
    variables = on_files.configuration("Function")["Environment"]["Variables"]
    folder = Path(variables["SR_MODELS_DIR"])
    assert folder == mount / artifacts.package.digests["models.zip"][:16]
    for file in folder.iterdir():
        assert file.read_bytes() == (SHIPPED / file.name).read_bytes()


def test_a_session_of_a_role_with_the_permission_may_call(
    stack: Deployed, api_key: str, picture: bytes
) -> None:
    session = stack.account.make_session("execute-api:Invoke", stack.arn)
    assert stack.call(body_from(picture), signer=session, api_key=api_key).status_code == 200
    stolen = Credentials(key=session.key, secret=session.secret)
    assert stack.call(body_from(picture), signer=stolen, api_key=api_key).status_code == 403


def test_a_wrong_secret_is_refused(
    stack: Deployed, caller: Credentials, api_key: str, picture: bytes
) -> None:
    wrong = Credentials(key=caller.key, secret=caller.secret[::-1])
    answer = stack.call(body_from(picture), signer=wrong, api_key=api_key)
    assert refusal(answer) == (403, "invalid_signature")


def test_a_signature_is_not_good_for_ever(
    stack: Deployed, caller: Credentials, api_key: str, picture: bytes
) -> None:
    now = datetime.now(UTC)
    statuses = [
        stack.call(
            body_from(picture), moment=now - timedelta(minutes=age), signer=caller, api_key=api_key
        ).status_code
        for age in (1, 60)
    ]
    assert statuses == [200, 403]


def test_a_call_without_signature_is_refused(stack: Deployed, api_key: str, picture: bytes) -> None:
    answer = stack.call(body_from(picture), api_key=api_key)
    assert refusal(answer) == (403, "missing_authentication")


@pytest.mark.parametrize(
    "allowed",
    [
        None,
        ("execute-api:Invoke", "/test/POST/"),
        ("execute-api:Invoke", "/prod/GET/"),
        ("execute-api:ManageConnections", "/prod/POST/"),
    ],
    ids=str,
)
def test_a_caller_without_the_permission_is_refused(
    stack: Deployed, api_key: str, picture: bytes, allowed: tuple[str, str] | None
) -> None:
    if allowed is None:
        stranger = stack.account.make_user()
    else:
        action, place = allowed
        stranger = stack.account.make_user(action, stack.arn.replace("/prod/POST/", place))
    answer = stack.call(body_from(picture), signer=stranger, api_key=api_key)
    assert answer.status_code == 403
    assert "is not authorized to perform: execute-api:Invoke" in answer.text


@pytest.mark.parametrize("key", [None, "0123456789abcdef0123456789abcdef01234567"])
def test_a_missing_or_wrong_api_key_is_refused(
    stack: Deployed, caller: Credentials, picture: bytes, key: str | None
) -> None:
    answer = stack.call(body_from(picture), signer=caller, api_key=key)
    assert refusal(answer) == (403, "invalid_api_key")


def test_an_error_of_the_function_keeps_its_status(
    stack: Deployed, caller: Credentials, api_key: str, picture: bytes
) -> None:
    answer = stack.call(body_from(picture, scale=3), signer=caller, api_key=api_key)
    assert refusal(answer) == (400, "unsupported_scale")
    answer = stack.call(body_from(b"no picture"), signer=caller, api_key=api_key)
    assert refusal(answer) == (415, "unsupported_media_type")


@pytest.fixture(scope="module")
def validated(stack: Deployed) -> Iterator[Deployed]:
    """The stack with the template's validator at its method, made once more.

    ministack takes validators from callers but not from templates; the model is the stack's own.
    """
    gateway = stack.account.client("apigateway")
    template = load(text_of(LAMBDA))
    wanted = template["Resources"]["RequestValidator"]["Properties"]
    validator = gateway.create_request_validator(
        restApiId=stack.api_id,
        validateRequestBody=wanted["ValidateRequestBody"],
        validateRequestParameters=wanted["ValidateRequestParameters"],
    )["id"]

    def use(value: str) -> None:
        gateway.update_method(
            restApiId=stack.api_id,
            resourceId=stack.physical_id("ResolutionResource"),
            httpMethod="POST",
            patchOperations=[{"op": "replace", "path": "/requestValidatorId", "value": value}],
        )

    use(validator)
    yield stack
    use("")
    gateway.delete_request_validator(restApiId=stack.api_id, requestValidatorId=validator)


@pytest.mark.parametrize(
    "body",
    ["", "no JSON", "[]", "{}", '{"img": 5}', '{"img": "AA", "scale": "two"}', '{"scale": 2}'],
)
def test_bodies_that_are_no_request_never_reach_the_function(
    validated: Deployed, caller: Credentials, api_key: str, body: str
) -> None:
    answer = validated.call(body, signer=caller, api_key=api_key)
    assert refusal(answer) == (400, "invalid_request")
    assert "X-Request-Id" not in answer.headers, "the function gives one"


@pytest.mark.parametrize(
    "fields",
    [{}, {"scale": 2}, {"scale": "2"}, {"scale": None, "url": None, "cleanup": 40}],
    ids=str,
)
def test_every_way_to_write_a_request_passes_the_model(
    validated: Deployed,
    caller: Credentials,
    api_key: str,
    picture: bytes,
    fields: dict[str, object],
) -> None:
    answer = validated.call(body_from(picture, **fields), signer=caller, api_key=api_key)
    assert answer.status_code == 200, answer.text


def test_a_browser_may_ask_before_it_posts(stack: Deployed) -> None:
    answer = stack.call("", method="OPTIONS")
    assert answer.status_code == 204
    assert {name: answer.headers[name] for name in CORS_HEADERS} == CORS_HEADERS


# ---------------------------------------------------------------- buckets


def test_a_picture_may_come_from_the_allowed_bucket_only(
    stack: Deployed, caller: Credentials, api_key: str, picture: bytes
) -> None:
    for bucket in (INPUTS, ARTIFACTS):
        stack.account.client("s3").put_object(Bucket=bucket, Key="cat.png", Body=picture)
    allowed, other = (json.dumps({"url": f"s3://{each}/cat.png"}) for each in (INPUTS, ARTIFACTS))
    answer = stack.call(allowed, signer=caller, api_key=api_key)
    assert answer.status_code == 200, answer.text
    assert opened(base64.b64decode(answer.json()["result"])).size == (192, 128)
    answer = stack.call(other, signer=caller, api_key=api_key)
    assert refusal(answer) == (403, "source_not_allowed")


def test_a_result_that_is_too_large_comes_as_a_link(
    stack: Deployed, caller: Credentials, api_key: str
) -> None:
    noise = io.BytesIO()
    pixels = np.random.default_rng(5).integers(0, 256, (448, 448, 3), np.uint8)
    Image.fromarray(pixels).save(noise, "PNG")
    answer = stack.call(body_from(noise.getvalue(), scale=4), signer=caller, api_key=api_key)
    assert answer.status_code == 200, answer.text
    link = answer.json()["result_url"]
    certificates = str(stack.account.certificates)
    with requests.Session() as session:
        session.trust_env = False
        fetched = session.get(link, verify=certificates, timeout=30)
        assert fetched.status_code == 200
        assert opened(fetched.content).size == (1792, 1792)
        wrong = session.get(link[:-1] + ("0" if link[-1] != "0" else "1"), verify=certificates)
        assert wrong.status_code == 403


def test_results_are_not_read_without_tls(stack: Deployed) -> None:
    account = stack.account
    user = account.make_user("s3:*")
    account.client("s3").put_object(Bucket=stack.results, Key="result", Body=b"a picture")
    statuses = []
    for url in (account.url, account.url_without_tls):
        client = account.client_for(user, "s3", url=url)
        try:
            statuses.append(client.get_object(Bucket=stack.results, Key="result")["Body"].read())
        except ClientError as exc:
            statuses.append(exc.response["Error"]["Code"])
        finally:
            client.close()
    assert statuses == [b"a picture", "AccessDenied"]


@pytest.mark.parametrize(
    ("role", "service", "operation", "parameters", "outcome"),
    [
        ("FunctionRole", "s3", "put_object", "results", "done"),
        ("FunctionRole", "s3", "get_object", "results", "done"),
        ("FunctionRole", "s3", "get_object", "inputs", "done"),
        ("FunctionRole", "s3", "delete_object", "results", "AccessDenied"),
        ("FunctionRole", "s3", "put_object", "inputs", "AccessDenied"),
        ("FunctionRole", "s3", "get_object", "models", "AccessDenied"),
        ("FunctionRole", "s3", "put_object", "models", "AccessDenied"),
        ("FunctionRole", "s3", "list_buckets", None, "AccessDenied"),
        ("FunctionRole", "iam", "list_users", None, "AccessDenied"),
        ("FunctionRole", "lambda", "list_functions", None, "AccessDeniedException"),
        ("LoaderRole", "s3", "get_object", "models", "done"),
        ("LoaderRole", "s3", "put_object", "models", "AccessDenied"),
        ("LoaderRole", "s3", "get_object", "code", "AccessDenied"),
        ("LoaderRole", "s3", "get_object", "inputs", "AccessDenied"),
        ("LoaderRole", "s3", "get_object", "results", "AccessDenied"),
        ("LoaderRole", "s3", "put_object", "results", "AccessDenied"),
        ("CleanupRole", "s3", "get_object", "results", "AccessDenied"),
        ("CleanupRole", "s3", "put_object", "results", "AccessDenied"),
        ("CleanupRole", "s3", "delete_object", "models", "AccessDenied"),
        ("CleanupRole", "s3", "delete_object", "inputs", "AccessDenied"),
        ("CleanupRole", "s3", "delete_object", "results", "done"),
    ],
)
def test_a_role_may_do_what_its_function_does_and_nothing_else(
    on_files: Deployed,
    artifacts: Artifacts,
    role: str,
    service: str,
    operation: str,
    parameters: str | None,
    outcome: str,
) -> None:
    places = {
        "results": (on_files.results, "any.png"),
        "inputs": (INPUTS, "any.png"),
        "models": (ARTIFACTS, f"{artifacts.prefix}/models.zip"),
        "code": (ARTIFACTS, f"{artifacts.prefix}/function.zip"),
    }
    given = {}
    if parameters is not None:
        bucket, key = places[parameters]
        if parameters in ("results", "inputs"):
            on_files.account.client("s3").put_object(Bucket=bucket, Key=key, Body=b"something")
        given = {"Bucket": bucket, "Key": key}
        if operation == "put_object":
            given["Body"] = "something else"
    done = on_files.account.act_as(on_files.role_arn(role), service, operation, **given)
    assert done == outcome


# ---------------------------------------------------------------- changes


@pytest.mark.parametrize("storage", ["package", "efs"])
def test_a_life_of_a_stack_from_its_creation_to_nothing(
    account: Account, artifacts: Artifacts, storage: str
) -> None:
    """The stack is created, checked, updated by a parameter, checked again, and deleted."""
    before = inventory(account)
    given = {"modelStorage": storage, "accessLog": "off", "requireApiKey": "true"}
    stack = deploy(account, "life", artifacts, enableNat="true", **given)
    caller = account.make_user("execute-api:Invoke", stack.arn)
    version = stack.physical_id("FunctionVersion")
    told = check(stack, caller)
    assert len([line for line in told if line.startswith("ok")]) == 5
    assert told[-1] == "The stack does its work."

    stack = deploy(account, "life", artifacts, throttlingRateLimit="7")
    assert stack.physical_id("FunctionVersion") == version, "the function has not changed"
    check(stack, caller)
    stack = deploy(account, "life", artifacts, resultLinkSeconds="600", integrationTimeout="60")
    assert stack.physical_id("FunctionVersion") != version
    check(stack, caller)

    stranger = account.make_user()
    with pytest.raises(DeploymentError, match="requests went wrong"):
        check(stack, stranger)
    delete(account, "life")
    assert inventory(account) == before


def test_the_same_code_in_another_folder_is_no_reason_for_a_new_version(
    account: Account, artifacts: Artifacts, mount: Path
) -> None:
    """AWS publishes no version of a function that has not changed, and the update would fail."""
    stack = deploy(account, "moved", artifacts, accessLog="off")
    version = stack.physical_id("FunctionVersion")
    moved = replace(artifacts.package, release="another-folder")
    moved.write_templates(bucket=ARTIFACTS)
    upload(account.client("s3"), moved, bucket=ARTIFACTS)
    again = replace(artifacts, package=moved)
    template = adapted(load_file(moved.folder / LAMBDA.template), mount=mount).template
    body = json.dumps(template).encode()
    account.client("s3").put_object(Bucket=ARTIFACTS, Key=again.template_key, Body=body)
    stack = deploy(account, "moved", again, accessLog="off")
    assert stack.physical_id("FunctionVersion") == version
    delete(account, "moved")


def served(stack: Deployed) -> tuple[str, bool]:
    """Return the stage's deployment, and whether the API then required a key."""
    gateway = stack.account.client("apigateway")
    stage = gateway.get_stage(restApiId=stack.api_id, stageName="prod")
    deployment = gateway.get_deployment(
        restApiId=stack.api_id, deploymentId=stage["deploymentId"], embed=["apisummary"]
    )
    asks = deployment["apiSummary"]["/resolution"]["POST"]["apiKeyRequired"]
    return stage["deploymentId"], asks


def test_a_change_of_who_may_call_reaches_the_stage(
    account: Account, artifacts: Artifacts, picture: bytes
) -> None:
    body = body_from(picture)
    found = []

    def change(**parameters: str) -> Deployed:
        stack = deploy(account, "changing", artifacts, **parameters)
        found.append(served(stack))
        return stack

    closed = change(requireApiKey="true")
    caller = account.make_user("execute-api:Invoke", closed.arn)
    assert refusal(closed.call(body)) == (403, "missing_authentication")
    assert closed.call(body, signer=caller, api_key=closed.api_key).status_code == 200

    free = change(customAuthType="NONE", requireApiKey="false")
    assert free.outputs["aikitsInvokeURL"] == closed.outputs["aikitsInvokeURL"]
    assert "ApiKeyId" not in free.outputs
    answer = free.call(body)
    assert answer.status_code == 200, answer.text
    assert opened(base64.b64decode(answer.json()["result"])).size == (192, 128)

    keyed = change(requireApiKey="true")
    assert refusal(keyed.call(body)) == (403, "invalid_api_key")
    assert keyed.call(body, api_key=keyed.api_key).status_code == 200

    signed = change(customAuthType="AWS_IAM", requireApiKey="false")
    assert refusal(signed.call(body)) == (403, "missing_authentication")
    assert signed.call(body, signer=caller).status_code == 200

    assert [asked for _, asked in found] == [True, False, True, False]
    assert len({deployment for deployment, _ in found}) == 4
    slow = change(throttlingRateLimit="1", throttlingBurstLimit="1")
    assert found[-1] == found[-2], "who may call was not changed"
    answers = [slow.call("", method="OPTIONS") for _ in range(5)]
    refused = [each for each in answers if each.status_code != 204]
    assert {refusal(each) for each in refused} == {(429, "too_many_requests")}
    delete(account, "changing")


def test_new_networks_and_settings_reach_the_function_that_is_called(
    account: Account, artifacts: Artifacts, mount: Path, tmp_path: Path, picture: bytes
) -> None:
    shutil.copytree(SHIPPED, tmp_path / "models")
    manifest = tmp_path / "models" / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    newer = put_artifacts(
        account, tmp_path / "made", bucket=ARTIFACTS, mount=mount, models=tmp_path / "models"
    )
    functions = account.client("lambda")

    def live(stack: Deployed) -> tuple[str, int, str]:
        name = stack.physical_id("Function")
        found = functions.get_function_configuration(FunctionName=name, Qualifier="live")
        folder = found["Environment"]["Variables"]["SR_MODELS_DIR"]
        return found["Version"], found["MemorySize"], folder

    stack = deploy(account, "growing", artifacts, customAuthType="NONE", modelStorage="efs")
    before = live(stack)
    stack = deploy(account, "growing", newer, functionMemory="2048")
    after = live(stack)
    assert before[0] != after[0]
    assert (before[1], after[1]) == (3008, 2048)
    assert Path(after[2]) == mount / newer.package.digests["models.zip"][:16]
    assert Path(after[2], "manifest.json").read_text() == manifest.read_text()
    assert stack.call(body_from(picture)).status_code == 200
    delete(account, "growing")


def test_two_stacks_stand_side_by_side(
    account: Account, stack: Deployed, artifacts: Artifacts, picture: bytes
) -> None:
    second = deploy(account, "beside", artifacts, requireApiKey="true", enableWaf="true")
    assert second.api_id != stack.api_id
    mine = account.make_user("execute-api:Invoke", second.arn)
    assert second.call(body_from(picture), signer=mine, api_key=second.api_key).status_code == 200
    assert second.call(body_from(picture), signer=mine, api_key=stack.api_key).status_code == 403
    assert stack.call(body_from(picture), signer=mine, api_key=stack.api_key).status_code == 403
    delete(account, "beside")


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize("storage", ["package", "efs"])
def test_a_deletion_leaves_what_the_documentation_says_and_nothing_else(
    account: Account, artifacts: Artifacts, picture: bytes, storage: str
) -> None:
    before = inventory(account)
    stack = deploy(
        account,
        f"ending-{storage}",
        artifacts,
        accessLog="create-role",
        customAuthType="NONE",
        modelStorage=storage,
    )
    answer = stack.call(body_from(picture, output="url"))
    assert answer.status_code == 200, answer.text
    there = {name for kind, name in inventory(account) if kind == f"s3 {stack.results}"}
    assert len(there) == 1, "there should be a result, which a bucket is not deleted with"
    log_role = stack.physical_id("ApiLogRole")
    delete(account, f"ending-{storage}")
    assert inventory(account) - before == {("iam Roles", log_role)}
    assert before <= inventory(account)
    assert "ApiLogRole" in log_role
    assert "the role `…-ApiLogRole-…`" in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    at = account.client("apigateway").get_account()["cloudwatchRoleArn"]
    assert at.endswith(f"role/{log_role}")


def test_without_an_access_log_nothing_is_left(account: Account, artifacts: Artifacts) -> None:
    before = inventory(account)
    wanted = dict.fromkeys(("requireApiKey", "enableWaf"), "true")
    deploy(account, "ending", artifacts, accessLog="off", modelStorage="efs", **wanted)
    assert len(inventory(account) - before) > 20
    delete(account, "ending")
    assert inventory(account) == before


def with_another_sha256(account: Account, artifacts: Artifacts, path: Path) -> Artifacts:
    """Return the artifacts with a template that expects other networks."""
    template = json.loads(artifacts.template.read_text())
    template["Mappings"]["Package"]["Models"]["Sha256"] = "0" * 64
    path.write_text(json.dumps(template))
    changed = replace(artifacts, template=path)
    account.client("s3").upload_file(str(path), ARTIFACTS, changed.template_key)
    return changed


def test_networks_that_were_changed_end_the_creation_and_only_the_log_that_says_so_is_left(
    account: Account, artifacts: Artifacts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = inventory(account)
    changed = with_another_sha256(account, artifacts, tmp_path / "changed.json")
    uploaded = {(f"s3 {ARTIFACTS}", changed.template_key)}
    with pytest.raises(DeploymentError, match=r"ModelFiles: The archive's sha256 is not the one"):
        deploy_with(account, "broken", changed, {"modelStorage": "efs"})
    told = capsys.readouterr().out.splitlines()
    failed = next(at for at, line in enumerate(told) if "CREATE_FAILED" in line)
    rolled_back = next(at for at, line in enumerate(told) if "ROLLBACK_IN_PROGRESS" in line)
    log = [line for line in told[failed + 1 : rolled_back] if line.startswith("    ")]
    assert "sha256" in "".join(log), "what the log says, before it is rolled back"
    left = inventory(account) - before - uploaded
    assert [kind for kind, _ in left] == ["logs logGroups"]
    delete(account, "broken")
    assert inventory(account) - before == uploaded


def test_a_failed_stack_can_be_kept_to_be_looked_at(
    account: Account, artifacts: Artifacts, tmp_path: Path
) -> None:
    before = inventory(account)
    changed = with_another_sha256(account, artifacts, tmp_path / "kept.json")
    with pytest.raises(DeploymentError, match="CREATE_FAILED"):
        deploy_with(account, "kept", changed, {"modelStorage": "efs"}, keep_failed=True)
    assert len(inventory(account) - before) > 10
    delete(account, "kept")
    assert inventory(account) - before == {(f"s3 {ARTIFACTS}", changed.template_key)}


# ---------------------------------------------------------------- what ministack does not play


def test_a_call_that_finds_no_free_function_is_told_to_come_back(
    account: Account, stack: Deployed, caller: Credentials, api_key: str, picture: bytes
) -> None:
    account.be_strict(concurrency=0)
    try:
        answer = stack.call(body_from(picture), signer=caller, api_key=api_key)
    finally:
        account.be_strict()
    assert refusal(answer) == (503, "busy")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_new_api_key_is_waited_for(account: Account, artifacts: Artifacts) -> None:
    """AWS takes up to a minute to know one."""
    account.be_strict(key_seconds=1)
    try:
        stack = deploy(account, "keyed", artifacts, requireApiKey="true")
        told = check(stack, account.make_user("execute-api:Invoke", stack.arn))
    finally:
        account.be_strict()
    assert "not ready yet (invalid_api_key)" in told[1]
    assert told[-1] == "The stack does its work."
    delete(account, "keyed")


def test_an_update_in_the_console_runs_the_new_code(
    account: Account, artifacts: Artifacts, mount: Path, tmp_path: Path, picture: bytes
) -> None:
    """The console keeps the value of every parameter that the old and the new template have."""
    stack = deploy(account, "console", artifacts, customAuthType="NONE")
    shutil.copytree(SHIPPED, tmp_path / "models")
    (tmp_path / "models" / "manifest.json").write_text(
        (SHIPPED / "manifest.json").read_text() + "\n"
    )
    newer = put_artifacts(
        account, tmp_path / "made", bucket=ARTIFACTS, mount=mount, models=tmp_path / "models"
    )
    before = stack.configuration("Function")["CodeSha256"], stack.physical_id("FunctionVersion")
    client = account.client("cloudformation")
    names = [
        each["ParameterKey"]
        for each in client.describe_stacks(StackName="console")["Stacks"][0]["Parameters"]
    ]
    client.update_stack(
        StackName="console",
        TemplateURL=f"{account.url}/{newer.bucket}/{newer.template_key}",
        Parameters=[{"ParameterKey": name, "UsePreviousValue": True} for name in names],
        Capabilities=["CAPABILITY_IAM"],
    )
    client.get_waiter("stack_update_complete").wait(
        StackName="console", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    after = stack.configuration("Function")["CodeSha256"], stack.physical_id("FunctionVersion")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert stack.call(body_from(picture)).status_code == 200
    delete(account, "console")
