"""AWS's partitions: worlds of their own, with other addresses and consoles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Partition:
    """What differs between them outside of a template."""

    name: str
    """The second part of every ARN."""
    prefix: str
    """Of its regions' names."""
    suffix: str
    """Of its addresses."""
    console: str
    """The host of its console, after the region."""


AWS = Partition(name="aws", prefix="", suffix="amazonaws.com", console="console.aws.amazon.com")
CHINA = Partition(
    name="aws-cn", prefix="cn-", suffix="amazonaws.com.cn", console="console.amazonaws.cn"
)
GOVCLOUD = Partition(
    name="aws-us-gov",
    prefix="us-gov-",
    suffix="amazonaws.com",
    console="console.amazonaws-us-gov.com",
)


def partition_from(region: str) -> Partition:
    """By the region's name, as `cn-north-1`."""
    return next((each for each in (CHINA, GOVCLOUD) if region.startswith(each.prefix)), AWS)
