"""A rehearsal in an account: deploy, check, load, update and delete, and write down what happened.

It reports what only AWS can show to docs/aws-runs, for under a dollar and in half an hour.
"""

from __future__ import annotations

import base64
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests
from botocore.exceptions import ClientError

from backend import __version__
from backend.requests.sources.s3_client import error_code
from cfn.account import AWS_ERRORS, Account, explained
from cfn.buckets import make_bucket
from cfn.bulk import Runs, find_stack
from cfn.bulk_cost import LAMBDA_CALL, LAMBDA_GB_SECOND, S3_PUT, STATE_TRANSITION
from cfn.caller import ApiStack, Caller
from cfn.check import check_stack, picture
from cfn.console import print_line
from cfn.errors import DeploymentError
from cfn.stacks import Stacks
from cfn.variants import BULK, LAMBDA, Variant

AT_ONCE = 20
PICTURES = 40
BROKEN = b"\x89PNG\r\n\x1a\n and no more"
GIGABYTES = 3008 / 1024
REDACTED = (
    (re.compile(r"\b\d{12}\b"), "ACCOUNT"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), "KEY"),
    (re.compile(r"X-Amz-\w+=[^&\s\"]+"), "SIGNATURE"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "ADDRESS"),
)


PutUp = Callable[[Variant, str, Mapping[str, str]], None]
"""Packages the variant and creates or updates the stack of that name with these parameters."""


@dataclass(frozen=True, kw_only=True)
class Step:
    name: str
    seconds: float
    outcome: str


@dataclass(kw_only=True)
class Report:
    """The steps of a rehearsal in their order."""

    region: str
    began: datetime
    steps: list[Step] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    dollars: float = 0.0

    @property
    def failures(self) -> int:
        """The number of steps that failed."""
        return sum(not each.outcome.startswith("ok") for each in self.steps)

    def markdown(self) -> str:
        """Return the report for docs/aws-runs, without the account's names."""
        rows = [f"| {each.name} | {each.seconds:.1f} | {each.outcome} |" for each in self.steps]
        text = [
            f"# Version {__version__} in {self.region}, {self.began:%Y-%m-%d}",
            f"About {self.dollars:.2f} dollars, estimated from list prices of us-east-1.",
            "\n".join(["| step | seconds | outcome |", "|---|---|---|", *rows]),
            "\n".join(["```text", *self.lines, "```"]),
        ]
        return redacted("\n\n".join(text)) + "\n"


def redacted(text: str) -> str:
    """Return the text without account numbers, keys, signatures and addresses."""
    for pattern, word in REDACTED:
        text = pattern.sub(word, text)
    return text


