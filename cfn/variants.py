"""The three stacks, and the parts that each template is put together from."""

from __future__ import annotations

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
    """File name of the finished template."""
    parts: tuple[str, ...]
    """Files in cfn/parts without their ending; the first has the description."""
    function: str
    """What the API calls, as it is written inside of Fn::Sub."""
    archives: tuple[str, ...]
    """What must lie in the artifact bucket."""


LAMBDA = Variant(
    name="lambda",
    template="lambda.yaml",
    parts=("lambda", "api", "results"),
    function="${FunctionAlias}",
    archives=(FUNCTION_ARCHIVE, MODEL_ARCHIVE),
)
GPU = Variant(
    name="gpu",
    template="sagemaker-gpu.yaml",
    parts=("gpu", "sagemaker", "api", "results"),
    function="${Function.Arn}",
    archives=(FUNCTION_ARCHIVE, GPU_ARCHIVE),
)
INF = Variant(
    name="inf",
    template="sagemaker-inf.yaml",
    parts=("inf", "sagemaker", "api", "results"),
    function="${Function.Arn}",
    archives=(FUNCTION_ARCHIVE, NEURON_ARCHIVE),
)
VARIANTS = {variant.name: variant for variant in (LAMBDA, GPU, INF)}
