"""A rehearsal, as `python -m cfn rehearse` does one, against the strict stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from botocore.credentials import Credentials as BotoCredentials

from cfn.rehearse import Rehearsal, Report, redacted
from cfn.variants import Variant
from tests.stack.account import Account
from tests.stack.deployed import Artifacts, Session, deploy
from tests.stack.inventory import inventory
from tests.stack.reachable import Reachable


@dataclass(frozen=True, kw_only=True)
class Owner(Session):
    """The account with its owner's credentials."""

    @property
    def number(self) -> str:
        return str(self.account.client("sts").get_caller_identity()["Account"])

    def __getattr__(self, name: str) -> Any:
        """Return CloudFormation's other operations, unchanged."""
        return getattr(self.account.client("cloudformation"), name)

    def get_credentials(self) -> BotoCredentials:
        return BotoCredentials(self.caller.key, self.caller.secret)


def rehearsed(account: Account, artifacts: Mapping[str, Artifacts]) -> Report:
    def put_up(variant: Variant, name: str, parameters: Mapping[str, str]) -> None:
        deploy(account, name, artifacts[variant.name], **parameters)

    owner: Any = Owner(account=account, caller=account.make_user("execute-api:Invoke"))
    with requests.Session() as http, Reachable(account) as adapter:
        http.trust_env = False
        http.mount("https://", adapter)
        return Rehearsal(
            owner,
            put_up,
            http=http,
        ).run()


def test_a_rehearsal_runs_whole_and_leaves_nothing_but_its_report(
    account: Account,
    artifacts: Artifacts,
    bulk_artifacts: Artifacts,
) -> None:
    before = inventory(account)
    account.be_strict(concurrency=4, key_seconds=1)
    try:
        report = rehearsed(account, {"lambda": artifacts, "bulk": bulk_artifacts})
    finally:
        account.be_strict()
    assert report.failures == 0
    outcomes = {each.name: each.outcome for each in report.steps}
    assert "x 503 busy" in outcomes["20 calls at once"]
    assert "38 results, 2 told as failed" in outcomes["bulk of 40, one missing and one broken"]
    assert len(report.steps) == 13
    assert inventory(account) == before
    text = report.markdown()
    assert "The stack does its work." in text
    assert "000000000000" not in text
    assert 0 < report.dollars < 1


def test_a_step_that_fails_is_written_down_and_everything_is_deleted(
    account: Account,
    artifacts: Artifacts,
    bulk_artifacts: Artifacts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = inventory(account)
    monkeypatch.setattr("cfn.rehearse.PICTURES", 10)
    monkeypatch.setattr("cfn.rehearse.AT_ONCE", 2)
    monkeypatch.setattr("cfn.rehearse.BROKEN", b"")
    account.be_strict(concurrency=0)
    try:
        report = rehearsed(account, {"lambda": artifacts, "bulk": bulk_artifacts})
    finally:
        account.be_strict()
    failed = {each.name for each in report.steps if not each.outcome.startswith("ok")}
    assert failed == {"check lambda", "check lambda again"}
    assert report.failures == 2
    assert "| check lambda | " in report.markdown()
    assert inventory(account) == before


def test_a_report_names_nobody() -> None:
    line = (
        "https://b.s3.amazonaws.com/a?X-Amz-Credential=AKIAABCDEFGHIJKLMNOP%2F1&X-Amz-Signature=ab "
        "arn:aws:iam::123456789012:user/me from 203.0.113.7"
    )
    text = redacted(line)
    for secret in ("AKIAABCDEFGHIJKLMNOP", "Signature=ab", "123456789012", "203.0.113.7"):
        assert secret not in text
