#!/bin/sh
# Install the Debian packages that the tests need, if they are missing and this user may: Chromium
# for the browser tests, strace to see network calls, ExifTool to read the metadata of results.
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
# The headless Chromium is the smallest; some distributions have only the full one.
has chromium-headless-shell || install chromium-headless-shell || has chromium || install chromium
