"""The stacks, and the parts that each template is put together from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FUNCTION_ARCHIVE = "function.zip"
MODEL_ARCHIVE = "models.zip"
GPU_ARCHIVE = "sagemaker-gpu.tar.gz"
NEURON_ARCHIVE = "models-neuron.tar.gz"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One stack: `python -m cfn deploy NAME`."""

    name: str
    template: str
    """The file name of the finished template."""
    parts: tuple[str, ...]
    """Files in cfn/parts without their ending; the first has the description."""
    archives: Mapping[str, str]
    """Name in the template's mapping `Package` -> file in the artifact bucket."""
    function: str = "${Function.Arn}"
    """The function that the API calls, inside of Fn::Sub."""

    @property
    def archive(self) -> str:
        """The file that an endpoint takes."""
        return self.archives["Endpoint"]


LAMBDA = Variant(
    name="lambda",
    template="lambda.yaml",
    parts=("lambda", "files", "network", "api", "api_options", "results", "common", "monitoring"),
    archives={"Function": FUNCTION_ARCHIVE, "Models": MODEL_ARCHIVE},
    function="${FunctionAlias}",
)
GPU = Variant(
    name="gpu",
    template="sagemaker-gpu.yaml",
    parts=(
        *("gpu", "sagemaker", "async", "api", "api_options", "results", "common", "monitoring"),
    ),
    archives={"Function": FUNCTION_ARCHIVE, "Endpoint": GPU_ARCHIVE},
)
INF = Variant(
    name="inf",
    template="sagemaker-inf.yaml",
    parts=("inf", "sagemaker", "api", "api_options", "results", "common", "monitoring"),
    archives={"Function": FUNCTION_ARCHIVE, "Endpoint": NEURON_ARCHIVE},
)
BULK = Variant(
    name="bulk",
    template="bulk.yaml",
    parts=("bulk", "common"),
    archives={"Function": FUNCTION_ARCHIVE},
)
VARIANTS = {variant.name: variant for variant in (LAMBDA, GPU, INF)}
"""The stacks with an API."""
STACKS = {**VARIANTS, BULK.name: BULK}
