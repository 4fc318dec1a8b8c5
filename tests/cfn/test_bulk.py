"""The bulk stack's template, its commands, and its cost."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from backend.models.manifest import SHIPPED
from backend.models.registry import load_registry
from cfn.__main__ import main
from cfn.bulk import BulkStack, Runs
from cfn.bulk_cost import Work, cost_from, explain
from cfn.errors import DeploymentError
from cfn.variants import BULK
from tests.cfn.conftest import aws_session, put_up
from tests.cfn.resolver import BEIJING, GOVCLOUD, US, Region, RuleError, Stack
from tests.cfn.test_templates import foreign_to_china, principals, role_statements, statement_with

REGIONS = pytest.mark.parametrize("region", [US, BEIJING, GOVCLOUD], ids=lambda each: each.name)


def machine(region: Region = US, **parameters: str) -> dict[str, Any]:
    """Return the state machine's definition."""
    stack = put_up(BULK, region, check_rules=True, **parameters)
    definition: dict[str, Any] = json.loads(stack.properties("Pictures")["DefinitionString"])
    return definition


def maps(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in definition["States"].items() if each["Type"] == "Map"}


def test_a_source_is_a_prefix_a_list_or_an_inventory() -> None:
    definition = machine()
    choices = {
        each["StringEquals"]: each["Next"] for each in definition["States"]["Source"]["Choices"]
    }
    assert choices == {"list": "List", "inventory": "Inventory"}
    assert definition["States"]["Source"]["Default"] == "Prefix"
    readers = {name: each["ItemReader"] for name, each in maps(definition).items()}
    assert readers["Prefix"]["Resource"].endswith("s3:listObjectsV2")
    assert readers["Prefix"]["Parameters"] == {"Bucket": "photos", "Prefix.$": "$.prefix"}
    assert readers["List"]["ReaderConfig"]["InputType"] == "CSV"
    assert readers["Inventory"]["ReaderConfig"]["InputType"] == "MANIFEST"


