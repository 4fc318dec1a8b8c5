#!/bin/sh
# Make the virtual environment .venv; on Debian the module for it is a package of its own.
set -eu
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; set PYTHON to one, as in: make PYTHON=python3.12" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    as_root=''
    [ "$(id -u)" = 0 ] || as_root='sudo'
    echo "Installing Debian's python3-venv, which this Python lacks."
    { $as_root apt-get update -qq && $as_root apt-get install -y -qq python3-venv; } || {
        echo "Please install python3-venv (apt-get install python3-venv) and try again." >&2
        exit 1
    }
fi
rm -rf .venv
"$python" -m venv .venv
