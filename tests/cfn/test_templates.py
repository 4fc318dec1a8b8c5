"""The templates, evaluated as CloudFormation does it."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from importlib import import_module
from typing import Any

import jsonschema
import pytest
from jinja2 import UndefinedError

from backend import Settings
from backend.requests.parsing import FIELDS
from backend.requests.reply import CORS_HEADERS
from cfn import gateway, package, templates
from cfn.evidence import LOG_OF
from cfn.variants import ASYNC_BUDGET, GPU, INF, LAMBDA, STACKS, VARIANTS, Variant
from tests.cfn.conftest import MakeStack, package_of, put_up, text_of
from tests.cfn.resolver import (
    BEIJING,
    GOVCLOUD,
    GUID,
    NINGXIA,
    US,
    Region,
    RuleError,
    Stack,
    load,
)

EVERYTHING = {
    "requireApiKey": "true",
    "monthlyQuota": "1000",
    "enableWaf": "true",
    "domainName": "images.example.com",
    "inputBucketArns": "arn:aws:s3:::one,arn:aws:s3:::two",
}
CERTIFICATES = {
    "aws": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    "aws-cn": "arn:aws-cn:acm:cn-north-1:123456789012:certificate/1",
}
CHINA = [BEIJING, NINGXIA]
REGIONS = [US, *CHINA, GOVCLOUD]
OF_LAMBDA: dict[str, dict[str, Any]] = {
    "package": {"modelStorage": "package"},
    "efs": {"modelStorage": "efs", "enableNat": "true"},
    "existing": {
        "modelStorage": "efs",
        "vpcId": "vpc-0123456789abcdef0",
        "subnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    },
}
EFS: dict[str, Any] = OF_LAMBDA["efs"]
ASYNC: dict[str, Any] = {"asyncInference": "true"}


def test_every_template_is_one_that_cloudformation_takes_from_s3(variant: Variant) -> None:
    """They are too long for a request; `tests/cfn/test_stacks.py` uploads them instead."""
    template = load(templates.render(variant))
    assert len(templates.render(variant).encode()) <= 1_048_576
    assert len(template["Resources"]) <= 500
    assert len(template["Parameters"]) <= 200
    assert len(template["Outputs"]) <= 200
    assert all(len(about["Description"]) <= 4000 for about in template["Parameters"].values())


def test_a_placeholder_that_nothing_fills_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "STATES", [object()])
    with pytest.raises(UndefinedError, match="has no attribute"):
        templates.render(LAMBDA)


# ---------------------------------------------------------------- China


def everything_in(region: Region, variant: Variant, **given: str) -> Stack:
    arn = f"arn:{region.partition}"
    parameters = {
        **EVERYTHING,
        "certificateArn": f"{arn}:acm:{region.name}:123456789012:certificate/1",
        "inputBucketArns": f"{arn}:s3:::one,{arn}:s3:::two",
        "kmsKeyArns": f"{arn}:kms:{region.name}:123456789012:key/1,{arn}:kms:x:123456789012:key/2",
        "resultKmsKeyArn": f"{arn}:kms:{region.name}:123456789012:key/3",
        "permissionsBoundaryArn": f"{arn}:iam::123456789012:policy/bound",
    }
    if variant is LAMBDA:
        parameters |= EFS
    if variant is GPU:
        parameters |= ASYNC
        parameters["asyncTopicArn"] = f"{arn}:sns:{region.name}:123456789012:told"
    if variant is INF:
        host = f"{region.name}.{region.suffix}"
        parameters["containerImage"] = f"123456789012.dkr.ecr.{host}/sr:1"
    return put_up(variant, region, check_rules=False, **{**parameters, **given})


def principals(stack: Stack) -> set[str]:
    """Return every service that a role trusts or a permission admits."""
    text = json.dumps(stack.resources)
    return {
        *re.findall(r'"Principal": \{"Service": "([^"]+)"', text),
        *(each["Principal"] for each in stack.of_type("AWS::Lambda::Permission").values()),
    }


def foreign_to_china(stack: Stack) -> list[str]:
    """Return what means something outside China only; principals are written alike everywhere."""
    text = json.dumps([stack.resources, stack.outputs])
    for name in principals(stack):
        text = text.replace(f'"{name}"', '""')
    # A condition on the service that calls KMS takes both endings.
    text = text.replace(f'"s3.{stack.region.name}.amazonaws.com*"', '""')
    return re.findall(r"arn:aws:|amazonaws\.com(?!\.cn)", text)


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)
def test_services_are_trusted_by_the_name_that_iam_takes_everywhere(
    variant: Variant, region: Region
) -> None:
    found = principals(everything_in(region, variant))
    expected = {"lambda.amazonaws.com", "apigateway.amazonaws.com"}
    assert found == expected | (set() if variant is LAMBDA else {"sagemaker.amazonaws.com"})
    assert not [name for name in found if name.endswith(".cn")]


def test_a_principal_made_of_the_suffix_would_be_seen() -> None:
    policy = "{Statement: [{Principal: {Service: !Sub 'lambda.${AWS::URLSuffix}'}}]}"
    template = load(
        f"Resources: {{R: {{Type: T, Properties: {{AssumeRolePolicyDocument: {policy}}}}}}}"
    )
    assert principals(Stack(template, BEIJING)) == {"lambda.amazonaws.com.cn"}


def test_govcloud_s_names_are_taken_and_no_other_s_are_left(variant: Variant) -> None:
    stack = everything_in(GOVCLOUD, variant)
    text = json.dumps([stack.resources, stack.outputs])
    assert "arn:aws-us-gov:" in text
    assert not re.findall(r"arn:aws:|arn:aws-cn:|\.cn\b", text)
    environment = stack.properties("Function")["Environment"]["Variables"]
    assert Settings.from_environment(environment).input_buckets == ("one", "two")


@pytest.mark.parametrize("region", CHINA, ids=lambda region: region.name)
def test_a_stack_in_china_names_nothing_of_the_rest_of_the_world(
    variant: Variant, region: Region
) -> None:
    stack = everything_in(region, variant)
    assert foreign_to_china(stack) == []
    assert "arn:aws-cn:" in json.dumps(stack.resources)


def test_the_search_finds_the_names_of_a_stack_outside_of_china(variant: Variant) -> None:
    assert set(foreign_to_china(everything_in(US, variant))) == {"arn:aws:", "amazonaws.com"}


def test_a_foreign_name_in_a_template_is_found() -> None:
    template = load("Resources: {A: {Type: T, Properties: {Role: 'arn:aws:iam::1:role/x'}}}")
    assert foreign_to_china(Stack(template, BEIJING)) == ["arn:aws:"]


@pytest.mark.parametrize("region", [*CHINA, GOVCLOUD], ids=lambda region: region.name)
def test_inferentia_is_refused_where_it_is_not_offered(region: Region) -> None:
    with pytest.raises(RuleError, match="no Inferentia"):
        put_up(INF, region)


@pytest.mark.parametrize("size", ["xlarge", "2xlarge", "6xlarge"])
def test_inferentia_1_is_refused_with_the_reason(size: str) -> None:
    with pytest.raises(RuleError, match=r"dropped Inferentia 1 after 2\.20.*Python 3\.10"):
        put_up(INF, deployInstanceType=f"ml.inf1.{size}")


def test_inferentia_is_taken_elsewhere() -> None:
    assert "Endpoint" in put_up(INF).resources


def test_the_prebuilt_image_comes_from_the_region_s_account() -> None:
    def image(region: Region) -> str:
        found: str = put_up(GPU, region).properties("Model")["PrimaryContainer"]["Image"]
        return found

    tag = "ray:serve-ml-sagemaker-cuda-v1.4"
    assert image(US) == f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{tag}"
    assert image(NINGXIA) == f"727897471807.dkr.ecr.cn-northwest-1.amazonaws.com.cn/{tag}"


def test_an_own_image_is_pulled_from_its_repository_only() -> None:
    own = "210987654321.dkr.ecr.us-east-1.amazonaws.com/team/sr:1"
    stack = put_up(GPU, containerImage=own)
    container = stack.properties("Model")["PrimaryContainer"]
    assert container["Image"] == own
    assert "ModelDataUrl" not in container
    assert statement_with(stack, "EndpointRole", "ecr:BatchGetImage")["Resource"] == (
        "arn:aws:ecr:us-east-1:210987654321:repository/team*"
    )


# ---------------------------------------------------------------- the API


@pytest.mark.parametrize("region", [US, *CHINA], ids=lambda region: region.name)
def test_the_invoke_url_and_its_arn(make_stack: MakeStack, region: Region) -> None:
    stack = make_stack(region, check_rules=False, customStageName="v2")
    host = f"<Api>.execute-api.{region.name}.{region.suffix}"
    assert stack.outputs["aikitsInvokeURL"] == f"https://{host}/<Stage>/resolution"
    assert stack.properties("Stage")["StageName"] == "v2"
    assert stack.outputs["aikitsInvokeURLArn"] == (
        f"arn:{region.partition}:execute-api:{region.name}:123456789012:<Api>/<Stage>"
        "/POST/resolution"
    )
    assert stack.outputs["ResultsBucketName"] == "<ResultsBucket>"
    assert "ApiKeyId" not in stack.outputs


STATES = list(itertools.product(("AWS_IAM", "NONE"), ("true", "false"), gateway.WAITS))


def deployment_name(stack: Stack) -> str:
    deployments = list(stack.of_type("AWS::ApiGateway::Deployment"))
    assert len(deployments) == 1
    assert stack.properties("Stage")["DeploymentId"] == f"<{deployments[0]}>"
    return deployments[0]


def test_each_state_that_a_stage_must_hear_of_has_a_deployment_of_its_own(
    make_stack: MakeStack,
) -> None:
    stacks = [
        make_stack(customAuthType=auth, requireApiKey=key, integrationTimeout=wait)
        for auth, key, wait in STATES
    ]
    assert len({deployment_name(stack) for stack in stacks}) == len(STATES)
    for (auth, key, wait), stack in zip(STATES, stacks, strict=True):
        method = stack.properties("PostMethod")
        assert method["Integration"]["TimeoutInMillis"] == f"{wait}000"
        assert method["AuthorizationType"] == auth
        assert method["ApiKeyRequired"] is (key == "true")
        assert ("ApiKeyId" in stack.outputs) is (key == "true")


def test_other_parameters_keep_the_deployment(make_stack: MakeStack) -> None:
    changed = make_stack(throttlingRateLimit="7", resultBucketDays="3", customStageName="test")
    assert deployment_name(changed) == deployment_name(make_stack())


def test_a_change_of_the_api_itself_is_deployed() -> None:
    assert templates._digest("Resources: {}") != templates._digest("Resources: {A: {}}")


def test_a_deployment_waits_for_all_that_it_copies(make_stack: MakeStack) -> None:
    stack = make_stack()
    copied = {
        name
        for name, resource in stack.resources.items()
        if resource["Type"] in ("AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse")
    }
    assert copied <= stack.needs(deployment_name(stack))


@pytest.mark.parametrize("refusal", gateway.REFUSALS, ids=lambda refusal: refusal.type)
def test_refusals_of_the_gateway_have_the_shape_of_every_error(refusal: gateway.Refusal) -> None:
    stack = put_up(LAMBDA)
    response = stack.properties(refusal.name)
    text = response["ResponseTemplates"]["application/json"]
    filled = text.replace("$context.error.messageString", '"Not allowed"')
    error = json.loads(filled.replace("$context.requestId", "1-2"))
    assert list(error) == ["error", "message", "details", "request_id"]
    assert error["request_id"] == "1-2"
    assert re.fullmatch("[a-z_]+", error["error"])


REQUESTS = [
    {"url": "https://example.com/a.jpg", "scale": "2"},
    {"img": "aGFsbG8=", "scale": 4},
    {"img": "aGFsbG8=", "scale": 3, "format": "png", "output": "url", "model": "fast"},
    {"img": "aGFsbG8=", "cleanup": "auto", "model": None},
    {"img": "aGFsbG8=", "detail": 70, "model": "auto"},
]
NO_REQUESTS: list[Any] = [{}, [], "img", {"scale": 2}, {"img": 5}, {"img": "a", "scale": "two"}]


def request_schema() -> dict[str, Any]:
    schema: dict[str, Any] = put_up(LAMBDA).properties("RequestModel")["Schema"]
    return schema


def test_the_request_model_knows_every_field() -> None:
    assert set(request_schema()["properties"]) == set(FIELDS)


@pytest.mark.parametrize("request_body", REQUESTS)
def test_the_request_model_lets_requests_through(request_body: object) -> None:
    jsonschema.Draft4Validator(request_schema()).validate(request_body)


@pytest.mark.parametrize("request_body", NO_REQUESTS)
def test_the_request_model_refuses_what_is_none(request_body: object) -> None:
    assert not jsonschema.Draft4Validator(request_schema()).is_valid(request_body)


def test_the_access_log_is_json_and_has_metadata_only(make_stack: MakeStack) -> None:
    log = make_stack(accessLog="use-existing-role").properties("Stage")["AccessLogSetting"]
    fields = json.loads(log["Format"])
    assert not [value for value in fields.values() if "body" in value.lower()]
    settings = make_stack().properties("Stage")["MethodSettings"][0]
    assert settings["DataTraceEnabled"] is False
    assert settings["LoggingLevel"] == "OFF"


def test_the_role_that_other_apis_write_their_logs_with_stays_unless_a_new_one_is_asked_for(
    make_stack: MakeStack,
) -> None:
    for given in ({}, {"accessLog": "use-existing-role"}):
        assert "AWS::ApiGateway::Account" not in {
            each["Type"] for each in make_stack(**given).resources.values()
        }
    made = make_stack(accessLog="create-role").properties("ApiLogAccount")
    assert made == {"CloudWatchRoleArn": "<ApiLogRole.Arn>"}


def test_there_is_no_access_log_by_default(make_stack: MakeStack) -> None:
    stack = make_stack()
    assert "AccessLogSetting" not in stack.properties("Stage")
    assert not {"ApiLogAccount", "ApiLogRole", "ApiAccessLog"} & set(stack.resources)


def test_the_stage_waits_for_the_account_s_log_role(make_stack: MakeStack) -> None:
    assert "ApiLogAccount" in make_stack(accessLog="create-role").needs("Stage")


def test_a_domain_needs_a_certificate(make_stack: MakeStack) -> None:
    with pytest.raises(RuleError, match="certificateArn"):
        make_stack(domainName="images.example.com")


def test_a_domain_has_an_address_and_a_target(make_stack: MakeStack) -> None:
    stack = make_stack(domainName="images.example.com", certificateArn=CERTIFICATES["aws"])
    assert stack.outputs["CustomDomainURL"] == "https://images.example.com/resolution"
    assert stack.outputs["CustomDomainTarget"] == "<Domain.RegionalDomainName>"


@pytest.mark.parametrize("bad", ["arn:aws:s3:::UPPER", "bucket", "arn:aws:s3:::a b c", "*"])
def test_a_bad_bucket_is_refused_before_anything_is_made(make_stack: MakeStack, bad: str) -> None:
    with pytest.raises(AssertionError, match="inputBucketArns"):
        make_stack(inputBucketArns=bad)


# ---------------------------------------------------------------- functions and settings


def functions(stack: Stack) -> dict[str, dict[str, Any]]:
    return stack.of_type("AWS::Lambda::Function")


def environments(stack: Stack) -> list[dict[str, str]]:
    of_functions = [
        about["Environment"]["Variables"]
        for about in functions(stack).values()
        if "Environment" in about
    ]
    of_containers = [
        about["PrimaryContainer"]["Environment"]
        for about in stack.of_type("AWS::SageMaker::Model").values()
    ]
    return of_functions + of_containers


def test_every_handler_is_a_function_of_the_package(make_stack: MakeStack) -> None:
    contents = package.code_contents()
    for about in functions(make_stack()).values():
        module, _, name = about["Handler"].rpartition(".")
        assert f"{module.replace('.', '/')}.py" in contents
        assert callable(getattr(import_module(module), name))


def test_every_archive_in_a_template_is_made_by_packaging(
    variant: Variant, make_stack: MakeStack
) -> None:
    prefix = "super-resolution/0123456789abcdef/"
    stack = make_stack(**EFS) if variant is LAMBDA else make_stack()
    named = set(re.findall(re.escape(prefix) + r"([\w.-]+)", json.dumps(stack.resources)))
    assert named == set(variant.archives)


@pytest.mark.parametrize("region", [US, BEIJING], ids=lambda region: region.name)
def test_every_environment_is_one_that_the_settings_take(variant: Variant, region: Region) -> None:
    found = environments(everything_in(region, variant))
    assert found
    for environment in found:
        assert all(isinstance(value, str) for value in environment.values())
        Settings.from_environment(environment)


def test_a_browser_asks_the_api_and_hears_what_the_server_says(variant: Variant) -> None:
    stack = put_up(variant)
    method = stack.properties("OptionsMethod")
    prefix = "method.response.header."
    answer = method["Integration"]["IntegrationResponses"][0]["ResponseParameters"]
    said = {name.removeprefix(prefix): text.strip("'") for name, text in answer.items()}
    assert said == CORS_HEADERS
    assert set(method["MethodResponses"][0]["ResponseParameters"]) == set(answer)


def test_input_buckets_reach_the_function_by_name_and_its_role_by_arn(
    variant: Variant,
) -> None:
    for region in (US, BEIJING):
        stack = everything_in(region, variant)
        environment = stack.properties("Function")["Environment"]["Variables"]
        assert Settings.from_environment(environment).input_buckets == ("one", "two")
        statements = [each for each in role_statements(stack, "FunctionRole") if "s3" in str(each)]
        arns = [f"arn:{region.partition}:s3:::{name}/*" for name in ("one", "two")]
        assert arns in [each["Resource"] for each in statements]


def test_without_input_buckets_there_is_no_statement_for_them(make_stack: MakeStack) -> None:
    stack = make_stack()
    assert stack.properties("Function")["Environment"]["Variables"]["SR_INPUT_BUCKETS"] == ""
    assert (
        len([s for s in role_statements(stack, "FunctionRole") if "s3:" in str(s["Action"])]) == 1
    )


def allows_web(stack: Stack) -> bool:
    environment = stack.properties("Function")["Environment"]["Variables"]
    return Settings.from_environment(environment).allow_web_sources


def test_with_networks_in_the_package_nothing_is_in_a_network_and_web_addresses_work() -> None:
    stack = put_up(LAMBDA)
    kinds = {resource["Type"].rpartition("::")[0] for resource in stack.resources.values()}
    assert not kinds & {"AWS::EC2", "AWS::EFS", "Custom"} - {"Custom"}
    assert "ModelFiles" not in stack.resources
    assert "LoaderFunction" not in stack.resources
    assert not {"VpcConfig", "FileSystemConfigs"} & set(stack.properties("Function"))
    assert allows_web(stack)
    assert stack.properties("Function")["Environment"]["Variables"]["SR_MODELS_DIR"] == ""
    actions = json.dumps(role_statements(stack, "FunctionRole"))
    assert "ec2:" not in actions
    assert "elasticfilesystem:" not in actions


def test_web_addresses_need_nat_with_a_file_system() -> None:
    without, with_nat = put_up(LAMBDA, modelStorage="efs"), put_up(LAMBDA, **EFS)
    assert "NatGateway" not in without.resources
    assert "NatGateway" in with_nat.resources
    assert not allows_web(without)
    assert allows_web(with_nat)
    assert "FunctionToWeb" not in without.resources


def test_a_network_that_is_there_is_used_and_none_is_made() -> None:
    stack = put_up(LAMBDA, **OF_LAMBDA["existing"])
    made = {each["Type"] for each in stack.resources.values() if "EC2" in each["Type"]}
    assert made <= {
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
    }
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    for name in ("Function", "LoaderFunction"):
        assert stack.properties(name)["VpcConfig"]["SubnetIds"] == subnets
    assert [stack.properties(name)["SubnetId"] for name in ("FilesInA", "FilesInB")] == subnets
    groups = stack.of_type("AWS::EC2::SecurityGroup").values()
    assert {group["VpcId"] for group in groups} == {"vpc-0123456789abcdef0"}
    assert not allows_web(stack)
    assert allows_web(put_up(LAMBDA, **OF_LAMBDA["existing"], enableNat="true"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"vpcId": "vpc-01234567"}, "need no VPC"),
        ({"vpcId": "vpc-01234567", "modelStorage": "efs"}, "two subnetIds"),
        ({"subnetIds": "subnet-01234567,subnet-01234568"}, "need the vpcId"),
        ({"snapStart": "true", "modelStorage": "efs"}, "no SnapStart for functions with a file"),
        ({"snapStart": "true", "provisionedConcurrency": "1"}, "either snapStart or"),
    ],
    ids=str,
)
def test_contradictory_parameters_are_refused_before_anything_is_made(
    given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RuleError, match=reason):
        put_up(LAMBDA, **given)


@pytest.mark.parametrize("region", [*CHINA, GOVCLOUD], ids=lambda region: region.name)
def test_snapstart_is_refused_where_it_is_not_offered(region: Region) -> None:
    with pytest.raises(RuleError, match="no SnapStart in this region"):
        put_up(LAMBDA, region, snapStart="true")


CHANGES = {
    "functionMemory": "10240",
    "logLevel": "DEBUG",
    "resultLinkSeconds": "60",
    "integrationTimeout": "60",
    "inputBucketArns": "arn:aws:s3:::one",
    "snapStart": "true",
    "modelStorage": "efs",
    "enableNat": "true",
    "vpcCidr": "10.1.0.0/16",
    "throttlingRateLimit": "7",
    "resultBucketDays": "3",
    "provisionedConcurrency": "2",
    "alarmTopicArn": "arn:aws:sns:us-east-1:123456789012:t",
    "kmsKeyArns": "arn:aws:kms:us-east-1:123456789012:key/1",
    "logRetentionDays": "7",
}


def as_a_version_has_it(stack: Stack) -> dict[str, Any]:
    """Return the function without the location of its code."""
    return {name: value for name, value in stack.properties("Function").items() if name != "Code"}


@pytest.mark.parametrize("storage", ["package", "efs"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_new_version_is_published_exactly_when_the_function_changes(
    name: str, storage: str
) -> None:
    before = put_up(LAMBDA, check_rules=False, modelStorage=storage)
    given: dict[str, Any] = {"modelStorage": storage, name: CHANGES[name]}
    after = put_up(LAMBDA, check_rules=False, **given)
    assert (as_a_version_has_it(before) != as_a_version_has_it(after)) is (
        before.properties("FunctionVersion") != after.properties("FunctionVersion")
    )


def packaged(**about: str) -> Stack:
    return put_up(LAMBDA, text=templates.render(LAMBDA, package_of(LAMBDA, **about)))


def test_other_code_makes_a_new_version_and_the_same_code_in_another_folder_none() -> None:
    before = packaged().properties("FunctionVersion")
    assert packaged(sha256="e" * 64).properties("FunctionVersion") != before
    assert packaged(folder="fedcba9876543210").properties("FunctionVersion") == before


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ("python3.13", "python3.14"),
        ("Timeout: !Ref integrationTimeout", "Timeout: 60"),
        ("SR_MAX_QUEUED: '0'", "SR_MAX_QUEUED: '1'"),
    ],
)
def test_a_release_that_changes_only_the_template_publishes_a_version(
    monkeypatch: pytest.MonkeyPatch, was: str, is_now: str
) -> None:
    before = packaged().properties("FunctionVersion")
    part = templates._part
    monkeypatch.setattr(templates, "_part", lambda *given: part(*given).replace(was, is_now))
    assert packaged().properties("FunctionVersion") != before


def test_a_release_that_changes_only_a_comment_publishes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CloudFormation fails if there is nothing new to publish."""
    before = packaged().properties("FunctionVersion")
    part, was = templates._part, "          # NumPy's BLAS"
    assert was in templates.render(LAMBDA)
    monkeypatch.setattr(
        templates, "_part", lambda *given: part(*given).replace(was, f"          # New\n\n{was}")
    )
    assert packaged().properties("FunctionVersion") == before


