#!/bin/sh
# Install Debian's Chromium for the browser tests, when there is none and this user may.
set -u
command -v chromium >/dev/null || command -v chromium-browser >/dev/null && exit 0
as_root=''
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || exit 0
    as_root='sudo -n'
fi
command -v apt-get >/dev/null || exit 0
echo "Installing Debian's chromium for the browser tests."
$as_root apt-get update -qq && $as_root apt-get install -y -qq chromium >/dev/null
