#!/bin/sh
# Install what the tests use of Debian's packages, where it is missing and this user may:
# Chromium for the browser tests, strace to see what the programs ask of the network.
set -u
missing=''
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing="$missing chromium"
command -v strace >/dev/null || missing="$missing strace"
[ -n "$missing" ] || exit 0
as_root=''
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || exit 0
    as_root='sudo -n'
fi
command -v apt-get >/dev/null || exit 0
echo "Installing Debian's$missing for the tests."
$as_root apt-get update -qq && $as_root apt-get install -y -qq $missing >/dev/null
