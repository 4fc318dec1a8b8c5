#!/bin/sh
# List the licences of the packages in requirements.lock as a Markdown table.
# Fail if a licence is neither permissive nor of a package that docs/licenses.md explains.
set -eu
cd "$(dirname "$0")/.."
permissive='0BSD;Apache;BSD;CC0;MIT;PSF;Zlib'
explained='certifi pi-heif tqdm'
packages=$(sed -n 's/^\([a-z0-9][^ =]*\)==.*/\1/p' requirements.lock)
list() {
    .tools/pip-licenses/bin/pip-licenses --python .venv/bin/python --from=mixed "$@"
}
# shellcheck disable=SC2086  # one argument a package
list --packages $packages --ignore-packages $explained --partial-match --allow-only="$permissive" >/dev/null
# shellcheck disable=SC2086
list --packages $packages --format=markdown --order=name
