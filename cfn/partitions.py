"""AWS's partitions, which have their own addresses and consoles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The facts of a partition that templates do not know."""

    name: str
    """The second part of every ARN."""
    prefix: str
    """The beginning of its regions' names."""
    suffix: str
    """The end of its addresses."""
    console: str
    """The host of its console, behind the region."""


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
    """Return the partition of a region, such as `cn-north-1`."""
    return next((each for each in (CHINA, GOVCLOUD) if region.startswith(each.prefix)), AWS)
