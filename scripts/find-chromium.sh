#!/bin/sh
# Print the path of a Chromium for the browser tests; install Debian's when it may.
set -u
for name in chromium chromium-browser google-chrome; do
    command -v "$name" && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install -y -qq chromium; } >&2 && command -v chromium && exit 0
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    { sudo apt-get update -qq && sudo apt-get install -y -qq chromium; } >&2 \
        && command -v chromium && exit 0
fi
exit 1
