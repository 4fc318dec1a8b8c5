"""What the templates say, worked out as CloudFormation would."""

from __future__ import annotations

import itertools
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backend import Settings
from cfn import gateway, package, templates
from cfn.variants import GPU, INF, LAMBDA, VARIANTS, Variant
from tests.cfn.conftest import ROOT, MakeStack, put_up
from tests.cfn.resolver import (
    BEIJING,
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
    "enableWaf": "true",
    "domainName": "images.example.com",
    "inputBucketArns": "arn:aws:s3:::one,arn:aws:s3:::two",
}
CERTIFICATES = {
    "aws": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    "aws-cn": "arn:aws-cn:acm:cn-north-1:123456789012:certificate/1",
}
CHINA = [BEIJING, NINGXIA]


def test_committed_templates_are_what_the_parts_make(variant: Variant) -> None:
    committed = (ROOT / "cfn" / variant.template).read_text(encoding="utf-8")
    assert committed == templates.render(variant), "run: python -m cfn render"


def test_every_template_fits_into_a_request(variant: Variant, tmp_path: Path) -> None:
    defaults = {"artifactBucket": "b" * 63, "artifactPrefix": "p" * 60, "modelsSha256": "0" * 64}
    text = templates.render(variant, defaults=defaults)
    assert len(text.encode()) <= 51_200


def test_a_placeholder_that_nothing_fills_is_an_error() -> None:
    with pytest.raises(KeyError, match="forgotten"):
        templates._fill("  a: {{forgotten}}\n", {})


# ---------------------------------------------------------------- China


def everything_in(region: Region, variant: Variant) -> Stack:
    parameters = {**EVERYTHING, "certificateArn": CERTIFICATES[region.partition]}
    if variant is LAMBDA:
        parameters["enableNat"] = "true"
    if variant is INF:
        host = f"{region.name}.{region.suffix}"
        parameters["containerImage"] = f"123456789012.dkr.ecr.{host}/sr:1"
    if region.partition == "aws-cn":
        parameters["inputBucketArns"] = "arn:aws-cn:s3:::one,arn:aws-cn:s3:::two"
    return put_up(variant, region, check_rules=False, **parameters)


def foreign_to_china(stack: Stack) -> list[str]:
    """What only means something outside of China."""
    text = json.dumps([stack.resources, stack.outputs])
    return re.findall(r"arn:aws:|amazonaws\.com(?!\.cn)", text)


@pytest.mark.parametrize("region", CHINA, ids=lambda region: region.name)
def test_a_stack_in_china_names_nothing_of_the_rest_of_the_world(
    variant: Variant, region: Region
) -> None:
    stack = everything_in(region, variant)
    assert foreign_to_china(stack) == []
    assert "arn:aws-cn:" in json.dumps(stack.resources)


def test_the_same_search_finds_a_stack_elsewhere(variant: Variant) -> None:
    assert set(foreign_to_china(everything_in(US, variant))) == {"arn:aws:", "amazonaws.com"}


def test_a_foreign_name_in_a_template_is_found() -> None:
    template = load("Resources: {A: {Type: T, Properties: {Role: 'arn:aws:iam::1:role/x'}}}")
    assert foreign_to_china(Stack(template, BEIJING)) == ["arn:aws:"]


@pytest.mark.parametrize("region", CHINA, ids=lambda region: region.name)
def test_inferentia_is_refused_in_china(region: Region) -> None:
    with pytest.raises(RuleError, match="no Inferentia"):
        put_up(INF, region)


def test_inferentia_is_taken_elsewhere() -> None:
    assert "Endpoint" in put_up(INF).resources


def test_the_prebuilt_image_comes_from_the_region_s_account() -> None:
    def image(region: Region) -> str:
        found: str = put_up(GPU, region).properties("Model")["PrimaryContainer"]["Image"]
        return found

    tag = "ray:serve-ml-sagemaker-cuda-v1"
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


STATES = list(itertools.product(("AWS_IAM", "NONE"), ("true", "false")))


def deployment_of(stack: Stack) -> str:
    deployments = list(stack.of_type("AWS::ApiGateway::Deployment"))
    assert len(deployments) == 1
    assert stack.properties("Stage")["DeploymentId"] == f"<{deployments[0]}>"
    return deployments[0]