def test_a_version_s_description_is_never_too_long() -> None:
    names = ",".join(f"arn:aws:s3:::{'b' * length}" for length in (62, 60, 37))
    assert len(names) == 200
    stack = put_up(
        LAMBDA,
        modelStorage="efs",
        inputBucketArns=names,
        functionMemory="10240",
        integrationTimeout="120",
        resultLinkSeconds="43200",
        logLevel="WARNING",
    )
    description = stack.properties("FunctionVersion")["Description"]
    folder = f"/mnt/models/{'0' * 16}"
    assert len(description.replace("<ModelFiles.Directory>", folder)) <= 256


def test_provisioned_concurrency_is_only_there_when_asked_for() -> None:
    assert "ProvisionedConcurrencyConfig" not in put_up(LAMBDA).properties("FunctionAlias")
    asked = put_up(LAMBDA, provisionedConcurrency="3").properties("FunctionAlias")
    assert asked["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": "3"}


# ---------------------------------------------------------------- permissions


def role_statements(stack: Stack, role: str) -> list[dict[str, Any]]:
    attached = [
        policy
        for policy in stack.of_type("AWS::IAM::Policy").values()
        if f"<{role}>" in policy["Roles"]
    ]
    return [
        statement
        for policy in [*stack.properties(role).get("Policies", []), *attached]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def statement_with(stack: Stack, role: str, action: str) -> dict[str, Any]:
    return next(each for each in role_statements(stack, role) if action in each["Action"])


NAMELESS = {
    "cloudwatch:PutMetricData",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ecr:GetAuthorizationToken",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
"""Actions without resources, or on ones that are named while they are made."""


def test_roles_allow_nothing_on_everything_where_a_name_is_known(variant: Variant) -> None:
    stack = everything_in(US, variant)
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in role_statements(stack, role):
            actions = statement["Action"]
            actions = {actions} if isinstance(actions, str) else set(actions)
            assert not [action for action in actions if "*" in action]
            if statement["Resource"] == "*":
                assert actions <= NAMELESS


def test_only_the_loader_may_write_to_the_networks() -> None:
    stack = put_up(LAMBDA, **EFS)
    writers = [
        role
        for role in stack.of_type("AWS::IAM::Role")
        if "elasticfilesystem:ClientWrite" in json.dumps(role_statements(stack, role))
    ]
    assert writers == ["LoaderRole"]


def test_the_file_system_s_policy_takes_anonymous_access_away() -> None:
    policy = put_up(LAMBDA, **EFS).properties("Files")["FileSystemPolicy"]
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}


def test_the_results_bucket_is_closed(make_stack: MakeStack) -> None:
    stack = make_stack(resultBucketDays="9")
    bucket = stack.properties("ResultsBucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == "9"
    policy = stack.properties("ResultsBucketPolicy")["PolicyDocument"]["Statement"][0]
    assert policy["Effect"] == "Deny"
    assert policy["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# ---------------------------------------------------------------- two stacks, and none

PHYSICAL_NAMES = (
    "FunctionName",
    "RoleName",
    "BucketName",
    "LogGroupName",
    "EndpointName",
    "EndpointConfigName",
    "ModelName",
    "TableName",
    "FileSystemName",
    "AlarmName",
    "UsagePlanName",
    "Name",
)


def test_two_stacks_of_a_region_share_no_names(variant: Variant) -> None:
    stack = everything_in(US, variant)
    given = {
        (name, key): str(about[key])
        for name, about in ((name, stack.properties(name)) for name in stack.resources)
        for key in PHYSICAL_NAMES
        if key in about
    }
    # An alias is a name inside of its function, and an API's may be there twice.
    allowed = {("Api", "Name"): "pictures", ("FunctionAlias", "Name"): "live"}
    for place, value in given.items():
        assert value.startswith("<") or GUID in value or allowed.get(place) == value, place


KEPT_ON_PURPOSE = {"ApiLogAccount", "ApiLogRole"}
KEPT_LOGS = {"LoaderLog", "EndpointLog", "AsyncLog"}
"""Logs that tell why a creation failed; `python -m cfn delete` removes them."""


def kept_at_deletion(stack: Stack) -> set[str]:
    return {
        name
        for name, resource in stack.resources.items()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }


def test_a_deletion_keeps_only_what_the_documentation_says(make_stack: MakeStack) -> None:
    stack = make_stack(accessLog="create-role")
    assert kept_at_deletion(stack) - KEPT_LOGS == KEPT_ON_PURPOSE


def test_the_log_that_explains_a_failure_is_one_of_the_template() -> None:
    assert set(LOG_OF.values()) >= KEPT_LOGS
    unknown = dict(LOG_OF)
    for variant in STACKS.values():
        resources = load(text_of(variant))["Resources"]
        for name in LOG_OF.keys() & resources.keys():
            assert resources[LOG_OF[name]]["Type"] == "AWS::Logs::LogGroup"
            unknown.pop(name, None)
    assert not unknown


def test_every_function_writes_to_a_log_of_the_stack(make_stack: MakeStack) -> None:
    stack = make_stack()
    for about in functions(stack).values():
        group = about["LoggingConfig"]["LogGroup"].strip("<>")
        assert stack.properties(group)["RetentionInDays"] == "30"
        role = about["Role"].strip("<>").removesuffix(".Arn")
        assert "logs:CreateLogGroup" not in json.dumps(role_statements(stack, role))


def test_nothing_writes_results_any_more_when_their_bucket_is_emptied(
    make_stack: MakeStack,
) -> None:
    stack = make_stack()
    writers = [
        name
        for name, resource in stack.resources.items()
        if "SR_RESULTS_BUCKET" in json.dumps(resource) and "Model" not in resource["Type"]
    ]
    assert writers
    for name in [*writers, *(["Endpoint"] if "Endpoint" in stack.resources else [])]:
        assert "ResultsCleanup" in stack.needs(name)
    assert {"ResultsBucket", "CleanupRole", "CleanupLog"} <= stack.needs("ResultsCleanup")


def test_the_function_waits_for_its_networks() -> None:
    stack = put_up(LAMBDA, **EFS)
    assert {"ModelFiles", "NetworkPolicy"} <= stack.needs("Function")
    assert {
        *("FilesInA", "FilesInB", "S3Endpoint", "PrivateRoutesOfA", "PrivateRoutesOfB"),
        *("FunctionToFiles", "FilesFromFunction", "NetworkPolicy"),
    } <= stack.needs("ModelFiles")
    assert stack.properties("ModelFiles")["Directory"] == "/mnt/models"


def test_every_parameter_is_explained_and_grouped(any_stack: Variant) -> None:
    template = load(text_of(any_stack))
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in interface for name in group["Parameters"]]
    assert sorted(filter(None, grouped)) == sorted(template["Parameters"])
    assert all(about.get("Description") for about in template["Parameters"].values())


def test_the_variants_have_the_common_parameters_and_outputs() -> None:
    common = {
        "customStageName",
        "customAuthType",
        "requireApiKey",
        "resultBucketDays",
        "inputBucketArns",
        "throttlingRateLimit",
        "throttlingBurstLimit",
        "logRetentionDays",
        "enableWaf",
        "domainName",
        "certificateArn",
    }
    for variant in VARIANTS.values():
        assert common <= set(put_up(variant).parameters)


# ---------------------------------------------------------------- SageMaker


SAGEMAKER = pytest.mark.parametrize("variant", [GPU, INF], ids=lambda variant: variant.name)


@SAGEMAKER
def test_an_instance_type_can_be_changed_since_nothing_scales_one_number(variant: Variant) -> None:
    fixed = put_up(variant, minInstances="2", maxInstances="2")
    scaled = put_up(variant, minInstances="1", maxInstances="2")
    assert not fixed.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    assert not fixed.of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
    assert scaled.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    assert scaled.of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
    # Otherwise an update would keep the old number of instances that nothing else can change.
    assert fixed.properties("Endpoint")["RetainAllVariantProperties"] is False
    assert scaled.properties("Endpoint")["RetainAllVariantProperties"] is True


@SAGEMAKER
def test_an_instance_that_starts_during_an_update_may_read_the_archive_of_either(
    variant: Variant,
) -> None:
    stack = put_up(variant)
    archive = variant.archive
    found = statement_with(stack, "EndpointRole", "s3:GetObject")["Resource"]
    assert found == f"arn:aws:s3:::artifacts/super-resolution/*/{archive}"


@SAGEMAKER
def test_the_endpoint_may_write_its_log_and_the_use_of_its_machines(variant: Variant) -> None:
    stack = put_up(variant)
    logs = statement_with(stack, "EndpointRole", "logs:CreateLogGroup")
    assert logs["Resource"] == "<EndpointLog.Arn>"
    metrics = statement_with(stack, "EndpointRole", "cloudwatch:PutMetricData")
    assert metrics["Condition"] == {
        "StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}
    }


def test_the_gpu_s_provider_is_named_so_that_a_start_without_it_ends() -> None:
    environment = put_up(GPU).properties("Model")["PrimaryContainer"]["Environment"]
    assert Settings.from_environment(environment).providers[0] == "CUDAExecutionProvider"


def test_ray_tells_its_makers_nothing() -> None:
    stack = put_up(GPU, check_rules=False, asyncInference="true")
    for model in stack.of_type("AWS::SageMaker::Model").values():
        assert model["PrimaryContainer"]["Environment"]["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.parametrize(
    ("wait", "function", "container"),
    [
        ("29", 28.0, 25.0),
        ("60", 59.0, 56.0),
        ("120", 119.0, 58.0),
    ],
)
def test_every_budget_ends_before_its_caller_stops_waiting(
    wait: str, function: float, container: float
) -> None:
    stack = put_up(GPU, integrationTimeout=wait)
    budgets = [Settings.from_environment(each).time_budget_seconds for each in environments(stack)]
    assert budgets == [function, container]
    assert container < 60, "SageMaker itself waits no longer"
    assert stack.properties("Function")["Timeout"] == wait


# ---------------------------------------------------------------- asynchronous inference


def with_async(region: Region = US, **given: str) -> Stack:
    buckets = f"arn:{region.partition}:s3:::one,arn:{region.partition}:s3:::two"
    return put_up(GPU, region, **{**ASYNC, "inputBucketArns": buckets, **given})


def test_there_is_no_second_endpoint_unless_it_is_asked_for() -> None:
    stack = put_up(GPU)
    assert not [name for name in [*stack.resources, *stack.outputs] if name.startswith("Async")]
    assert "Asynchronous" not in stack.properties("Dashboard")["DashboardBody"]
    for other in (LAMBDA, INF):
        assert "asyncInference" not in put_up(other).parameters


def test_the_asynchronous_endpoint_needs_input_buckets() -> None:
    with pytest.raises(RuleError, match="needs inputBucketArns"):
        put_up(GPU, **ASYNC)


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)
def test_answers_go_to_the_results_bucket_below_a_folder_of_their_own(region: Region) -> None:
    stack = with_async(region)
    config = stack.properties("AsyncEndpointConfig")["AsyncInferenceConfig"]
    assert config["OutputConfig"] == {
        "S3OutputPath": "s3://<ResultsBucket>/async/results",
        "S3FailurePath": "s3://<ResultsBucket>/async/failures",
    }
    at_once = config["ClientConfig"]["MaxConcurrentInvocationsPerInstance"]
    settings = Settings()
    assert at_once <= settings.max_running + settings.max_queued - 1, "of one client"
    assert at_once * settings.max_body_bytes <= settings.client_bytes_in_flight
    assert stack.outputs["AsyncEndpointName"] == "<AsyncEndpoint.EndpointName>"
    assert stack.outputs["AsyncModelName"] == "<AsyncModel.ModelName>"
    assert stack.outputs["AsyncOutputLocation"] == "s3://<ResultsBucket>/async"


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)
def test_the_results_key_and_the_topic_are_the_owner_s(region: Region) -> None:
    stack = everything_in(region, GPU)
    output = stack.properties("AsyncEndpointConfig")["AsyncInferenceConfig"]["OutputConfig"]
    arn = f"arn:{region.partition}"
    topic = f"{arn}:sns:{region.name}:123456789012:told"
    assert output["KmsKeyId"] == f"{arn}:kms:{region.name}:123456789012:key/3"
    assert output["NotificationConfig"] == {"SuccessTopic": topic, "ErrorTopic": topic}
    assert statement_with(stack, "AsyncRole", "sns:Publish")["Resource"] == topic
    assert "sns:" not in json.dumps(role_statements(with_async(region), "AsyncRole"))


