"""The Python side of the before/after slider: the data for the browser."""

import io
import json
import logging
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import thread
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image, ImageCms
from streamlit.testing.v1 import AppTest

from backend.errors import CancelledError
from backend.images.colour import light_level
from backend.images.hdr import BT709
from backend.images.icc import make_profile
from tests.paths import ROOT
from webapp.base import side
from webapp.base.texts import texts
from webapp.intake.pictures import DETAIL_SIDE
from webapp.result.slider import Comparison, builtin, juxtapose

LABELS = ("Before · 8×6", "After · 32×24")
TEXTS = texts("en").section("slider")
HOSTILE = "</script><script>alert('x')</script>"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def noise(size: tuple[int, int]) -> Image.Image:
    width, height = size
    return Image.fromarray(
        np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    )


def unpack(blob: bytes) -> tuple[dict[str, Any], list[Image.Image]]:
    """Read the blob as the browser does: header, then one WebP file after the other."""
    (length,) = struct.unpack(">I", blob[:4])
    header = json.loads(blob[4 : 4 + length])
    start = 4 + length
    images: list[Image.Image] = []
    for picture in header["pictures"]:
        images.append(Image.open(io.BytesIO(blob[start : start + picture["length"]])))
        start += picture["length"]
    assert start == len(blob)
    return header, images


def packed(before: Image.Image, after: Image.Image) -> tuple[dict[str, Any], list[Image.Image]]:
    left, right = (side.pack(side.make_side(each)) for each in (before, after))
    return unpack(joined(left, right))


def joined(left: bytes, right: bytes) -> bytes:
    comparison = Comparison(left=left, right=right, labels=LABELS, texts=TEXTS, key="k")
    return builtin.join(comparison)


def test_one_blob_holds_both_pictures_and_their_description() -> None:
    before, after = noise((8, 6)), noise((32, 24))

    header, images = packed(before, after)

    assert header["id"] == "k"
    assert tuple(header["labels"]) == LABELS
    assert (header["size"], header["before"]) == ([32, 24], [8, 6])
    assert header["texts"] == TEXTS
    assert [picture["side"] for picture in header["pictures"]] == ["before", "after"]
    assert [picture["place"] for picture in header["pictures"]] == [[0, 0, 1, 1]] * 2
    assert [image.format for image in images] == ["WEBP", "WEBP"]


def test_pictures_of_ordinary_size_arrive_with_every_pixel_unchanged() -> None:
    before, after = noise((60, 40)), noise((240, 160))

    _, images = packed(before, after)

    assert np.array_equal(np.asarray(images[0]), np.asarray(before))
    assert np.array_equal(np.asarray(images[1]), np.asarray(after))


def test_a_photograph_is_sent_in_a_fraction_of_its_bytes_and_looks_the_same() -> None:
    ramp = Image.linear_gradient("L").resize((640, 480)).convert("RGB")
    grain = np.random.default_rng(1).normal(0, 4, (480, 640, 3))
    photograph = Image.fromarray(np.clip(np.asarray(ramp) + grain, 0, 255).astype(np.uint8))

    exact, near = (
        side.make_side(photograph, is_photograph=each).patches[0].webp for each in (False, True)
    )

    assert len(near) < len(exact) / 4
    with Image.open(io.BytesIO(near)) as shown:
        error = np.asarray(shown, np.int16) - np.asarray(photograph, np.int16)
    assert np.abs(error).mean() < 3


def test_a_large_result_is_reduced_and_its_middle_sent_in_full() -> None:
    before = noise((1500, 750))
    after = noise((600, 300)).resize((6000, 3000), Image.Resampling.BICUBIC)

    header, images = packed(before, after)

    assert [image.size for image in images] == [(1500, 750), (2560, 1280), (2048, 2048)]
    assert [picture["side"] for picture in header["pictures"]] == ["before", "after", "after"]
    left, top, across, down = header["pictures"][2]["place"]
    assert (left * 6000, top * 3000) == pytest.approx((1976, 476))
    assert (across * 6000, down * 3000) == pytest.approx((2048, 2048))
    middle = np.asarray(after.crop((1976, 476, 4024, 2524)), np.int16)
    assert np.abs(np.asarray(images[2], np.int16) - middle).mean() < 3