def test_every_source_goes_the_same_way_in_batches() -> None:
    given = {"maxConcurrency": "1000", "batchSize": "40", "toleratedFailurePercentage": "2"}
    found = maps(machine(US, **given))
    # S3 Inventory encodes the keys of its CSV files.
    assert found["Inventory"]["ItemBatcher"]["BatchInput"].pop("keys") == "url-encoded"
    for name, each in found.items():
        processor = each["ItemProcessor"]
        assert processor["StartAt"] == f"Upscale{name}"
        processor |= {"StartAt": "Upscale", "States": {"Upscale": processor["States"].popitem()[1]}}
    rests = [
        {key: value for key, value in each.items() if key != "ItemReader"}
        for each in found.values()
    ]
    assert len(rests) == 3
    assert all(each == rests[0] for each in rests)
    rest = rests[0]
    assert rest["ItemBatcher"] == {
        "MaxItemsPerBatch": 40,
        "MaxInputBytesPerBatch": 200_000,
        "BatchInput": {"job.$": "$.job"},
    }
    assert rest["MaxConcurrency"] == 1000
    assert rest["ToleratedFailurePercentage"] == 2
    assert rest["ItemSelector"] == {"key.$": "$$.Map.Item.Value.Key"}
    processor = rest["ItemProcessor"]
    # An Express execution ends after five minutes, and a batch may take fifteen.
    assert processor["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    task = processor["States"][processor["StartAt"]]
    assert task["Parameters"]["FunctionName"] == "<Function.Arn>"
    assert [each["ErrorEquals"][-1] for each in task["Retry"]][-1] == "States.ALL"
    assert rest["ResultWriter"]["Parameters"] == {
        "Bucket": "results",
        "Prefix": "large/_bulk/reports",
    }


@REGIONS
def test_it_names_nothing_of_another_partition(region: Region) -> None:
    stack = put_up(BULK, region)
    assert principals(stack) == {"lambda.amazonaws.com", "states.amazonaws.com"}
    foreign = foreign_to_china(stack)
    assert ("arn:aws:" in foreign) is (region is US)
    resources = {
        task["Resource"]
        for each in maps(machine(region)).values()
        for task in each["ItemProcessor"]["States"].values()
    }
    assert resources == {f"arn:{region.partition}:states:::lambda:invoke"}


def test_the_function_is_in_no_network_and_has_its_fifteen_minutes() -> None:
    stack = put_up(BULK)
    function = stack.properties("Function")
    assert function["Timeout"] == 900
    assert "VpcConfig" not in function
    assert not [each for each in stack.resources.values() if "EC2" in each["Type"]]
    assert "SR_TIME_BUDGET_SECONDS" not in function["Environment"]["Variables"]
    assert function["Environment"]["Variables"]["BULK_SOURCE"] == "s3://photos/small/"
    assert function["Environment"]["Variables"]["BULK_TARGET"] == "s3://results/large/"


def actions_on(stack: Stack, role: str, service: str) -> dict[str, set[str]]:
    """Return the role's permissions by resource."""
    found: dict[str, set[str]] = {}
    for statement in role_statements(stack, role):
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            wanted = {each for each in actions if each.startswith(f"{service}:")}
            if wanted:
                found.setdefault(resource, set()).update(wanted)
    return found


def test_the_function_reads_one_prefix_and_writes_another() -> None:
    assert actions_on(put_up(BULK), "FunctionRole", "s3") == {
        "arn:aws:s3:::photos/small/*": {"s3:GetObject"},
        "arn:aws:s3:::results/large/*": {"s3:PutObject", "s3:GetObject"},
        "arn:aws:s3:::photos": {"s3:ListBucket"},
        "arn:aws:s3:::results": {"s3:ListBucket"},
    }


def test_the_machine_lists_the_source_and_writes_reports() -> None:
    stack = put_up(BULK)
    assert actions_on(stack, "MachineRole", "s3") == {
        "arn:aws:s3:::photos": {"s3:ListBucket"},
        "arn:aws:s3:::results/large/_bulk/*": {
            "s3:GetObject",
            "s3:PutObject",
            "s3:ListMultipartUploadParts",
            "s3:AbortMultipartUpload",
        },
    }
    listing = statement_with(stack, "MachineRole", "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "small/*"}}
    assert actions_on(stack, "MachineRole", "lambda") == {
        "<Function.Arn>": {"lambda:InvokeFunction"}
    }
    assert actions_on(stack, "MachineRole", "states")["<Pictures>"] == {"states:StartExecution"}


BAD_FOLDERS = ["small", "/small/", " a/", "../", "small/*/", "a?/", 'a"/', "a\\/", "${a}/", "照片/"]


@pytest.mark.parametrize("bad", BAD_FOLDERS)
def test_a_prefix_is_a_folder(bad: str) -> None:
    with pytest.raises(AssertionError, match="sourcePrefix"):
        put_up(BULK, sourcePrefix=bad)
    with pytest.raises(AssertionError, match="targetPrefix"):
        put_up(BULK, targetPrefix=bad)


@pytest.mark.parametrize("good", ["", "photos/2026/", "dt=2026-01-01/", "my photos/a+b/", "a.b/"])
def test_a_source_is_any_folder_that_iam_can_name_and_the_whole_bucket(good: str) -> None:
    stack = put_up(BULK, sourcePrefix=good)
    assert actions_on(stack, "FunctionRole", "s3")[f"arn:aws:s3:::photos/{good}*"] == {
        "s3:GetObject"
    }
    environment = stack.properties("Function")["Environment"]["Variables"]
    assert environment["BULK_SOURCE"] == f"s3://photos/{good}"
    assert json.loads(stack.properties("Pictures")["DefinitionString"])


def test_a_target_is_a_folder_and_never_the_whole_bucket() -> None:
    with pytest.raises(AssertionError, match="targetPrefix"):
        put_up(BULK, targetPrefix="")
    put_up(BULK, targetPrefix="dt=2026-01-01/my results/")


def test_results_never_take_the_place_of_the_pictures() -> None:
    with pytest.raises(RuleError, match="another targetPrefix"):
        put_up(BULK, targetBucket="photos", targetPrefix="small/")
    put_up(BULK, targetBucket="photos", targetPrefix="large/")
    with pytest.raises(RuleError, match="targetBucket of its own"):
        put_up(BULK, sourcePrefix="", targetBucket="photos", targetPrefix="large/")


def test_own_keys_are_for_reading_and_writing_through_s3() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    stack = put_up(BULK, kmsKeyArns=key)
    for role in ("FunctionRole", "MachineRole"):
        assert actions_on(stack, role, "kms") == {key: {"kms:Decrypt", "kms:GenerateDataKey"}}
    assert "kms:" not in json.dumps(put_up(BULK).resources)


# ---------------------------------------------------------------- commands

ARN = "arn:aws:states:us-east-1:123456789012:execution:Pictures:1"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Pictures"
STACK = BulkStack(machine=MACHINE, source="s3://photos/small/", target="s3://results/large/")
MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:Pictures/x:2"
NOW = datetime.datetime.now(datetime.UTC)
JOB = {"scale": 2, "model": "fast"}


class Account:
    """boto3's clients with known answers, and no network."""

    def __init__(self) -> None:
        session = aws_session()
        self._clients = {name: session.client(name) for name in ("stepfunctions", "s3")}
        self.stubs = {name: Stubber(client) for name, client in self._clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def client(self, service: str) -> Any:
        return self._clients[service]

    def runs(self) -> Runs:
        account: Any = self
        return Runs(account, STACK)

    def expect_start(self, **given: object) -> None:
        asked = {"stateMachineArn": MACHINE, "input": json.dumps({"job": JOB, **given})}
        answer = {"executionArn": ARN, "startDate": NOW}
        self.stubs["stepfunctions"].add_response("start_execution", answer, asked)


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_run_takes_everything_or_a_folder(account: Account) -> None:
    account.expect_start(source="prefix", prefix="small/")
    assert account.runs().start(JOB) == ARN
    account.expect_start(source="prefix", prefix="small/cats/")
    assert account.runs().start(JOB, prefix="cats/") == ARN


def test_a_list_is_sent_to_where_the_machine_may_read_it(account: Account) -> None:
    keys = ["small/a.png", "small/b c.png"]
    sent = {"Bucket": "results", "Key": ANY, "Body": b"small/a.png\nsmall/b c.png"}
    account.stubs["s3"].add_response("put_object", {}, sent)
    answer = {"executionArn": ARN, "startDate": NOW}
    asked = {"stateMachineArn": MACHINE, "input": ANY}
    account.stubs["stepfunctions"].add_response("start_execution", answer, asked)
    assert account.runs().start(JOB, keys=keys) == ARN
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [(["other/a.png"], "not below"), (["small/a,b.png"], "no commas"), ([], "no picture")],
)
def test_a_list_that_cannot_work_starts_nothing(
    account: Account, keys: list[str], reason: str
) -> None:
    with pytest.raises(DeploymentError, match=reason):
        account.runs().start(JOB, keys=keys)


INVENTORY = "large/_bulk/inventory/photos/all/2026-11-29T01-00Z/manifest.json"


def test_an_inventory_is_one_that_the_machine_may_read(account: Account) -> None:
    account.expect_start(source="inventory", list=INVENTORY)
    assert account.runs().start(JOB, inventory=INVENTORY) == ARN
    for wrong in ("inventory/manifest.json", INVENTORY.replace(".json", ".checksum"), ""):
        with pytest.raises(DeploymentError, match=r"manifest\.json below large/_bulk/ of results"):
            account.runs().start(JOB, inventory=wrong)


def counts(**given: int) -> dict[str, int]:
    names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total")
    return {**dict.fromkeys((*names, "resultsWritten"), 0), **given}


@pytest.mark.parametrize("is_over", [False, True])
def test_the_status_says_how_far_it_is_and_how_long_it_takes(
    account: Account, *, is_over: bool
) -> None:
    states = account.stubs["stepfunctions"]
    now = datetime.datetime.now(datetime.UTC)
    started = now - datetime.timedelta(seconds=100)
    described = {
        "executionArn": ARN,
        "stateMachineArn": MACHINE,
        "status": "FAILED" if is_over else "RUNNING",
        "startDate": started,
    }
    if is_over:
        described |= {
            "stopDate": now,
            "error": "States.ExceedToleratedFailureThreshold",
            "cause": "The specified tolerated failure threshold was exceeded",
        }
    states.add_response("describe_execution", described)
    run = {
        "executionArn": ARN,
        "mapRunArn": MAP_RUN,
        "stateMachineArn": MACHINE,
        "startDate": started,
    }
    states.add_response("list_map_runs", {"mapRuns": [run]})
    found = counts(total=1000, succeeded=240, failed=8, timedOut=2)
    about = {
        "mapRunArn": MAP_RUN,
        "executionArn": ARN,
        "status": "RUNNING",
        "startDate": started,
        "maxConcurrency": 100,
        "toleratedFailurePercentage": 5.0,
        "toleratedFailureCount": 0,
        "itemCounts": found,
        "executionCounts": found,
    }
    states.add_response("describe_map_run", about)
    text = "\n".join(account.runs().status(ARN).lines)
    assert "250 of 1,000 pictures, 10 failed, 1.7 minutes" in text
    assert ("2.5 pictures a second, about 5 minutes left" in text) is not is_over
    assert ("ExceedToleratedFailureThreshold" in text) is is_over
    assert ("s3://results/large/_bulk/reports/" in text) is is_over


def test_a_redrive_goes_on_with_the_same_run(account: Account) -> None:
    states = account.stubs["stepfunctions"]
    states.add_response("redrive_execution", {"redriveDate": NOW}, {"executionArn": ARN})
    account.runs().redrive(ARN)
    states.assert_no_pending_responses()
    states.add_client_error("redrive_execution", "ExecutionNotRedrivable", "It succeeded")
    with pytest.raises(ClientError, match="It succeeded"):
        account.runs().redrive(ARN)


def test_a_stack_of_another_kind_says_which_command_makes_one() -> None:
    with pytest.raises(DeploymentError, match="python -m cfn deploy bulk"):
        BulkStack.from_description({"StackName": "s"})


# ---------------------------------------------------------------- cost


def work(**changed: Any) -> Work:
    spec = load_registry(SHIPPED).find(name="fast", scale=2)
    given = {"pictures": 1_000_000, "megapixels": 1.0, "spec": spec, "memory": 3008}
    return Work(**{**given, "concurrency": 1000, "batch": 20, "seconds": 1.5, **changed})


def test_the_cost_is_what_the_formula_says() -> None:
    cost = cost_from(work())
    assert cost.minutes == pytest.approx(25.0)
    assert cost.function == pytest.approx(1e6 * 1.5 * 3008 / 1024 * 0.0000166667)
    assert cost.transitions == pytest.approx(50_000 * 3 * 0.000025)
    assert cost.total == pytest.approx(83, abs=1)
    assert cost.requests == 3_001_000
    text = "\n".join(explain(work(), cost))
    assert "1,000,000 x 1.50 s x 2.94 GB" in text
    assert f"{cost.total:,.2f}" in text


def test_a_megapixel_costs_about_the_same_with_any_memory() -> None:
    small, large = (cost_from(work(seconds=None, memory=m, megapixels=4.0)) for m in (2048, 8192))
    assert small.function == pytest.approx(large.function, rel=0.3)
    assert large.seconds < small.seconds


def test_the_command_tells_it_without_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--pictures", "1000", "--megapixels", "1", "--model", "quality", "--scale", "4"]
    assert main(["bulk", "cost", *given]) == 0
    assert "quality x4" in capsys.readouterr().out
    assert main(["bulk", "cost", *given[:-4], "--model", "none"]) == 1
    assert "There is no model named 'none'" in capsys.readouterr().err