def actions_by_resource(stack: Stack, role: str, service: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for statement in role_statements(stack, role):
        actions, resources = statement["Action"], statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            named = {actions} if isinstance(actions, str) else set(actions)
            ours = {action for action in named if action.startswith(f"{service}:")}
            found.setdefault(resource, set()).update(ours)
    return {resource: actions for resource, actions in found.items() if actions}


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)
def test_the_asynchronous_role_reads_inputs_and_writes_its_own_folder(region: Region) -> None:
    arn = f"arn:{region.partition}:s3:::"
    assert actions_by_resource(with_async(region), "AsyncRole", "s3") == {
        f"{arn}artifacts/super-resolution/*/{GPU.archive}": {"s3:GetObject"},
        f"{arn}one/*": {"s3:GetObject"},
        f"{arn}two/*": {"s3:GetObject"},
        f"{arn}one": {"s3:ListBucket"},
        f"{arn}two": {"s3:ListBucket"},
        "<ResultsBucket.Arn>/async/*": {"s3:PutObject", "s3:AbortMultipartUpload"},
    }
    assert list(actions_by_resource(with_async(region), "AsyncRole", "logs")) == ["<AsyncLog.Arn>"]


def test_the_asynchronous_container_differs_only_in_its_limits() -> None:
    own = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sr:1"
    for image in ("", own):
        stack = with_async(asyncTimeBudgetSeconds="3000", logLevel="DEBUG", containerImage=image)
        model, other = (
            stack.properties(name)["PrimaryContainer"] for name in ("Model", "AsyncModel")
        )
        assert {**model, "Environment": ""} == {**other, "Environment": ""}
        settings = Settings.from_environment(other["Environment"])
        assert settings.time_budget_seconds == 3000
        assert settings.max_reply_bytes is None
        assert settings.results_bucket is None, "SageMaker writes the answer to S3"
        assert settings.providers[0] == "CUDAExecutionProvider"
        assert not settings.allow_web_sources
        assert settings.log_level == "DEBUG"
        config, real_time = (
            stack.properties(name)["ProductionVariants"][0]
            for name in ("AsyncEndpointConfig", "EndpointConfig")
        )
        assert set(config) == set(real_time)
        assert config["InstanceType"] == real_time["InstanceType"]


