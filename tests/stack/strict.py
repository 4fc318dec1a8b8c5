"""AWS's rules that ministack does not play, put into its process by `serve.py`.

Each names its source. The file that STRICT_FILE names switches some of them while the server runs:
`{"concurrency": 10, "key_seconds": 2, "rights": {"AWS::S3::Bucket": ["s3:CreateBucket"]}}`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import apigateway_v1, s3, stepfunctions
from ministack.services.cloudformation import handlers, helpers, provisioners, stacks

LIMIT_OF_STATE = 262_144
"""Bytes of a state's input and output (Step Functions, quotas)."""
VIRTUAL_HOST = re.compile(r"https://([a-z0-9.-]+)\.s3\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/")
ACCESS_KEY: ContextVar[str] = ContextVar("ACCESS_KEY", default="")
Answer = tuple[int, dict[str, str], bytes]


def switch(name: str) -> Any:
    """Return the tests' configuration, or None."""
    path = Path(os.environ["STRICT_FILE"])
    return json.loads(path.read_text()).get(name) if path.exists() else None


def install() -> None:
    """Install every rule."""
    remember_the_caller()
    answer_403_without_list_bucket()
    refuse_calls_above_the_concurrency()
    know_api_keys_late()
    lose_letters()
    find_templates_by_host()
    ask_for_the_deployer_s_rights()
    stepfunctions._run_distributed_map = run_distributed_map
    redrive()


def remember_the_caller() -> None:
    """Keep the access key of the present request, which some rules need."""
    enforce = iam_evaluator.enforce

    def remembering(access_key: str, *given: Any, **named: Any) -> Any:
        ACCESS_KEY.set(access_key or "")
        return enforce(access_key, *given, **named)

    iam_evaluator.enforce = remembering


def denied(action: str, service: str, resource: str) -> bool:
    """Return whether the caller of the present request may not do this."""
    key = ACCESS_KEY.get()
    about = {"iam:PassedToService": "lambda.amazonaws.com"} if action == "iam:PassRole" else {}
    return bool(key) and (
        iam_evaluator.enforce(
            key,
            action,
            service,
            responses.get_region(),
            resource_arn=resource,
            service_context=about,
        )
        is not None
    )


def answer_403_without_list_bucket() -> None:
    """S3, GetObject and HeadObject, Permissions: without s3:ListBucket a missing key is a 403."""

    def strict(read: Callable[..., Answer]) -> Callable[..., Answer]:
        def reading(bucket: str, key: str, *given: Any, **named: Any) -> Answer:
            status, headers, body = read(bucket, key, *given, **named)
            if status == 404 and denied("s3:ListBucket", "s3", f"arn:aws:s3:::{bucket}"):
                text = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
                return 403, {"Content-Type": "application/xml"}, text.encode()
            return status, headers, body

        return reading

    s3._get_object = strict(s3._get_object)
    s3._head_object = strict(s3._head_object)


def refuse_calls_above_the_concurrency() -> None:
    """Lambda's 429 becomes the response INTEGRATION_FAILURE (API Gateway, gateway responses)."""
    invoke = apigateway_v1._invoke_lambda_proxy_v1
    running = 0

    async def limited(
        integration: Any, api_id: str, stage_name: str, stage: Any, *rest: Any, **named: Any
    ) -> Any:
        nonlocal running
        limit = switch("concurrency")
        if limit is not None and running >= limit:
            error = apigateway_v1._gw_error("INTEGRATION_FAILURE", "Internal server error")
            request = {
                "api_id": api_id,
                "stage_name": stage_name,
                "stage": stage,
                "headers": {},
                "query_params": {},
                "path_params": {},
                "resource_path": "",
                "request_id": "strict",
            }
            return apigateway_v1._gateway_error_response(error, request)
        running += 1
        try:
            return await invoke(integration, api_id, stage_name, stage, *rest, **named)
        finally:
            running -= 1

    apigateway_v1._invoke_lambda_proxy_v1 = limited


