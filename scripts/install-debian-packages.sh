#!/bin/sh
# Install what the tests use of Debian's packages, where it is missing and this user may:
# Chromium for the browser tests, strace to see what the programs ask of the network, ExifTool to read
# what results keep.
set -u
has() { command -v "$1" >/dev/null; }
has chromium-headless-shell && has strace && has exiftool && exit 0
as_root=''
if [ "$(id -u)" != 0 ]; then
    has sudo && sudo -n true 2>/dev/null || exit 0
    as_root='sudo -n'
fi
has apt-get || exit 0
install() {
    echo "Installing Debian's $1 for the tests."
    $as_root apt-get install -y -qq "$1" >/dev/null
}
$as_root apt-get update -qq
has strace || install strace
has exiftool || install libimage-exiftool-perl
# The browser without windows costs the least; some distributions have only the whole one.
has chromium-headless-shell || install chromium-headless-shell || has chromium || install chromium