def test_each_way_to_call_has_a_deployment_of_its_own(make_stack: MakeStack) -> None:
    stacks = [make_stack(customAuthType=a, requireApiKey=k) for a, k in STATES]
    assert len({deployment_of(stack) for stack in stacks}) == len(STATES)
    for (auth, key), stack in zip(STATES, stacks, strict=True):
        method = stack.properties("PostMethod")
        assert method["AuthorizationType"] == auth
        assert method["ApiKeyRequired"] is (key == "true")
        assert ("ApiKeyId" in stack.outputs) is (key == "true")


def test_other_parameters_keep_the_deployment(make_stack: MakeStack) -> None:
    changed = make_stack(throttlingRateLimit="7", resultBucketDays="3", customStageName="test")
    assert deployment_of(changed) == deployment_of(make_stack())


def test_a_change_of_the_api_itself_is_deployed() -> None:
    assert gateway.digest_of("Resources: {}") != gateway.digest_of("Resources: {A: {}}")


def test_a_deployment_waits_for_all_that_it_copies(make_stack: MakeStack) -> None:
    stack = make_stack()
    copied = {
        name
        for name, resource in stack.resources.items()
        if resource["Type"] in ("AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse")
    }
    assert copied <= stack.needs(deployment_of(stack))


@pytest.mark.parametrize("refusal", gateway.REFUSALS, ids=lambda refusal: refusal.type)
def test_what_the_gateway_refuses_has_the_shape_of_every_error(refusal: gateway.Refusal) -> None:
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
]
NO_REQUESTS: list[Any] = [{}, [], "img", {"scale": 2}, {"img": 5}, {"img": "a", "scale": "two"}]


def request_schema() -> dict[str, Any]:
    schema: dict[str, Any] = put_up(LAMBDA).properties("RequestModel")["Schema"]
    return schema


@pytest.mark.parametrize("request_body", REQUESTS)
def test_the_request_model_lets_requests_through(request_body: object) -> None:
    jsonschema.Draft4Validator(request_schema()).validate(request_body)


@pytest.mark.parametrize("request_body", NO_REQUESTS)
def test_the_request_model_refuses_what_is_none(request_body: object) -> None:
    assert not jsonschema.Draft4Validator(request_schema()).is_valid(request_body)


def test_the_access_log_is_json_and_has_metadata_only(make_stack: MakeStack) -> None:
    log = make_stack().properties("Stage")["AccessLogSetting"]
    fields = json.loads(log["Format"])
    assert not [value for value in fields.values() if "body" in value.lower()]
    settings = make_stack().properties("Stage")["MethodSettings"][0]
    assert settings["DataTraceEnabled"] is False
    assert settings["LoggingLevel"] == "OFF"


def test_the_access_log_can_be_left_out(make_stack: MakeStack) -> None:
    stack = make_stack(accessLog="off")
    assert "AccessLogSetting" not in stack.properties("Stage")
    assert not {"ApiLogAccount", "ApiLogRole", "ApiAccessLog"} & set(stack.resources)


def test_the_stage_waits_for_the_account_s_log_role(make_stack: MakeStack) -> None:
    assert "ApiLogAccount" in make_stack().needs("Stage")


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
    named = set(re.findall(re.escape(prefix) + r"([\w.-]+)", json.dumps(make_stack().resources)))
    assert named == set(variant.archives)


@pytest.mark.parametrize("region", [US, BEIJING], ids=lambda region: region.name)
def test_every_environment_is_one_that_the_settings_take(variant: Variant, region: Region) -> None:
    found = environments(everything_in(region, variant))
    assert found
    for environment in found:
        assert all(isinstance(value, str) for value in environment.values())
        Settings.from_environment(environment)


def test_input_buckets_reach_the_function_by_name_and_its_role_by_arn(
    variant: Variant,
) -> None:
    for region in (US, BEIJING):
        stack = everything_in(region, variant)
        environment = stack.properties("Function")["Environment"]["Variables"]
        assert Settings.from_environment(environment).input_buckets == ("one", "two")
        statements = [each for each in statements_of(stack, "FunctionRole") if "s3" in str(each)]
        arns = [f"arn:{region.partition}:s3:::{name}/*" for name in ("one", "two")]
        assert arns in [each["Resource"] for each in statements]