class Rehearsal:
    """One rehearsal; failed steps are recorded, and everything that was made is deleted."""

    def __init__(
        self,
        account: Account,
        put_up: PutUp,
        *,
        http: requests.Session,
    ) -> None:
        self._account = account
        self._put_up = put_up
        self._stacks = Stacks(account)
        self._http = http
        self._api, self._bulk = "rehearsal-lambda", "rehearsal-bulk"
        number = account.number
        self._photos, self._results = (
            f"rehearsal-{each}-{number}-{account.region}" for each in ("photos", "results")
        )
        self.report = Report(region=account.region, began=datetime.now(UTC))

    def run(self) -> Report:
        """Run every step, and delete everything that was made."""
        with self._step("quotas"):
            self._note_quotas()
        try:
            self._rehearse_lambda()
            self._rehearse_bulk()
        finally:
            for name in (self._api, self._bulk):
                with self._step(f"delete {name}"):
                    if self._stacks.describe(name) is not None:
                        self._stacks.delete(name)
            with self._step("remove the pictures"):
                self._remove_buckets()
        return self.report

    def _rehearse_lambda(self) -> None:
        with self._step("deploy lambda"):
            self._put_up(LAMBDA, self._api, {"requireApiKey": "true"})
        with self._step("check lambda"):
            self._check(self._api)
        with self._step(f"{AT_ONCE} calls at once") as told:
            told.append(self._call_at_once())
        with self._step("update lambda"):
            self._put_up(LAMBDA, self._api, {"resultLinkSeconds": "600"})
        with self._step("check lambda again"):
            self._check(self._api)

    def _rehearse_bulk(self) -> None:
        with self._step("put pictures"):
            keys = self._put_pictures()
        given = {
            "sourceBucket": self._photos,
            "sourcePrefix": "",
            "targetBucket": self._results,
            "targetPrefix": "large/",
            "maxConcurrency": "5",
            "batchSize": "10",
        }
        with self._step("deploy bulk"):
            self._put_up(BULK, self._bulk, given)
        with self._step("check bulk"):
            self._check(self._bulk)
        with self._step(f"bulk of {PICTURES}, one missing and one broken") as told:
            told.append(self._run_bulk(keys))

    @contextmanager
    def _step(self, name: str) -> Iterator[list[str]]:
        """Record how long a step took and how it ended."""
        print_line(f"--- {name}")
        told: list[str] = []
        began = time.monotonic()
        try:
            yield told
            outcome = ", ".join(["ok", *told])
        except (DeploymentError, requests.RequestException) as exc:
            outcome = f"FAILED: {exc}"
        except AWS_ERRORS as exc:
            outcome = f"FAILED: {explained(exc)}"
        seconds = time.monotonic() - began
        self.report.steps.append(Step(name=name, seconds=seconds, outcome=outcome))
        print_line(f"{outcome}  ({seconds:.1f} s)")

    def _note(self, line: str) -> None:
        self.report.lines.append(line)
        print_line(line)

    def _note_quotas(self) -> None:
        limits = self._account.client("lambda").get_account_settings()["AccountLimit"]
        self._note(f"functions at once: {limits['ConcurrentExecutions']}")

    def _check(self, name: str) -> None:
        for line in check_stack(self._account, name, http=self._http):
            self._note(line)
        self.report.dollars += 6 * (2 * GIGABYTES * LAMBDA_GB_SECOND + LAMBDA_CALL)

    def _call_at_once(self) -> str:
        """Return the statuses of the calls; only a picture or a refusal is no failure."""
        stack = ApiStack.from_description(self._stacks.find(self._api))
        caller = Caller(self._account, stack, http=self._http)
        body = {"img": base64.b64encode(picture()).decode(), "scale": 2}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(caller.post, [body] * AT_ONCE))
        self.report.dollars += AT_ONCE * (2 * GIGABYTES * LAMBDA_GB_SECOND + LAMBDA_CALL)
        counts = Counter(
            f"{each.status} {each.content.get('error', '')}".strip() for each in answers
        )
        said = ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))
        slowest = max(each.seconds for each in answers)
        if set(counts) - {"200", "503 busy", "429 too_many_requests"}:
            raise DeploymentError(said)
        return f"{said}, the slowest in {slowest:.1f} s"

    def _put_pictures(self) -> list[str]:
        """Put the pictures and return their keys, with one that is not there."""
        s3 = self._account.client("s3")
        for bucket in (self._photos, self._results):
            make_bucket(s3, bucket, region=self._account.region)
        keys = [f"{number:02}.png" for number in range(PICTURES - 1)]
        for key in keys:
            data = BROKEN if key == keys[0] else picture()
            s3.put_object(Bucket=self._photos, Key=key, Body=data, ContentType="image/png")
        self.report.dollars += 2 * PICTURES * S3_PUT
        return [*keys, "missing.png"]

    def _run_bulk(self, keys: list[str]) -> str:
        """Run over all of them; raise DeploymentError unless exactly two are reported as failed."""
        runs = Runs(self._account, find_stack(self._account, self._bulk))
        status = runs.end(runs.start({"model": "fast"}, keys=keys))
        s3 = self._account.client("s3")
        found = s3.list_objects_v2(Bucket=self._results, Prefix="large/").get("Contents", [])
        results = [each["Key"] for each in found if not each["Key"].startswith("large/_")]
        failures = [each["Key"] for each in found if each["Key"].startswith("large/_failed/")]
        batches = PICTURES / 10
        self.report.dollars += PICTURES * 2 * GIGABYTES * LAMBDA_GB_SECOND
        self.report.dollars += batches * (LAMBDA_CALL + 3 * STATE_TRANSITION) + PICTURES * S3_PUT
        said = f"{status.state}, {len(results)} results, {len(failures)} told as failed"
        if (status.state, len(results), len(failures)) != ("SUCCEEDED", PICTURES - 2, 2):
            raise DeploymentError(f"{said}. {status.reason}".strip())
        return said

    def _remove_buckets(self) -> None:
        s3 = self._account.client("s3")
        for bucket in (self._photos, self._results):
            try:
                pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
                for page in pages:
                    for each in page.get("Contents", []):
                        s3.delete_object(Bucket=bucket, Key=each["Key"])
                s3.delete_bucket(Bucket=bucket)
            except ClientError as exc:
                if error_code(exc) != "NoSuchBucket":
                    raise