def know_api_keys_late() -> None:
    """A new key takes up to a minute to be known (API Gateway, usage plans: troubleshooting)."""
    resolve = apigateway_v1._resolve_api_key
    first_seen: dict[str, float] = {}

    def late(value: str | None) -> Any:
        found = resolve(value)
        if found is None:
            return None
        now = time.monotonic()
        age = now - first_seen.setdefault(found["id"], now)
        return found if age >= (switch("key_seconds") or 0) else None

    apigateway_v1._resolve_api_key = late


def lose_letters() -> None:
    """Refuse or lose letters as AWS does.

    IAM takes none above U+00FF (PutRolePolicy, PolicyDocument); DescribeStacks has `?` for each
    outside ASCII (cloudformation-coverage-roadmap #814).
    """
    provision, describe = provisioners._provision_resource, handlers._describe_stacks

    def strict(kind: str, name: str, properties: dict[str, Any], *rest: Any) -> Any:
        text = json.dumps(properties, ensure_ascii=False)
        if kind.startswith("AWS::IAM::") and max(text) > "\xff":
            raise ValueError("The specified value for policyDocument is invalid")
        return provision(kind, name, properties, *rest)

    def lossy(given: Any) -> Answer:
        status, headers, body = describe(given)
        return status, headers, body.decode().encode("ascii", "replace")

    provisioners._provision_resource = strict
    stacks._provision_resource = strict
    handlers._ACTION_HANDLERS["DescribeStacks"] = lossy


def find_templates_by_host() -> None:
    """Read a template from `BUCKET.s3.REGION.amazonaws.com` (S3, virtual hosting of buckets)."""
    resolve = helpers._resolve_document

    def by_path(given: dict[str, list[str]], body: str, url: str, label: str) -> Any:
        addresses = [VIRTUAL_HOST.sub(r"https://s3/\1/", each) for each in given.get(url, [])]
        return resolve({**given, url: addresses} if addresses else given, body, url, label)

    helpers._resolve_document = by_path


