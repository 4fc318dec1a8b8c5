"""The three templates, as they are committed, put up in regions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cfn.variants import STACKS, VARIANTS, Variant
from tests.cfn.resolver import US, Region, Stack, load_file

ROOT = Path(__file__).parent.parent.parent
GIVEN = {"artifactBucket": "artifacts", "artifactPrefix": "super-resolution/0123456789abcdef"}
GIVEN_TO: dict[str, dict[str, str]] = {
    "lambda": {"functionSha256": "f" * 16, "modelsSha256": "5" * 64},
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


def put_up(
    variant: Variant, region: Region = US, *, check_rules: bool = True, **parameters: str
) -> Stack:
    """The variant's committed template with these parameters and what packaging fills in."""
    template = load_file(ROOT / "cfn" / variant.template)
    given = {**GIVEN, **GIVEN_TO[variant.name], **parameters}
    return Stack(template, region, check_rules=check_rules, **given)


@pytest.fixture(params=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> Variant:
    """Each of the three with an API."""
    return VARIANTS[request.param]


@pytest.fixture(params=list(STACKS))
def any_stack(request: pytest.FixtureRequest) -> Variant:
    """Those, and the one for bulk work."""
    return STACKS[request.param]


@pytest.fixture
def make_stack(variant: Variant) -> MakeStack:
    """`make_stack(BEIJING, customAuthType="NONE")`."""

    def make(region: Region = US, *, check_rules: bool = True, **parameters: str) -> Stack:
        return put_up(variant, region, check_rules=check_rules, **parameters)

    return make
