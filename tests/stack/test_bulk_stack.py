"""The bulk stack, put up as it is, and its runs over pictures in S3, in ministack's account.

Its functions run the real handler with the real networks, as the stack's roles let them. Batches,
limits of bytes, the report and the redrive are `strict.py`'s, which plays what AWS's guide says of
a distributed map; ministack itself has none of them.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError

from backend import LocalEngine, UpscaleOptions
from cfn.bulk import Runs, Status, find_stack
from cfn.check_s3 import check_bulk
from cfn.errors import DeploymentError
from cfn.variants import BULK
from tests.cfn.resolver import load_file
from tests.stack.account import Account
from tests.stack.conftest import PHOTOS, RESULTS
from tests.stack.deployed import Artifacts, Deployed, delete, deploy
from tests.stack.inventory import inventory

PICTURES = 40
BROKEN = (7, 23)
SECONDS = 300
JOB = {"scale": 2, "model": "fast", "format": "auto", "cleanup": "auto"}
PROC = Path("/proc")
TRIALS, FEWER_TRIALS = (json.dumps(f'"MaxAttempts": {count}')[1:-1] for count in (3, 1))
"""Attempts in the definition of the machine, as JSON in JSON."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A stack over one folder of the photos' bucket, and its runs."""

    stack: Deployed
    folder: str

    @cached_property
    def runs(self) -> Runs:
        account: Any = self.stack.account
        return Runs(account, find_stack(account, self.stack.name))

    def put(self, key: str, data: bytes) -> None:
        self._s3.put_object(Bucket=PHOTOS, Key=f"{self.folder}/{key}", Body=data)

    def run(self, **order: Any) -> Status:
        """Start a run and wait for its end."""
        return self.wait(self.runs.start(JOB, **order))

    def wait(self, execution: str) -> Status:
        end = time.monotonic() + SECONDS
        while self.is_running(execution):
            assert time.monotonic() < end, self.runs.status(execution).lines
            time.sleep(0.1)
        return self.runs.status(execution)

    def is_running(self, execution: str) -> bool:
        """Ask this one thing: a request costs the machine as much as a picture."""
        states = self.stack.account.client("stepfunctions")
        return bool(states.describe_execution(executionArn=execution)["status"] == "RUNNING")

    def outcomes(self, execution: str) -> Counter[str]:
        """Add up the function's answers from the run's report."""
        answers = [json.loads(each["Output"]) for each in self.report(execution, "SUCCEEDED")]
        counts = ("done", "skipped", "failed")
        return Counter({each: sum(answer[each] for answer in answers) for each in counts})

    def report(self, execution: str, kind: str) -> list[dict[str, Any]]:
        """Return the report's rows of that kind of batch."""
        states = self.stack.account.client("stepfunctions")
        (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
        folder = f"_bulk/reports/{run['mapRunArn'].rpartition(':')[2]}"
        manifest = json.loads(self.get(f"{folder}/manifest.json"))
        return [
            row
            for file in manifest["ResultFiles"][kind]
            for row in json.loads(self.get(file["Key"].removeprefix(f"{self.folder}/")))
        ]

    def results(self) -> dict[str, str]:
        """Return ETag and time of each object, by key below the folder."""
        pages = self._s3.get_paginator("list_objects_v2")
        start = f"{self.folder}/"
        return {
            each["Key"].removeprefix(start): f"{each['ETag']} {each['LastModified']}"
            for page in pages.paginate(Bucket=RESULTS, Prefix=start)
            for each in page.get("Contents", [])
        }

    def pictures(self) -> dict[str, str]:
        """Return the results that are pictures."""
        return {key: each for key, each in self.results().items() if not key.startswith("_")}

    def get(self, key: str) -> bytes:
        found = self._s3.get_object(Bucket=RESULTS, Key=f"{self.folder}/{key}")
        data: bytes = found["Body"].read()
        return data

    @property
    def _s3(self) -> Any:
        return self.stack.account.client("s3")


MakeWork = Callable[..., Work]


@pytest.fixture
def make_work(account: Account, bulk_artifacts: Artifacts) -> Iterator[MakeWork]:
    made: set[str] = set()

    def make(folder: str, artifacts: Artifacts = bulk_artifacts, **parameters: str) -> Work:
        work = put_up(account, artifacts, folder, **parameters)
        made.add(work.stack.name)
        return work

    yield make
    for name in made:
        delete(account, name)


def put_up(account: Account, artifacts: Artifacts, folder: str, **parameters: str) -> Work:
    """Deploy or update the stack."""
    given = {
        "sourceBucket": PHOTOS,
        "sourcePrefix": f"{folder}/",
        "targetBucket": RESULTS,
        "targetPrefix": f"{folder}/",
        "maxConcurrency": "1",  # each function is a process, which starts anew
        "batchSize": "1",
    }
    stack = deploy(account, f"bulk-{folder}", artifacts, **{**given, **parameters})
    return Work(stack=stack, folder=folder)


def workers(account: Account) -> list[int]:
    """Return the processes of ministack's functions."""
    children = (PROC / str(account.pid) / "task").glob("*/children")
    return [int(pid) for each in children for pid in each.read_text().split()]


def test_forty_pictures_of_which_two_are_broken_with_functions_killed_in_the_middle(
    make_work: MakeWork,
    account: Account,
    photo_bytes: Callable[..., bytes],
    engine: LocalEngine,
) -> None:
    before = workers(account)
    work = make_work("killed", maxConcurrency="2")
    for number in range(PICTURES):
        data = b"\xff\xd8 broken" if number in BROKEN else photo_bytes("JPEG", quality=50 + number)
        work.put(f"{number % 4}/{number} ü.jpg", data)
    work.put("0/", b"")
    execution = work.runs.start(JOB)
    kills = 0
    seen: dict[str, str] = {}
    while work.is_running(execution):
        now = work.pictures()
        assert seen.items() <= now.items(), "a result was made a second time"
        seen = now
        if len(seen) > 8 * (kills + 1) and kills < 3:
            kills += 1
            for pid in set(workers(account)) - set(before):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    status = work.wait(execution)
    assert status.state == "SUCCEEDED", status.lines
    assert kills == 3
    results = work.pictures()
    assert seen.items() <= results.items()
    good = {f"{number % 4}/{number} ü.jpg" for number in range(PICTURES) if number not in BROKEN}
    assert set(results) == good
    for number in (0, 39):
        expected = engine.upscale(
            photo_bytes("JPEG", quality=50 + number), UpscaleOptions(model="fast")
        )
        assert work.get(f"{number % 4}/{number} ü.jpg") == expected.data
    for number in BROKEN:
        about = json.loads(work.get(f"_failed/{number % 4}/{number} ü.jpg.json"))
        assert about["error"] == "invalid_image"
    outcomes = work.outcomes(execution)
    assert (outcomes["done"] + outcomes["skipped"], outcomes["failed"]) == (len(good), len(BROKEN))
    again = work.run()
    assert work.outcomes(again.execution) == {
        "done": 0,
        "skipped": len(good),
        "failed": len(BROKEN),
    }
    assert work.pictures() == results


def test_a_folder_or_a_list_of_the_source(
    make_work: MakeWork, photo_bytes: Callable[..., bytes]
) -> None:
    work = make_work("parts")
    for key in ("cats/a.png", "cats/b.png", "dogs/c.png", "dogs/d.png"):
        work.put(key, photo_bytes("PNG"))
    assert work.run(prefix="cats/").state == "SUCCEEDED"
    assert set(work.pictures()) == {"cats/a.png", "cats/b.png"}
    assert work.run(keys=["parts/dogs/d.png", "parts/cats/a.png"]).state == "SUCCEEDED"
    assert set(work.pictures()) == {"cats/a.png", "cats/b.png", "dogs/d.png"}


def test_a_run_over_a_folder_whose_name_iam_could_not_have(
    make_work: MakeWork, photo_bytes: Callable[..., bytes]
) -> None:
    """The stack may read the whole bucket, and the run's own prefix may have any letters."""
    work = make_work("root", sourcePrefix="")
    for key in ("照片/a b.png", "dt=2026-01-01/b.png"):
        work.put(key, photo_bytes("PNG"))
    status = work.run(prefix="root/照片/")
    assert status.state == "SUCCEEDED", status.lines
    assert set(work.pictures()) == {"root/照片/a b.png"}


def test_a_source_that_iam_could_not_name_is_refused_with_what_works(
    account: Account, bulk_artifacts: Artifacts
) -> None:
    before = inventory(account)
    with pytest.raises(ClientError, match=r"sourcePrefix.*bulk start --prefix"):
        put_up(account, bulk_artifacts, "letters", sourcePrefix="照片/")
    assert inventory(account) == before


def test_without_the_pattern_iam_refuses_the_letters_and_an_output_loses_them(
    account: Account, bulk_artifacts: Artifacts, tmp_path: Path
) -> None:
    """A template with a seeded fault, then one whose rights are on the whole bucket besides."""
    template = load_file(bulk_artifacts.template)
    del template["Parameters"]["sourcePrefix"]["AllowedPattern"]
    artifacts = written(bulk_artifacts, template, tmp_path / "template.json")
    with pytest.raises(DeploymentError, match="policyDocument"):
        put_up(account, artifacts, "letters", sourcePrefix="照片/")
    delete(account, "bulk-letters")
    text = artifacts.template.read_text()
    artifacts.template.write_text(text.replace("${sourcePrefix}*", "*"))
    work = put_up(account, artifacts, "letters", sourcePrefix="照片/")
    assert work.stack.outputs["Source"] == f"s3://{PHOTOS}/??/"
    delete(account, "bulk-letters")


def test_batches_with_a_missing_key_and_a_broken_picture_lose_nothing(
    make_work: MakeWork, account: Account, photo_bytes: Callable[..., bytes]
) -> None:
    """An old list names a picture that is gone; S3 reports that to those who may list."""
    work = make_work("batches", batchSize="4")
    keys = [f"{number}.png" for number in range(9)]
    for key in keys:
        work.put(key, photo_bytes("PNG"))
    work.put("broken.png", b"\x89PNG\r\n\x1a\n")
    listed = [f"batches/{key}" for key in (*keys, "broken.png", "gone.png")]
    status = work.run(keys=listed)
    assert (status.state, status.failed, status.total) == ("SUCCEEDED", 0, 11), status.lines
    assert set(work.pictures()) == set(keys)
    assert work.outcomes(status.execution) == {"done": 9, "skipped": 0, "failed": 2}
    sizes = [
        len(json.loads(each["Input"])["Items"])
        for each in work.report(status.execution, "SUCCEEDED")
    ]
    assert sorted(sizes) == [3, 4, 4]
    about = json.loads(work.get("_failed/gone.png.json"))
    assert about["error"] == "source_not_found"
    session: Any = account
    stack = find_stack(session, work.stack.name)
    assert list(check_bulk(session, stack))[-1].startswith("ok")
    assert not [key for key in work.results() if "_super-resolution-check" in key]


def test_without_the_right_to_list_a_missing_key_loses_its_batch(
    make_work: MakeWork,
    bulk_artifacts: Artifacts,
    photo_bytes: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    """The same run with a seeded fault: S3 then answers 403 for a key that is not there."""
    template = load_file(bulk_artifacts.template)
    for statement in statements(template, "FunctionRole"):
        if statement.get("Action") == "s3:ListBucket":
            statement["Resource"] = statement["Resource"][1:]
    artifacts = written(bulk_artifacts, template, tmp_path / "template.json")
    work = make_work("unlisted", artifacts, batchSize="4")
    work.put("a.png", photo_bytes("PNG"))
    status = work.run(keys=["unlisted/a.png", "unlisted/gone.png"])
    assert (status.state, status.failed) == ("FAILED", 2)


def test_an_inventory_of_yesterday_in_csv(
    make_work: MakeWork, account: Account, photo_bytes: Callable[..., bytes]
) -> None:
    """S3 Inventory encodes keys in CSV, and a day-old one names pictures that are gone."""
    work = make_work("inventory")
    names = ["a b+c.png", "dt=2026-01-01/ü.png"]
    for name in names:
        work.put(name, photo_bytes("PNG"))
    rows = [f'"{PHOTOS}","{quote_plus(f"inventory/{name}")}"' for name in (*names, "gone.png")]
    data = gzip.compress("\n".join(rows).encode())
    manifest = {
        "sourceBucket": PHOTOS,
        "destinationBucket": f"arn:aws:s3:::{RESULTS}",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key",
        "files": [{"key": "inventory/_bulk/data/1.csv.gz", "size": len(data)}],
    }
    s3 = account.client("s3")
    s3.put_object(Bucket=RESULTS, Key="inventory/_bulk/data/1.csv.gz", Body=data)
    key = "inventory/_bulk/manifest.json"
    s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps(manifest).encode())
    status = work.run(inventory=key)
    assert status.state == "SUCCEEDED", status.lines
    assert set(work.pictures()) == set(names)
    assert work.outcomes(status.execution) == {"done": 2, "skipped": 0, "failed": 1}


def test_a_redrive_goes_on_with_the_batches_that_failed(
    make_work: MakeWork,
    bulk_artifacts: Artifacts,
    photo_bytes: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    artifacts = denied(bulk_artifacts, tmp_path / "template.json", "redriven/c.png")
    work = make_work("redriven", artifacts)
    for key in ("a.png", "b.png", "c.png"):
        work.put(key, photo_bytes("PNG"))
    status = work.run()
    assert (status.state, status.failed, status.succeeded) == ("FAILED", 1, 2)
    before = work.pictures()
    make_work("redriven")
    work.runs.redrive(status.execution)
    status = work.wait(status.execution)
    assert (status.state, status.failed, status.succeeded) == ("SUCCEEDED", 0, 3), status.lines
    assert before.items() <= work.pictures().items(), "a result was made a second time"
    assert set(work.pictures()) == {"a.png", "b.png", "c.png"}


def without_put(artifacts: Artifacts, path: Path) -> Artifacts:
    """The template with a function that may not write."""
    template = load_file(artifacts.template)
    for statement in statements(template, "FunctionRole"):
        if "s3:PutObject" in statement.get("Action", ()):
            statement["Action"] = "s3:GetObject"
    return written(artifacts, template, path)


def denied(artifacts: Artifacts, path: Path, key: str) -> Artifacts:
    """The template with a function that may not write one result."""
    template = load_file(artifacts.template)
    arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::${{targetBucket}}/{key}"}
    statements(template, "FunctionRole").append(
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": arn}
    )
    return written(artifacts, template, path)


def statements(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    (policy,) = template["Resources"][role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def written(artifacts: Artifacts, template: dict[str, Any], path: Path) -> Artifacts:
    """A call that fails is tried twice and not four times: each starts a process here."""
    properties = template["Resources"]["Pictures"]["Properties"]
    definition = json.dumps(properties["DefinitionString"])
    assert definition.count(TRIALS) == 3
    properties["DefinitionString"] = json.loads(definition.replace(TRIALS, FEWER_TRIALS))
    path.write_text(json.dumps(template))
    return Artifacts(
        bucket=artifacts.bucket, package=artifacts.package, template=path, variant=BULK
    )


def test_a_role_that_may_not_write_ends_the_run_and_leaves_nothing(
    make_work: MakeWork,
    bulk_artifacts: Artifacts,
    photo_bytes: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    work = make_work("unwritable", without_put(bulk_artifacts, tmp_path / "template.json"))
    work.put("a.png", photo_bytes("PNG"))
    status = work.run()
    assert (status.state, status.failed) == ("FAILED", 1)
    assert "ExceedToleratedFailureThreshold" in status.reason
    assert work.pictures() == {}
    (row,) = work.report(status.execution, "FAILED")
    assert "S3 did not take the result" in row["Cause"]
    # With the right it goes on.
    work = make_work("unwritable")
    assert work.run().state == "SUCCEEDED"
    assert set(work.pictures()) == {"a.png"}


def test_a_run_ends_when_more_fails_than_is_tolerated(
    make_work: MakeWork,
    bulk_artifacts: Artifacts,
    photo_bytes: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    artifacts = denied(bulk_artifacts, tmp_path / "template.json", "tolerance/c.png")
    work = make_work("tolerance", artifacts, toleratedFailurePercentage="20")
    for key in ("a.png", "b.png", "c.png", "d.png"):
        work.put(key, photo_bytes("PNG"))
    status = work.run()
    assert (status.state, status.failed, status.succeeded) == ("FAILED", 1, 3)
    assert "ExceedToleratedFailureThreshold" in status.reason
    work = make_work("tolerance", artifacts, toleratedFailurePercentage="30")
    status = work.run()
    assert (status.state, status.failed, status.succeeded) == ("SUCCEEDED", 1, 3)
    assert set(work.pictures()) == {"a.png", "b.png", "d.png"}


def test_a_deletion_leaves_nothing_but_the_pictures(
    account: Account, bulk_artifacts: Artifacts
) -> None:
    before = inventory(account)
    work = put_up(account, bulk_artifacts, "short")
    assert inventory(account) > before
    delete(account, work.stack.name)
    assert inventory(account) == before
