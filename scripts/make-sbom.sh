#!/bin/sh
# Write the CycloneDX list of an environment's packages: make-sbom.sh TOOL PYTHON FILE
# TOOL is an environment with cyclonedx-bom, which first checks the list against the schema.
# pyproject.toml of the present folder names the program.
set -eu
exec "$1/bin/cyclonedx-py" environment --pyproject pyproject.toml --output-reproducible \
    --output-format JSON --output-file "$3" "$2"
