"""The stacks, and the parts of each template."""

from __future__ import annotations

from dataclasses import dataclass

FUNCTION_ARCHIVE = "function.zip"
MODEL_ARCHIVE = "models.zip"
GPU_ARCHIVE = "sagemaker-gpu.tar.gz"
NEURON_ARCHIVE = "models-neuron.tar.gz"
PACKAGE_NAMES = {
    FUNCTION_ARCHIVE: "Function",
    MODEL_ARCHIVE: "Models",
    GPU_ARCHIVE: "Endpoint",
    NEURON_ARCHIVE: "Endpoint",
}
"""The archives' names in the mapping `Package` of a template."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One stack: `python -m cfn deploy NAME`."""

    name: str
    template: str
    """The file name of the finished template."""
    parts: tuple[str, ...]
    """Files in cfn/parts without their ending; the first has the description."""
    archives: tuple[str, ...]
    """Files in the artifact bucket; an endpoint takes the last."""
    function: str = "${Function.Arn}"
    """The function that the API calls, inside of Fn::Sub."""

    @property
    def archive(self) -> str:
        """The file that an endpoint takes."""
        return self.archives[-1]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Seconds that a picture may take on the asynchronous endpoint."""

    least: int
    default: int
    longest: int
    spare: int
    """Seconds for receiving a picture, its last tile and the answer, which no budget counts."""

    @property
    def adapter_waits(self) -> int:
        """Seconds for which AWS's adapter waits for the engine, whatever the budget is."""
        return self.longest + self.spare


ASYNC_BUDGET = Budget(least=60, default=840, longest=3540, spare=60)
"""SageMaker itself waits for 900 seconds, or 3600 if a call says so."""
LAMBDA = Variant(
    name="lambda",
    template="lambda.yaml",
    parts=("lambda", "files", "network", "api", "api_options", "results", "common", "monitoring"),
    archives=(FUNCTION_ARCHIVE, MODEL_ARCHIVE),
    function="${FunctionAlias}",
)
GPU = Variant(
    name="gpu",
    template="sagemaker-gpu.yaml",
    parts=(
        *("gpu", "sagemaker", "async", "api", "api_options", "results", "common", "monitoring"),
    ),
    archives=(FUNCTION_ARCHIVE, GPU_ARCHIVE),
)
INF = Variant(
    name="inf",
    template="sagemaker-inf.yaml",
    parts=("inf", "sagemaker", "api", "api_options", "results", "common", "monitoring"),
    archives=(FUNCTION_ARCHIVE, NEURON_ARCHIVE),
)
BULK = Variant(
    name="bulk",
    template="bulk.yaml",
    parts=("bulk", "common"),
    archives=(FUNCTION_ARCHIVE,),
)
VARIANTS = {variant.name: variant for variant in (LAMBDA, GPU, INF)}
"""The stacks with an API."""
STACKS = {**VARIANTS, BULK.name: BULK}
