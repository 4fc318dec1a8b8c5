"""The templates as packaging renders them, evaluated for regions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import boto3
import pytest

from cfn import templates
from cfn.variants import PACKAGE_NAMES, STACKS, VARIANTS, Variant
from tests.cfn.resolver import US, Region, Stack, load

ROOT = Path(__file__).parent.parent.parent
GIVEN_TO: dict[str, dict[str, str]] = {
    "lambda": {},
    "gpu": {},
    "bulk": {
        "sourceBucket": "photos",
        "sourcePrefix": "small/",
        "targetBucket": "results",
        "targetPrefix": "large/",
    },
    "inf": {"containerImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/sr:1"},
}

MakeStack = Callable[..., Stack]


@cache
def aws_session(region: str = US.name) -> boto3.session.Session:
    """Return boto3's session without credentials, which reads each service's model once."""
    return boto3.session.Session("AK", "SK", region_name=region)


def package_of(
    variant: Variant, *, folder: str = "0123456789abcdef", sha256: str = "f" * 64
) -> templates.PackageMapping:
    """Return the template's mapping `Package` as packaging fills it."""
    files = {
        PACKAGE_NAMES[file]: {"Key": f"super-resolution/{folder}/{file}", "Sha256": sha256}
        for file in variant.archives
    }
    return {"Bucket": {"Name": "artifacts"}, **files}


@cache
def text_of(variant: Variant) -> str:
    """Return the variant's template as packaging renders it."""
    return templates.render(variant, package_of(variant))


def put_up(
    variant: Variant,
    region: Region = US,
    *,
    check_rules: bool = True,
    text: str | None = None,
    **parameters: str,
) -> Stack:
    """Evaluate the variant's template, or another `text` of it, with these parameters."""
    given = {**GIVEN_TO[variant.name], **parameters}
    return Stack(load(text or text_of(variant)), region, check_rules=check_rules, **given)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every template."""
    folder = tmp_path_factory.mktemp("templates")
    for each in STACKS.values():
        (folder / each.template).write_text(text_of(each), encoding="utf-8")
    return folder


@pytest.fixture(params=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> Variant:
    """Each of the three variants with an API."""
    return VARIANTS[request.param]


@pytest.fixture(params=list(STACKS))
def any_stack(request: pytest.FixtureRequest) -> Variant:
    """Each variant, and the stack for bulk work."""
    return STACKS[request.param]


@pytest.fixture
def make_stack(variant: Variant) -> MakeStack:
    """A function such as `make_stack(BEIJING, customAuthType="NONE")`."""

    def make(region: Region = US, *, check_rules: bool = True, **parameters: str) -> Stack:
        return put_up(variant, region, check_rules=check_rules, **parameters)

    return make