def test_the_asynchronous_budget_ends_before_sagemaker_s_own() -> None:
    assert int(with_async().parameters["asyncTimeBudgetSeconds"]) < 900
    about = load(text_of(GPU))["Parameters"]
    assert about["asyncTimeBudgetSeconds"]["MaxValue"] < 3600


@pytest.mark.parametrize("longest", [ASYNC_BUDGET.longest, 1800])
def test_the_adapter_waits_longer_than_the_longest_budget_whatever_that_is(
    monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    monkeypatch.setattr("cfn.variants.ASYNC_BUDGET", replace(ASYNC_BUDGET, longest=longest))
    text = templates.render(GPU)
    assert load(text)["Parameters"]["asyncTimeBudgetSeconds"]["MaxValue"] == longest
    container = with_async(text=text).properties("AsyncModel")["PrimaryContainer"]
    assert longest < int(container["Environment"]["RAYSERVE_BACKEND_TIMEOUT"]) <= longest + 60


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.name)
def test_the_asynchronous_endpoint_scales_from_zero_and_back(
    region: Region,
) -> None:
    stack = with_async(region, minInstances="3", maxInstances="3", asyncBacklog="7")
    target = stack.properties("AsyncScaling")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, "3")
    assert target["ResourceId"] == "endpoint/<AsyncEndpoint.EndpointName>/variant/AllTraffic"
    assert not stack.properties("AsyncEndpoint").get("RetainAllVariantProperties")

    dimensions = [{"Name": "EndpointName", "Value": "<AsyncEndpoint.EndpointName>"}]
    tracking = stack.properties("AsyncScalingPolicy")
    followed = tracking["TargetTrackingScalingPolicyConfiguration"]
    metric = followed["CustomizedMetricSpecification"]
    assert tracking["ScalingTargetId"] == "<AsyncScaling>"
    assert (metric["Namespace"], metric["MetricName"], metric["Dimensions"]) == (
        "AWS/SageMaker",
        "ApproximateBacklogSizePerInstance",
        dimensions,
    )
    assert followed["TargetValue"] == "7"

    start = stack.properties("AsyncStartPolicy")
    assert (start["PolicyType"], start["ScalingTargetId"]) == ("StepScaling", "<AsyncScaling>")
    assert start["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    ]
    alarm = stack.properties("AsyncStartAlarm")
    assert alarm["AlarmActions"] == ["<AsyncStartPolicy>"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) == (
        "AWS/SageMaker",
        "HasBacklogWithoutCapacity",
        dimensions,
    )
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (
        1,
        "GreaterThanOrEqualToThreshold",
    )


def test_nothing_of_it_is_left_when_the_stack_is_deleted() -> None:
    stack = with_async()
    assert kept_at_deletion(stack) <= KEPT_LOGS
    # The endpoint is gone before the bucket is emptied, the whole of it, and its log after it.
    assert {"ResultsCleanup", "AsyncLog", "AsyncRole"} <= stack.needs("AsyncEndpoint")
    assert stack.properties("ResultsCleanup")["Bucket"] == "<ResultsBucket>"
    name = stack.properties("AsyncEndpoint")["EndpointName"]
    assert len(name) <= 63
    assert stack.properties("AsyncLog")["LogGroupName"] == f"/aws/sagemaker/Endpoints/{name}"
    (rule,) = stack.properties("ResultsBucket")["LifecycleConfiguration"]["Rules"]
    assert "Prefix" not in rule


def test_the_dashboard_and_the_alarms_see_it() -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"
    stack = with_async(alarmTopicArn=topic)
    widgets = json.loads(stack.properties("Dashboard")["DashboardBody"])["widgets"]
    assert len([each for each in widgets if "<AsyncEndpoint." in json.dumps(each)]) == 2
    for name in ("AsyncErrorsAlarm", "AsyncWaitAlarm"):
        assert stack.properties(name)["AlarmActions"] == [topic]


# ---------------------------------------------------------------- an account's own rules


def test_own_keys_are_used_through_s3_only(variant: Variant) -> None:
    stack = everything_in(US, variant)
    readers = ["FunctionRole", "LoaderRole" if variant is LAMBDA else "EndpointRole"]
    if variant is GPU:
        readers.append("AsyncRole")
    for role in readers:
        found = [each for each in role_statements(stack, role) if "kms:" in str(each["Action"])]
        assert "arn:aws:kms:us-east-1:123456789012:key/1" in str(found)
        for each in found:
            assert each["Condition"] == {
                "StringLike": {"kms:ViaService": "s3.us-east-1.amazonaws.com*"}
            }
    bucket = stack.properties("ResultsBucket")["BucketEncryption"]
    rule = bucket["ServerSideEncryptionConfiguration"][0]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": "arn:aws:kms:us-east-1:123456789012:key/3",
    }
    writer = statement_with(stack, "FunctionRole", "kms:GenerateDataKey")
    assert writer["Resource"] == "arn:aws:kms:us-east-1:123456789012:key/3"


