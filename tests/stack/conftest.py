"""One account for all tests here, and a stack in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.models.manifest import SHIPPED
from cfn.package import Package
from cfn.upload import upload
from cfn.variants import BULK, FUNCTION_ARCHIVE
from tests.stack.account import PYTHON, Account
from tests.stack.deployed import Artifacts, Deployed, deploy, put_artifacts

ARTIFACTS = "artifacts-of-tests"
INPUTS = "inputs-of-tests"
PHOTOS, RESULTS = "photos-of-tests", "results-of-tests"


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The account, with a bucket for packages and one for pictures."""
    if not PYTHON.exists():
        reason = "ministack is missing: `make tools` sets it up"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with Account(tmp_path_factory.mktemp("ministack")) as made:
        made.make_bucket(ARTIFACTS)
        made.make_bucket(INPUTS)
        yield made


@pytest.fixture(scope="session")
def mount(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in for the file system that AWS mounts in the functions."""
    return tmp_path_factory.mktemp("mount")


@pytest.fixture(scope="session")
def artifacts(account: Account, mount: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """The artifacts of this version."""
    folder = tmp_path_factory.mktemp("package") / "made"
    return put_artifacts(account, folder, bucket=ARTIFACTS, mount=mount, models=SHIPPED)


@pytest.fixture(scope="session")
def bulk_artifacts(account: Account, artifacts: Artifacts) -> Artifacts:
    """The same function.zip, and the unchanged template."""
    account.make_bucket(PHOTOS)
    account.make_bucket(RESULTS)
    made = artifacts.package
    digests = {FUNCTION_ARCHIVE: made.digests[FUNCTION_ARCHIVE]}
    package = Package(folder=made.folder, digests=digests, variants=(BULK,))
    package.write_templates(bucket=ARTIFACTS)
    upload(account.client("s3"), package, bucket=ARTIFACTS)
    template = made.folder / BULK.template
    return Artifacts(bucket=ARTIFACTS, package=package, template=template, variant=BULK)


@pytest.fixture(scope="module")
def stack(account: Account, artifacts: Artifacts) -> Deployed:
    """A stack with signed calls and a key, and networks in the package."""
    return deploy(
        account,
        "pictures",
        artifacts,
        requireApiKey="true",
        enableWaf="true",
        inputBucketArns=f"arn:aws:s3:::{INPUTS}",
    )


@pytest.fixture(scope="module")
def on_files(account: Account, artifacts: Artifacts) -> Deployed:
    """A stack with networks on a file system."""
    return deploy(
        account,
        "on-files",
        artifacts,
        modelStorage="efs",
        inputBucketArns=f"arn:aws:s3:::{INPUTS}",
    )
