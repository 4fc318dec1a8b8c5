"""The three stacks, and the parts that each template is put together from."""

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
    """File name of the finished template."""
    parts: tuple[str, ...]
    """Files in cfn/parts without their ending; the first has the description."""
    archives: tuple[str, ...]
    """What must lie in the artifact bucket."""
    values: Mapping[str, str]
    """For the placeholders of the parts; `function` is what the API calls, inside of Fn::Sub."""


LAMBDA = Variant(
    name="lambda",
    template="lambda.yaml",
    parts=("lambda", "files", "network", "api", "results", "common", "monitoring"),
    archives=(FUNCTION_ARCHIVE, MODEL_ARCHIVE),
    values={
        "function": "${FunctionAlias}",
        "stamped": "artifactBucket, artifactPrefix, functionSha256, modelsSha256",
        "endpoint_widgets": "",
        "async_widgets": "",
    },
)
GPU = Variant(
    name="gpu",
    template="sagemaker-gpu.yaml",
    parts=("gpu", "sagemaker", "async", "api", "results", "common", "monitoring"),
    archives=(FUNCTION_ARCHIVE, GPU_ARCHIVE),
    values={
        "function": "${Function.Arn}",
        "stamped": "artifactBucket, artifactPrefix",
        "archive": GPU_ARCHIVE,
        "image_statement": "{{image_statement_gpu}}",
    },
)
INF = Variant(
    name="inf",
    template="sagemaker-inf.yaml",
    parts=("inf", "sagemaker", "api", "results", "common", "monitoring"),
    archives=(FUNCTION_ARCHIVE, NEURON_ARCHIVE),
    values={
        "function": "${Function.Arn}",
        "stamped": "artifactBucket, artifactPrefix",
        "archive": NEURON_ARCHIVE,
        "image_statement": "{{image_statement_inf}}",
        "async_widgets": "",
    },
)
BULK = Variant(
    name="bulk",
    template="bulk.yaml",
    parts=("bulk", "common"),
    archives=(FUNCTION_ARCHIVE,),
    values={"stamped": "artifactBucket, artifactPrefix"},
)
VARIANTS = {variant.name: variant for variant in (LAMBDA, GPU, INF)}
"""Those with an API."""
STACKS = {**VARIANTS, BULK.name: BULK}
