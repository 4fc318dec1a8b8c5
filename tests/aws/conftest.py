"""Fixtures of the AWS adapters' tests."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from testbed.aws.runtime_api import LambdaProcess
from testbed.aws.s3 import S3
from tests.pictures import save

RESULTS = "results"
INPUTS = "inputs"
MODELS = "models"


@pytest.fixture
def s3() -> Iterator[S3]:
    """A stand-in for S3 with one bucket for each purpose."""
    with S3(buckets=(RESULTS, INPUTS, MODELS)) as server:
        yield server


@pytest.fixture(scope="session")
def noise() -> bytes:
    """A picture whose result at scale 4 exceeds Lambda's largest answer."""
    pixels = np.random.default_rng(5).integers(0, 256, (448, 448, 3), np.uint8)
    return save(Image.fromarray(pixels), "PNG")


@pytest.fixture(scope="module")
def upscale_lambda() -> Iterator[LambdaProcess]:
    """The function with its defaults, started once a module."""
    with LambdaProcess("backend.aws.lambda_handler.handler") as process:
        yield process
