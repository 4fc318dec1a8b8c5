"""Thirty kinds of files and names: a right result, or a clear message."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import partial

import pytest
from PIL import Image
from playwright.sync_api import Dialog, Page, expect

from testbed.visitor import (
    LONG,
    choose_scale,
    enter,
    noise,
    saved,
    upload,
)
from tests.browser.conftest import Traffic
from tests.pictures import save
from webapp.base.texts import texts

WIDTH, HEIGHT = 24, 16


def scene(mode: str = "RGB") -> Image.Image:
    return Image.open(io.BytesIO(noise(WIDTH, HEIGHT, seed=40))).convert(mode)


def heic() -> bytes:
    return save(scene(), "HEIF")


def frames(format: str) -> bytes:
    file = io.BytesIO()
    scene().save(file, format, save_all=True, append_images=[scene().rotate(180)])
    return file.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    scene().transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif)
    return file.getvalue()


PNG = partial(saved, scene())
NAMES = (
    "drawing.png",
    "no ending",
    "wrong.pdf",
    "猫的照片.png",
    "صورة\u202egnp.exe",
    "😀 100% #1 & more?.png",
    "a" * 250 + ".png",
    "<script>alert(1)</script>.png",
    "../../etc/passwd",
)
"""Names of pictures; each differs, so that none is taken for another."""
PICTURES: dict[str, Callable[[], bytes]] = {
    "photo.jpg": lambda: saved(scene(), "JPEG"),
    "turned.jpg": turned,
    "cmyk.jpg": lambda: saved(scene("CMYK"), "JPEG"),
    "grey.jpg": lambda: saved(scene("L"), "JPEG"),
    "palette.png": lambda: saved(scene().quantize(8)),
    "clear.png": lambda: saved(scene("RGBA")),
    "bits.png": lambda: saved(scene("1")),
    "deep.png": lambda: saved(Image.new("I;16", (WIDTH, HEIGHT), 40_000)),
    "moving.png": lambda: frames("PNG"),
    "scan.bmp": lambda: saved(scene(), "BMP"),
    "still.gif": lambda: saved(scene(), "GIF"),
    "moving.gif": lambda: frames("GIF"),
    "fax.tiff": lambda: saved(scene("1"), "TIFF"),
    "pages.tif": lambda: frames("TIFF"),
    "web.webp": lambda: saved(scene(), "WEBP"),
    "moving.webp": lambda: frames("WEBP"),
    "new.avif": lambda: saved(scene(), "AVIF"),
    "IMG_0001.HEIC": heic,
    **{name: partial(noise, WIDTH, HEIGHT, seed=50 + each) for each, name in enumerate(NAMES)},
}
REFUSALS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty.jpg": (bytes, "empty_file"),
    "notes.jpg": (lambda: b"Dear diary", "unsupported_media_type"),
    "page.png": (lambda: b"<!doctype html><title>404</title>", "unsupported_media_type"),
    "drawing.svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_media_type"),
    "paper.pdf": (lambda: saved(scene(), "PDF"), "unsupported_media_type"),
    "icon.ico": (lambda: saved(scene(), "ICO"), "unsupported_media_type"),
    "half.png": (lambda: PNG()[: len(PNG()) // 2], "invalid_image"),
    "half.jpg": (lambda: saved(scene(), "JPEG")[:300], "invalid_image"),
    "half.gif": (lambda: saved(scene(), "GIF")[:200], "invalid_image"),
    "half.heic": (lambda: heic()[:400], "invalid_image"),
}


@pytest.fixture
def address(quick_address: str) -> str:
    return quick_address


def test_every_kind_of_picture_becomes_a_result(address: str, page: Page) -> None:
    enter(page, address)
    choose_scale(page, 2)
    alerts: list[str] = []

    def close(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    badge = page.locator(".st-key-result .badge[data-side=after]")

    for name, make in PICTURES.items():
        upload(page, name, make())
        chosen = page.get_by_role("radiogroup", name="Your pictures").get_by_role("radio").last
        expect(chosen).to_have_attribute("aria-label", re.compile(re.escape(name[:40])))
        expect(chosen).to_have_attribute("aria-label", re.compile(": done$"), timeout=LONG)
        expect(badge, name).to_have_text(f"After · {2 * WIDTH} × {2 * HEIGHT}", timeout=LONG)

    assert alerts == []


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_what_is_no_picture_is_refused_in_words(
    address: str, page: Page, traffic: Traffic, language: str
) -> None:
    traffic.allowed_errors.append("/upload")
    enter(page, f"{address}/?lang={language}")
    t = texts(language)

    for name, (make, key) in REFUSALS.items():
        upload(page, name, make())
        alert = page.get_by_role("alert")
        expect(alert, name).to_contain_text(t(f"error.{key}.title"), timeout=LONG)
        expect(alert, name).to_contain_text(t(f"error.{key}.hint"))
        expect(page.locator(".comparison"), name).to_have_count(1)