def test_without_input_buckets_there_is_no_statement_for_them(make_stack: MakeStack) -> None:
    stack = make_stack()
    assert stack.properties("Function")["Environment"]["Variables"]["SR_INPUT_BUCKETS"] == ""
    assert len([s for s in statements_of(stack, "FunctionRole") if "s3:" in str(s["Action"])]) == 1


def test_web_addresses_need_nat() -> None:
    without, with_nat = put_up(LAMBDA), put_up(LAMBDA, enableNat="true")
    assert "NatGateway" not in without.resources
    assert "NatGateway" in with_nat.resources
    for stack, allowed in ((without, False), (with_nat, True)):
        environment = stack.properties("Function")["Environment"]["Variables"]
        assert Settings.from_environment(environment).allow_web_sources is allowed


CHANGES = {
    "functionMemory": "10240",
    "enableNat": "true",
    "logLevel": "DEBUG",
    "resultLinkSeconds": "60",
    "inputBucketArns": "arn:aws:s3:::one",
    "artifactPrefix": "super-resolution/fedcba9876543210",
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_the_function_makes_a_new_version(name: str) -> None:
    before, after = put_up(LAMBDA), put_up(LAMBDA, **{name: CHANGES[name]})
    assert before.properties("Function") != after.properties("Function")
    assert before.properties("FunctionVersion") != after.properties("FunctionVersion")


def test_a_version_s_description_is_never_too_long() -> None:
    names = ",".join(f"arn:aws:s3:::{'b' * length}" for length in (62, 60, 37))
    assert len(names) == 200
    stack = put_up(LAMBDA, inputBucketArns=names, artifactPrefix="p" * 60, functionMemory="10240")
    assert len(stack.properties("FunctionVersion")["Description"]) <= 256


def test_provisioned_concurrency_is_only_there_when_asked_for() -> None:
    assert "ProvisionedConcurrencyConfig" not in put_up(LAMBDA).properties("FunctionAlias")
    asked = put_up(LAMBDA, provisionedConcurrency="3").properties("FunctionAlias")
    assert asked["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": "3"}


# ---------------------------------------------------------------- permissions


def statements_of(stack: Stack, role: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in stack.properties(role).get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def statement_with(stack: Stack, role: str, action: str) -> dict[str, Any]:
    return next(each for each in statements_of(stack, role) if action in each["Action"])


NAMELESS = {
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
        for statement in statements_of(stack, role):
            actions = statement["Action"]
            actions = {actions} if isinstance(actions, str) else set(actions)
            assert not [action for action in actions if "*" in action]
            if statement["Resource"] == "*":
                assert actions <= NAMELESS


def test_only_the_loader_may_write_to_the_networks() -> None:
    stack = put_up(LAMBDA)
    writers = [
        role
        for role in stack.of_type("AWS::IAM::Role")
        if "elasticfilesystem:ClientWrite" in json.dumps(statements_of(stack, role))
    ]
    assert writers == ["LoaderRole"]


def test_the_file_system_s_policy_takes_anonymous_access_away() -> None:
    policy = put_up(LAMBDA).properties("Files")["FileSystemPolicy"]
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


def test_a_deletion_keeps_only_what_the_documentation_says(make_stack: MakeStack) -> None:
    stack = make_stack()
    kept = {
        name
        for name, resource in stack.resources.items()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == KEPT_ON_PURPOSE


def test_every_function_writes_to_a_log_that_is_deleted_with_it(make_stack: MakeStack) -> None:
    stack = make_stack()
    for about in functions(stack).values():
        group = about["LoggingConfig"]["LogGroup"].strip("<>")
        assert stack.properties(group)["RetentionInDays"] == "30"
        assert "logs:CreateLogGroup" not in json.dumps(stack.resources)


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
    stack = put_up(LAMBDA)
    assert "ModelFiles" in stack.needs("Function")
    assert {"FilesInA", "FilesInB", "S3Endpoint", "FunctionToFiles"} <= stack.needs("ModelFiles")
    assert stack.properties("ModelFiles")["Directory"] == "/mnt/models"


def test_every_parameter_is_explained_and_grouped(variant: Variant) -> None:
    template = load((ROOT / "cfn" / variant.template).read_text(encoding="utf-8"))
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
