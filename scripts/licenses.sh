#!/bin/sh
# List the licences, each with its packages of requirements.lock, as a Markdown table.
# Fail if a licence is neither permissive nor of a package that docs/licenses.md explains.
set -eu
cd "$(dirname "$0")/.."
permissive='0BSD;Apache;BSD;CC0;MIT;PSF;Zlib'
explained='certifi pi-heif tqdm'
packages=$(sed -n 's/^\([a-z0-9][^ =]*\)==.*/\1/p' requirements.lock)
list() {
    .tools/pip-licenses/bin/python -m piplicenses --python .venv/bin/python --from=mixed "$@"
}
# shellcheck disable=SC2086  # one argument a package
list --packages $packages --ignore-packages $explained --partial-match --allow-only="$permissive" >/dev/null
echo '| licence | packages |'
echo '|---|---|'
# shellcheck disable=SC2086
list --packages $packages --format=csv --order=name | sed 1d | tr -d '"' | awk -F, '
    { names[$3] = names[$3] (names[$3] ? ", " : "") $1 }
    END { for (each in names) print "| " each " | " names[each] " |" }' | LC_ALL=C sort