def ask_for_the_deployer_s_rights() -> None:
    """Let CloudFormation act with its caller's permissions (guide: controlling access with IAM).

    The permissions of a type are in its schema (`handlers`), and in the switch `rights`.
    """

    def strict(act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(kind: str, *given: Any, **named: Any) -> Any:
            for action in (switch("rights") or {}).get(kind, []):
                if denied(action, action.partition(":")[0], "*"):
                    raise PermissionError(
                        f"User is not authorized to perform: {action} on resource: {kind}"
                    )
            return act(kind, *given, **named)

        return acting

    provisioners._provision_resource = strict(provisioners._provision_resource)
    stacks._provision_resource = provisioners._provision_resource


# ---------------------------------------------------------------- Step Functions


def run_distributed_map(
    state: dict[str, Any],
    raw_input: Any,
    effective: Any,
    iterator: dict[str, Any],
    execution: dict[str, Any],
    ctx: dict[str, Any],
) -> tuple[Any, Any]:
    """Run a map as its guide says: batches of items, limits of bytes, a report, and a redrive.

    Guide: distributed map, ItemBatcher, ResultWriter, MaxInputBytesPerBatch, redriving map runs.
    """
    run = execution.setdefault("_map", {})
    if not run:
        run |= _new_run(state, effective, execution, ctx)
    about = run["about"]
    children = [each for each in run["children"] if each["status"] != "SUCCEEDED"]
    about |= {"status": "RUNNING", "stopDate": None}
    with ThreadPoolExecutor(max_workers=int(state.get("MaxConcurrency") or 0) or 40) as pool:
        for each in children:
            pool.submit(copy_context().run, _run_child, each, iterator, execution, ctx)
    _count(run)
    details = _write_report(state, run, effective, ctx)
    failed = about["itemCounts"]["failed"] * 100
    about["stopDate"] = stepfunctions.now_iso()
    if failed > float(state.get("ToleratedFailurePercentage") or 0) * about["itemCounts"]["total"]:
        about["status"] = "FAILED"
        raise stepfunctions._ExecutionError(
            "States.ExceedToleratedFailureThreshold",
            "The specified tolerated failure threshold was exceeded",
        )
    about["status"] = "SUCCEEDED"
    result = {"MapRunArn": about["mapRunArn"], "ResultWriterDetails": details}
    output = stepfunctions._apply_result_path(state, raw_input, result)
    return output, stepfunctions._next_or_end(state)


def _new_run(
    state: dict[str, Any], effective: Any, execution: dict[str, Any], ctx: dict[str, Any]
) -> dict[str, Any]:
    items = list(_items(state["ItemReader"], effective, ctx))
    selected = []
    for index, item in enumerate(items):
        inner = {**ctx, "Map": {"Item": {"Index": index, "Value": item}}}
        selected.append(stepfunctions._resolve_params_obj(state["ItemSelector"], effective, inner))
    shared = stepfunctions._resolve_params_obj(
        state["ItemBatcher"].get("BatchInput", {}), effective, ctx
    )
    parts = execution["stateMachineArn"].split(":")
    base, name = ":".join(parts[:5]), f"{parts[6]}/{stepfunctions.new_uuid()}"
    arn = f"{base}:mapRun:{name}:{stepfunctions.new_uuid()}"
    counts = dict.fromkeys(
        (
            *("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total"),
            *("resultsWritten", "failuresNotRedrivable", "pendingRedrive"),
        ),
        0,
    )
    about = {
        "mapRunArn": arn,
        "executionArn": execution["executionArn"],
        "status": "RUNNING",
        "startDate": stepfunctions.now_iso(),
        "maxConcurrency": int(state.get("MaxConcurrency") or 0),
        "toleratedFailurePercentage": float(state.get("ToleratedFailurePercentage") or 0),
        "toleratedFailureCount": 0,
        "itemCounts": {**counts, "total": len(items), "pending": len(items)},
        "executionCounts": dict(counts),
        "redriveCount": 0,
        "_stateMachineArn": f"{base}:stateMachine:{name}",
    }
    stepfunctions._map_runs[arn] = about
    children = [
        {"input": batch, "status": "PENDING", "arn": f"{base}:execution:{name}:{number}"}
        for number, batch in enumerate(_batches(selected, shared, state["ItemBatcher"]))
    ]
    return {"about": about, "children": children, "lock": threading.Lock()}


def _items(reader: dict[str, Any], effective: Any, ctx: dict[str, Any]) -> Iterator[Any]:
    """Yield items as ministack reads them, and an S3 Inventory's (guide: InputType MANIFEST)."""
    if (reader.get("ReaderConfig") or {}).get("InputType") != "MANIFEST":
        yield from stepfunctions._read_map_items(reader, effective, ctx)
        return
    place = stepfunctions._resolve_params_obj(reader["Parameters"], effective, ctx)
    bucket = s3._buckets.get(place["Bucket"])
    manifest = json.loads(bucket["objects"][place["Key"]]["body"])
    columns = [each.strip() for each in manifest["fileSchema"].split(",")]
    for file in manifest["files"]:
        stored = s3._buckets.get(manifest["destinationBucket"].rpartition(":")[2])
        text = gzip.decompress(stored["objects"][file["key"]]["body"]).decode()
        for row in csv.reader(io.StringIO(text)):
            yield dict(zip(columns, row, strict=True))


def _batches(items: list[Any], shared: Any, batcher: dict[str, Any]) -> Iterator[dict[str, Any]]:
    most = int(batcher.get("MaxItemsPerBatch") or len(items) or 1)
    largest = int(batcher.get("MaxInputBytesPerBatch") or LIMIT_OF_STATE)
    batch: list[Any] = []
    for item in items:
        grown = {"BatchInput": shared, "Items": [*batch, item]}
        if batch and (len(batch) >= most or len(json.dumps(grown)) > largest):
            yield {"BatchInput": shared, "Items": batch}
            batch = []
        batch.append(item)
    if batch:
        yield {"BatchInput": shared, "Items": batch}


def _run_child(
    child: dict[str, Any], iterator: dict[str, Any], execution: dict[str, Any], ctx: dict[str, Any]
) -> None:
    run = execution["_map"]
    child["status"] = "RUNNING"
    try:
        if len(json.dumps(child["input"])) > LIMIT_OF_STATE:
            raise stepfunctions._ExecutionError(
                "States.DataLimitExceeded", "the input is too large"
            )
        record = {"executionArn": child["arn"], "events": [], "mockAttempts": {}, "testCase": None}
        output = stepfunctions._run_sub_machine(
            iterator["States"], iterator["StartAt"], child["input"], record, dict(ctx)
        )
        if len(json.dumps(output)) > LIMIT_OF_STATE:
            raise stepfunctions._ExecutionError(
                "States.DataLimitExceeded", "the output is too large"
            )
        child |= {"status": "SUCCEEDED", "output": output}
    except Exception as exc:  # noqa: BLE001 - whatever it is, the batch has failed
        error = getattr(exc, "error", "States.TaskFailed")
        child |= {"status": "FAILED", "error": error, "cause": getattr(exc, "cause", str(exc))}
    with run["lock"]:
        _count(run)


def _count(run: dict[str, Any]) -> None:
    """Count pictures and batches by outcome."""
    for counts, weigh in (
        (run["about"]["itemCounts"], lambda each: len(each["input"]["Items"])),
        (run["about"]["executionCounts"], lambda each: 1),
    ):
        for name in ("pending", "running", "succeeded", "failed"):
            counts[name] = sum(
                weigh(each) for each in run["children"] if each["status"] == name.upper()
            )
        counts["total"] = sum(weigh(each) for each in run["children"])


def _write_report(
    state: dict[str, Any], run: dict[str, Any], effective: Any, ctx: dict[str, Any]
) -> dict[str, str]:
    """Write manifest.json, SUCCEEDED_0.json and FAILED_0.json (guide: ResultWriter)."""
    place = stepfunctions._resolve_params_obj(state["ResultWriter"]["Parameters"], effective, ctx)
    bucket = place["Bucket"]
    folder = f"{place['Prefix']}/{run['about']['mapRunArn'].rpartition(':')[2]}"
    files: dict[str, list[dict[str, Any]]] = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
    for status, listed in files.items():
        found = [each for each in run["children"] if each["status"] == status]
        if not found:
            continue
        rows = [
            {
                "ExecutionArn": each["arn"],
                "Status": status,
                "Input": json.dumps(each["input"]),
                **({"Output": json.dumps(each["output"])} if "output" in each else {}),
                **({"Error": each["error"], "Cause": each["cause"]} if "error" in each else {}),
            }
            for each in found
        ]
        key, data = f"{folder}/{status}_0.json", json.dumps(rows).encode()
        s3._put_object(bucket, key, data, {})
        listed.append({"Key": key, "Size": len(data)})
    manifest = {
        "DestinationBucket": bucket,
        "MapRunArn": run["about"]["mapRunArn"],
        "ResultFiles": files,
    }
    key = f"{folder}/manifest.json"
    s3._put_object(bucket, key, json.dumps(manifest).encode(), {})
    return {"Bucket": bucket, "Key": key}


def redrive() -> None:
    """Go on with the batches that failed, in the same execution (guide: redriving executions)."""
    handle = stepfunctions.handle_request

    async def handling(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Answer:
        if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            answer: Answer = await handle(method, path, headers, body, query)
            return answer
        arn = json.loads(body)["executionArn"]
        execution = stepfunctions._executions[arn]
        if execution["status"] not in ("FAILED", "ABORTED", "TIMED_OUT"):
            text = {"__type": "ExecutionNotRedrivable", "message": execution["status"]}
            return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(text).encode()
        execution |= {"status": "RUNNING", "stopDate": None}
        execution["_map"]["about"]["redriveCount"] += 1
        context = copy_context()
        threading.Thread(
            target=context.run, args=(stepfunctions._run_execution, arn), daemon=True
        ).start()
        date = json.dumps({"redriveDate": time.time()}).encode()
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, date

    stepfunctions.handle_request = handling