def test_a_large_input_is_reduced_too_and_its_middle_covers_that_of_the_result() -> None:
    before, after = Image.new("RGB", (3001, 101), "teal"), Image.new("RGB", (6002, 202), "teal")
    left = side.pack(side.make_side(before, detail_side=DETAIL_SIDE))
    right = side.pack(side.make_side(after))

    header, images = unpack(joined(left, right))

    assert [p["side"] for p in header["pictures"]] == ["before", "before", "after", "after"]
    assert images[0].size == (2560, 86)
    small, large = header["pictures"][1]["place"], header["pictures"][3]["place"]
    assert small[0] <= large[0]
    assert small[0] + small[2] >= large[0] + large[2]


@pytest.mark.parametrize("size", [(1, 1), (1, 4096), (4096, 1), (2561, 2560), (16384, 16)])
def test_no_preview_exceeds_the_bound_or_vanishes(size: tuple[int, int]) -> None:
    reduced = side.bounded(Image.new("RGB", size, "red"), max_side=side.MAX_SIDE)

    assert min(reduced.size) >= 1
    assert max(reduced.size) <= side.MAX_SIDE
    assert reduced.getpixel((0, 0)) == (255, 0, 0)


def test_reducing_in_strips_keeps_the_picture_in_its_place() -> None:
    ramp = Image.linear_gradient("L").resize((9001, 7003)).convert("RGB")

    reduced = side.bounded(ramp, max_side=1000)

    expected = ramp.resize(reduced.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(reduced, np.int16) - np.asarray(expected, np.int16)).max() <= 1


def test_a_picture_that_fits_is_not_copied() -> None:
    picture = noise((30, 20))

    assert side.bounded(side.displayable(picture), max_side=30) is picture


def test_transparency_is_kept_by_the_whole_and_by_the_detail() -> None:
    before, after = Image.new("RGBA", (750, 500)), Image.new("RGBA", (3000, 2000))
    after.paste((255, 0, 0, 255), (1400, 900, 1600, 1100))

    _, (small, whole, detail) = packed(before, after)

    assert {image.mode for image in (small, whole, detail)} == {"RGBA"}
    assert whole.getchannel("A").getpixel((0, 0)) == 0
    assert whole.getchannel("A").getpixel((1280, 853)) == 255
    assert detail.getchannel("A").getpixel((1024, 1000)) == 255


def test_an_opaque_picture_stays_without_alpha() -> None:
    _, images = packed(noise((4, 4)), noise((8, 8)))

    assert {image.mode for image in images} == {"RGB"}


@pytest.mark.parametrize(("mode", "shown"), [("L", "RGB"), ("LA", "RGBA"), ("1", "RGB")])
def test_other_modes_become_what_a_browser_shows(mode: str, shown: str) -> None:
    assert side.displayable(Image.new(mode, (2, 2))).mode == shown


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_is_as_bright_as_its_own_profile_says(mode: str) -> None:
    image = Image.new(mode, (2, 2), (128, 99)[: len(mode)] if mode == "LA" else 128)
    image.info["icc_profile"] = make_profile(BT709, gamma=1.4, is_gray=True)
    shown = side.displayable(image)
    wanted = light_level(128 / 255, 1.4)
    assert shown.getpixel((0, 0)) == (wanted,) * 3 + ((99,) if mode == "LA" else ())
    assert side.rgb_profile(shown) is None


def test_both_sides_carry_their_profile() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    before, after = noise((4, 4)), noise((8, 8))
    before.info["icc_profile"] = after.info["icc_profile"] = profile

    _, images = packed(before, after)

    assert [image.info.get("icc_profile") for image in images] == [profile, profile]


def test_a_profile_of_another_colour_space_is_dropped() -> None:
    after = noise((8, 8))
    after.info["icc_profile"] = bytes(16) + b"CMYK" + bytes(108)

    _, images = packed(noise((4, 4)), after)

    assert [image.info.get("icc_profile") for image in images] == [None, None]