def test_without_own_keys_no_role_may_use_any(make_stack: MakeStack) -> None:
    assert "kms:" not in json.dumps(make_stack().resources)


def test_every_role_is_bounded_where_a_boundary_is_given(variant: Variant) -> None:
    bounded = everything_in(US, variant).of_type("AWS::IAM::Role")
    boundary = "arn:aws:iam::123456789012:policy/bound"
    assert {role.get("PermissionsBoundary") for role in bounded.values()} == {boundary}
    free = put_up(variant).of_type("AWS::IAM::Role")
    assert not [name for name, role in free.items() if "PermissionsBoundary" in role]


def test_a_key_s_months_are_counted_where_there_is_a_quota(make_stack: MakeStack) -> None:
    counted = make_stack(requireApiKey="true", monthlyQuota="1000").properties("UsagePlan")
    assert counted["Quota"] == {"Limit": "1000", "Period": "MONTH"}
    assert "Quota" not in make_stack(requireApiKey="true").properties("UsagePlan")
    with pytest.raises(RuleError, match="needs requireApiKey"):
        make_stack(monthlyQuota="1000")


def test_the_firewall_lets_programs_without_a_user_agent_through(make_stack: MakeStack) -> None:
    rules = make_stack(enableWaf="true").properties("WebAcl")["Rules"]
    common = next(rule for rule in rules if rule["Name"] == "common")
    overridden = common["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
    counted = {each["Name"] for each in overridden if each["ActionToUse"] == {"Count": {}}}
    assert {"NoUserAgent_HEADER", "SizeRestrictions_BODY"} <= counted


# ---------------------------------------------------------------- what a stack tells of itself


def test_logs_are_json_and_metrics_pass_whatever_the_level(make_stack: MakeStack) -> None:
    for level, expected in (("ERROR", "INFO"), ("INFO", "INFO"), ("DEBUG", "DEBUG")):
        stack = make_stack(logLevel=level)
        assert {f["LoggingConfig"]["LogFormat"] for f in functions(stack).values()} == {"JSON"}
        config = stack.properties("Function")["LoggingConfig"]
        assert config["ApplicationLogLevel"] == expected


def test_the_dashboard_is_json_about_this_stack(make_stack: MakeStack) -> None:
    stack = make_stack()
    (dashboard,) = stack.of_type("AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    assert len(widgets) >= 5
    assert {each["properties"]["region"] for each in widgets} == {"us-east-1"}
    text = json.dumps(widgets)
    assert text.count("pictures") >= 4, "the name of the stack"
    assert ("AWS/SageMaker" in text) is ("Endpoint" in stack.resources)


def test_the_alarms_count_faults_of_the_stack_only(make_stack: MakeStack) -> None:
    stack = make_stack()
    faults = stack.properties("OwnFaultsAlarm")
    assert (faults["Namespace"], faults["MetricName"]) == ("SuperResolution", "Requests")
    assert faults["Dimensions"] == [
        {"Name": "Stack", "Value": "pictures"},
        {"Name": "Outcome", "Value": "fault"},
    ]
    crashes = stack.properties("FunctionErrorsAlarm")
    assert (crashes["Namespace"], crashes["MetricName"]) == ("AWS/Lambda", "Errors")
    alarms = json.dumps(make_stack().of_type("AWS::CloudWatch::Alarm"))
    assert "AWS/ApiGateway" not in alarms, "it counts a caller's dead link, too"


@pytest.mark.parametrize("variant", STACKS.values(), ids=lambda variant: variant.template)
def test_the_finished_template_is_what_its_parts_make(variant: Variant) -> None:
    finished = (templates.RENDERED / variant.template).read_text(encoding="utf-8")

    assert finished == templates.render(variant), "run `python -m cfn render`"


def test_the_finished_bootstrap_is_what_its_part_makes() -> None:
    finished = (templates.RENDERED / templates.BOOTSTRAP).read_text(encoding="utf-8")
    assert finished == templates.render_bootstrap(), "run `python -m cfn render`"
