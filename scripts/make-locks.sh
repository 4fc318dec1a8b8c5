#!/bin/sh
# Write a lock file for each requirement file: all packages, with the hashes of their files.
# The first argument is uv; the others go to `uv pip compile`, as in: --upgrade, --upgrade-package pillow
set -eu
uv=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp --parents requirements*.txt requirements*.lock cfn/requirements-*.txt cfn/requirements-*.lock \
    scripts/tools/*.txt scripts/tools/*.lock containers/*.txt containers/*.lock pyproject.toml \
    "$work" 2>/dev/null || true
# Versions of the last locks are kept if they still fit.
: >"$work/constraints.txt"
lock() (
    from=$1
    shift
    lock_to "${from%.txt}.lock" "$from" "$@"
)
lock_to() (
    cd "$work"
    "$uv" pip compile --quiet --no-config --no-header --no-emit-index-url --no-emit-find-links \
        --generate-hashes --output-file "$@"
)
anywhere='--universal --python-version 3.11'
cloud='--python-version 3.13 --python-platform x86_64-manylinux_2_28'
lock requirements.txt $anywhere "$@"
lock requirements-dev.txt --constraints requirements.lock $anywhere "$@"
lock requirements-openvino.txt --constraints requirements.lock $anywhere "$@"
for part in function gpu; do
    lock "cfn/requirements-$part.txt" --constraints requirements.lock $cloud "$@"
done
# The images have the packages of the wheel's extras.
image() (
    name=$1
    shift
    lock_to "containers/$name.lock" pyproject.toml --constraints requirements-dev.lock $anywhere "$@"
)
image server --extra server --extra aws --extra heic "$@"
image page --extra page --extra aws --extra heic "$@"
image lambda containers/lambda.txt --extra aws --extra heic "$@"
for tool in scripts/tools/*.txt; do
    case $tool in
    */ray.txt) lock "$tool" $anywhere --no-deps "$@" ;;
    *) lock "$tool" $anywhere "$@" ;;
    esac
done
sed -n 's/^\([a-z0-9][^ ]*==[^\\]*[^ \\]\) *\\*$/\1/p' "$work/requirements-dev.lock" >"$work/constraints.txt"
for made in constraints.txt requirements.lock requirements-dev.lock requirements-openvino.lock cfn/requirements-function.lock \
    cfn/requirements-gpu.lock $(cd "$work" && echo scripts/tools/*.lock containers/*.lock); do
    cp "$work/$made" "$made"
done