def page(kind: str, key: str = "k", label: str = "Before") -> None:
    """The script of a page with one comparison."""
    from PIL import Image

    from webapp.base import side
    from webapp.base.texts import texts
    from webapp.result.slider import Comparison, show

    left, right = (
        side.pack(side.make_side(Image.new("RGB", size, "teal"))) for size in ((8, 6), (32, 24))
    )
    words = texts("en").section("slider")
    labels = (label, "After")
    pair = Comparison(left=left, right=right, labels=labels, texts=words, key=key)
    show(pair, kind=kind)  # type: ignore[arg-type]


def run(kind: str, *, key: str = "k", label: str = "Before") -> AppTest:
    app = AppTest.from_function(
        page, default_timeout=60, kwargs={"kind": kind, "key": key, "label": label}
    )
    app.run()
    assert not app.exception
    return app


def test_labels_travel_as_data_and_never_inside_script_or_markup() -> None:
    (element,) = run("builtin", label=HOSTILE).get("bidi_component")

    proto = element.proto
    header, _ = unpack(proto.bytes)
    assert header["labels"][0] == HOSTILE
    folder = Path(builtin.__file__).parent
    assert proto.js_content.endswith((folder / "slider.js").read_text(encoding="utf-8"))
    assert proto.html_content == (folder / "slider.html").read_text(encoding="utf-8")


def test_a_key_with_two_underscores_is_accepted() -> None:
    assert len(run("builtin", key="fast__x4").get("bidi_component")) == 1


def test_the_script_writes_no_markup_and_asks_for_its_own_pictures_only() -> None:
    folder = Path(builtin.__file__).parent
    files = [each for kind in ("html", "css", "js") for each in folder.glob(f"*.{kind}")]
    text = "".join(each.read_text(encoding="utf-8") for each in files)

    for forbidden in ("innerHTML", "insertAdjacent", "eval(", "://", "import ", "url("):
        assert forbidden not in text
    assert text.count("fetch(") == text.count("fetch(address(`${content.live}/") == 1


def test_juxtapose_gets_constant_labels_only() -> None:
    (element,) = run("juxtapose", label=HOSTILE).get("iframe")

    assert "alert(" not in element.proto.srcdoc
    assert "label: 'Before'" in element.proto.srcdoc
    assert "label: 'After'" in element.proto.srcdoc


def test_juxtapose_leaves_pillows_limit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 123_456)
    during: list[int | None] = []
    frame = juxtapose._frame
    juxtapose._slider.cache_clear()

    def watched(html: str, **size: Any) -> None:
        during.append(Image.MAX_IMAGE_PIXELS)
        frame(html, **size)

    monkeypatch.setattr(juxtapose, "_frame", watched)

    run("juxtapose")

    assert during == [123_456]
    assert Image.MAX_IMAGE_PIXELS == 123_456
    juxtapose._slider.cache_clear()


def test_the_package_alone_would_switch_the_limit_off(monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("streamlit_image_comparison")
    monkeypatch.setattr(package, "Image", Image)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 123_456)

    package.read_image_as_pil(noise((2, 2)))

    assert Image.MAX_IMAGE_PIXELS is None


def test_juxtapose_calls_nothing_deprecated_and_writes_no_file(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING):
        run("juxtapose")

    assert "removed" not in caplog.text
    assert "deprecat" not in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_juxtapose_shows_transparency_on_white() -> None:
    left, right = (side.pack(side.make_side(Image.new("RGBA", (n, n)))) for n in (2, 8))
    before, after = juxtapose._sides("k", left, right)

    assert before.size == after.size == (8, 8)
    assert after.mode == "RGB"
    assert after.getpixel((4, 4)) == (255, 255, 255)


def test_a_side_can_be_taken_back_out_of_the_blob() -> None:
    made = side.make_side(noise((3000, 2000)))

    assert side.unpack(side.pack(made)) == made


def test_an_unknown_slider_is_refused() -> None:
    app = AppTest.from_function(page, default_timeout=60, kwargs={"kind": "carousel"})
    app.run()

    assert len(app.exception) == 1


def test_a_process_that_is_ending_gives_up_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "_shutdown", True)  # as the interpreter does at its end
    with pytest.raises(CancelledError):
        side.make_side(noise((8, 6)))


def test_the_page_starts_without_a_warning_of_streamlits() -> None:
    program = "import webapp.result.slider"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
