"""Debian's Chromium, restricted to this machine."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

BROWSERS = "chromium-headless-shell", "chromium", "chromium-browser"
"""Programs of Debian; the first has no windows and takes two thirds of the memory."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]


def chromium_path() -> str | None:
    """Return where it is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def launch(playwright: Playwright) -> Browser:
    """Start it; raise FileNotFoundError where there is none."""
    path = chromium_path()
    if path is None:
        raise FileNotFoundError("Chromium is needed: apt-get install chromium-headless-shell")
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
