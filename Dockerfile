# One file for every image:
#
#   docker build -t super-resolution .                       the server, on port 8080
#   docker build -t super-resolution-page --target page .    the page, on port 8501
#   docker build --target lambda .                           a function of AWS Lambda
#   docker build --target sagemaker --platform linux/amd64 . an endpoint of SageMaker, on a GPU
#
# PYTHON_IMAGE takes any image with Python 3.11 or newer and its module venv. The digest is that of
# the index for all architectures; a release takes the newest of the tag.
ARG PYTHON_IMAGE=docker.io/library/python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c
ARG SAGEMAKER_IMAGE=docker.io/nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04


# Install each image's packages from its lock, by hash, and list them in CycloneDX's format.
FROM ${PYTHON_IMAGE} AS installer
WORKDIR /locks
COPY scripts/tools/cyclonedx-bom.lock ./
RUN python3 -m venv --without-pip /opt/engine && python3 -m venv /opt/installer \
    && /opt/installer/bin/pip install --no-cache-dir --require-hashes -r cyclonedx-bom.lock
COPY containers/*.lock scripts/make-sbom.sh pyproject.toml ./

FROM installer AS server-packages
RUN /opt/installer/bin/pip --python /opt/engine install --no-cache-dir --require-hashes -r server.lock \
    && ./make-sbom.sh /opt/installer /opt/engine/bin/python /opt/engine/sbom.cdx.json

FROM installer AS page-packages
RUN /opt/installer/bin/pip --python /opt/engine install --no-cache-dir --require-hashes -r page.lock \
    && ./make-sbom.sh /opt/installer /opt/engine/bin/python /opt/engine/sbom.cdx.json

FROM installer AS lambda-packages
RUN /opt/installer/bin/pip --python /opt/engine install --no-cache-dir --require-hashes -r lambda.lock \
    && ./make-sbom.sh /opt/installer /opt/engine/bin/python /opt/engine/sbom.cdx.json


# Every image but SageMaker's begins with the engine and a user without rights.
FROM ${PYTHON_IMAGE} AS engine
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="super-resolution" \
      org.opencontainers.image.description="Image super-resolution x2 and x4" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.cyclonedx.sbom="/opt/engine/sbom.cdx.json"
ENV PATH=/opt/engine/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/super-resolution
COPY backend backend
RUN python3 -m compileall -q backend
USER 10001:10001


FROM engine AS lambda
COPY --from=lambda-packages /opt/engine /opt/engine
ENTRYPOINT ["python", "-m", "awslambdaric"]
CMD ["backend.aws.lambda_handler.handler"]


FROM engine AS page
COPY --from=page-packages /opt/engine /opt/engine
COPY .streamlit/config.toml .streamlit/config.toml
COPY sample_images sample_images
COPY webapp webapp
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=2)"]
ENTRYPOINT ["python", "-m", "backend"]
CMD ["page", "--no-browser", "--host", "0.0.0.0", "--port", "8501"]


# For Inferentia 2, on AWS's image for Neuron 2.26.1 or newer, the first with Python 3.11 (it brings
# PyTorch and torch_neuronx; the networks come compiled, as the endpoint's model archive):
#
#   docker build --platform linux/amd64 --target sagemaker -t super-resolution-neuron \
#     --build-arg SAGEMAKER_IMAGE=public.ecr.aws/neuron/pytorch-inference-neuronx:2.8.0-neuronx-py311-sdk2.26.1-ubuntu22.04 \
#     --build-arg RUNTIME=onnxruntime==1.26.0 .
FROM ${SAGEMAKER_IMAGE} AS sagemaker
# The last version that takes CUDA 12.
ARG RUNTIME=onnxruntime-gpu==1.26.0
# hadolint ignore=DL3008
RUN if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip'; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends python3 python3-venv \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    && python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
        "This base image has Python older than 3.11: take Neuron 2.26.1 or newer.")' \
    && python3 -m venv --system-site-packages /opt/engine
ENV PATH=/opt/engine/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
LABEL org.cyclonedx.sbom="/opt/engine/sbom.cdx.json"
WORKDIR /opt/super-resolution
COPY constraints.txt pyproject.toml scripts/make-sbom.sh scripts/tools/cyclonedx-bom.lock ./
# The lock has the CPU's onnxruntime; RUNTIME names the one for this image.
RUN grep -v '^onnxruntime==' constraints.txt > pinned.txt \
    && python -m pip install --no-cache-dir --constraint pinned.txt \
        "${RUNTIME}" boto3 numpy pillow prometheus_client psutil requests requests-hardened starlette tqdm uvicorn \
    && python -m venv /opt/installer \
    && /opt/installer/bin/pip install --no-cache-dir --require-hashes -r cyclonedx-bom.lock \
    && ./make-sbom.sh /opt/installer /opt/engine/bin/python /opt/engine/sbom.cdx.json \
    && rm -rf /opt/installer
COPY backend backend
EXPOSE 8080
# SageMaker starts the image with the word `serve`, which the entry point leaves out.
ENTRYPOINT ["sh", "-c", "exec python -m backend serve --host 0.0.0.0 --port 8080"]


# The last target is what `docker build` makes without --target.
FROM engine AS server
COPY --from=server-packages /opt/engine /opt/engine
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/ping', timeout=2)"]
ENTRYPOINT ["python", "-m", "backend"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
