"""Make the documentation's pictures of the page: `python -m benchmarks.page_pictures`."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from testbed.chromium import launch
from testbed.page_server import PageServer
from testbed.visitor import enter

FOLDER = Path(__file__).parents[1] / "docs" / "images"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SCREENS: dict[str, dict[str, Any]] = {
    "page": {"viewport": DESKTOP},
    "page-wide": {"viewport": {"width": 1920, "height": 1080}},
    "page-tablet": {"viewport": {"width": 820, "height": 1180}, "has_touch": True},
    "page-phone-chinese": {**PHONE, "locale": "zh-CN"},
    "page-phone-german": {**PHONE, "locale": "de"},
    "page-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "page-forced-colours": {"viewport": DESKTOP, "forced_colors": "active"},
}
SWEPT = 4000
"""Milliseconds after which the divider, which moves once to and fro, rests in the middle."""
QUALITY = 85


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        launch(playwright) as browser,
    ):
        server = PageServer(log=Path(folder, "log.txt"))
        try:
            for name, options in SCREENS.items():
                context = browser.new_context(**options)
                page = enter(context.new_page(), server.address)
                page.wait_for_timeout(SWEPT)
                shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                shot.save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)
                context.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
