"""The places where a visitor's picture can be enhanced."""

from enum import Enum


class Place(Enum):
    """Where a visitor wants a picture enhanced."""

    LOCAL = "local"
    CLOUD = "cloud"
    BOTH = "both"
