"""A Streamlit page with only the comparison, and its pictures.

`?case=` chooses the pictures, `?slider=` the slider; the button causes a rerun.
"""

import math
from functools import cache
from typing import get_args

from PIL import Image, ImageDraw

from webapp.base.side import make_side, pack
from webapp.base.texts import texts
from webapp.result.slider import Comparison, show
from webapp.settings import SliderKind

SCALE = 4
SIZES = {
    "photo": (1280, 960),
    "portrait": (480, 800),
    "small": (160, 120),
    "transparent": (640, 480),
    "large": (6400, 4800),
    "panorama": (2400, 120),
}


@cache
def sides(case: str) -> tuple[bytes, bytes]:
    """Return both pictures as the slider takes them."""
    before, after = pair(case)
    return pack(make_side(before)), pack(make_side(after))


@cache
def pair(case: str) -> tuple[Image.Image, Image.Image]:
    """(before, after): a drawn scene, and the same scene `SCALE` times smaller."""
    size = SIZES[case]
    after = scene(size)
    if case == "transparent":
        after.putalpha(disc(size))
    before = after.resize((size[0] // SCALE, size[1] // SCALE), Image.Resampling.BICUBIC)
    return before, after


def scene(size: tuple[int, int]) -> Image.Image:
    """Draw sky, hills, a sun with thin rays and fine stripes: edges that show sharpness."""
    width, height = size
    ramp = Image.linear_gradient("L").resize(size)
    sky = Image.merge(
        "RGB",
        (
            ramp.point(lambda v: 70 + v * 0.55),
            ramp.point(lambda v: 130 + v * 0.35),
            ramp.point(lambda v: 225 - v * 0.2),
        ),
    )
    draw = ImageDraw.Draw(sky)
    unit = min(size) / 100
    x, y = width * 0.7, height * 0.3
    for ray in range(48):
        angle = ray * math.tau / 48
        across, down = math.cos(angle), math.sin(angle)
        draw.line(
            (
                x + 14 * unit * across,
                y + 14 * unit * down,
                x + 24 * unit * across,
                y + 24 * unit * down,
            ),
            fill="#fff2b0",
            width=max(1, round(unit / 3)),
        )
    draw.ellipse((x - 12 * unit, y - 12 * unit, x + 12 * unit, y + 12 * unit), fill="#ffd54f")
    hills = [
        (0, height),
        *((i * width / 60, height * (0.7 + 0.08 * math.sin(i / 6))) for i in range(61)),
        (width, height),
    ]
    draw.polygon(hills, fill="#2f6b46")
    for stripe in range(0, width, max(2, round(1.6 * unit))):
        draw.line(
            (stripe, height * 0.82, stripe + 10 * unit, height),
            fill="#b9dd8d",
            width=max(1, round(unit / 4)),
        )
    for line in range(6):
        draw.text(
            (width * 0.06, height * 0.12 + line * 5.5 * unit),
            "Sharp letters tell 0O 1l",
            fill="#17233b",
            font_size=max(4, 4.5 * unit - line * 0.5 * unit),
        )
    return sky


def disc(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse(
        (size[0] * 0.05, size[1] * 0.05, size[0] * 0.95, size[1] * 0.95), fill=255
    )
    return mask


def draw_page() -> None:
    import streamlit as st

    st.set_page_config(page_title="Slider", layout="wide")
    st.title("Slider")
    case = st.selectbox(
        "Pictures", list(SIZES), index=list(SIZES).index(st.query_params.get("case", "photo"))
    )
    wanted = st.query_params.get("slider", "builtin")
    kind = next(name for name in get_args(SliderKind) if name == wanted)
    if "runs" not in st.session_state:
        st.session_state.runs = 0
    st.session_state.runs += 1
    st.button("Run again")
    st.write(f"Run {st.session_state.runs}")
    before, after = pair(case)
    name = st.query_params.get("name", "Before")
    labels = (f"{name} · {before.width}×{before.height}", f"After · {after.width}×{after.height}")
    left, right = sides(case)
    words = texts("en").section("slider") | texts("en").section("unit")
    key = f"test__{case}"
    show(Comparison(left=left, right=right, labels=labels, texts=words, key=key), kind=kind)
    for line in range(12):
        st.write(f"Text below the pictures, paragraph {line}, so that the page can scroll.")


if __name__ == "__main__":
    draw_page()
