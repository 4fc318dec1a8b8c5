"""The optional parts of an installation, and the packages that each brings."""

from __future__ import annotations

PACKAGES = {
    "anyio": "server",
    "boto3": "aws",
    "botocore": "aws",
    "onnx": "networks",
    "prometheus_client": "server",
    "starlette": "server",
    "streamlit": "page",
    "uvicorn": "server",
}
"""The extra that brings a package, by the name that is imported."""


def advice(missing: str) -> str | None:
    """Return what to install for a module that is missing; None if it is not optional."""
    package = missing.partition(".")[0]
    if package not in PACKAGES:
        return None
    return (
        f"this needs {package}, which is not installed; the extra '{PACKAGES[package]}' of "
        "super-resolution brings it, as docs/install.md says"
    )
