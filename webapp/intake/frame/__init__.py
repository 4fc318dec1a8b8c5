"""A picture, and a frame on it that the visitor moves by pointer or arrow keys."""

from __future__ import annotations

from collections.abc import Callable

from backend.engine import Box
from webapp.base.component import component, hand_on, ignore_change


def picture(image: str, *, alt: str, key: str, is_pixelated: bool) -> None:
    """Draw a data URL without a frame, in the full width."""
    data = {"image": image, "alt": alt, "frame": None, "isPixelated": is_pixelated}
    component(__file__)(key=key, data=data)


def frame(
    image: str,
    *,
    size: tuple[int, int],
    frame: tuple[int, int],
    alt: str,
    label: str,
    key: str,
    is_pixelated: bool,
    on_cancel: Callable[[], None],
    can_resize: bool = False,
) -> Box:
    """Draw the picture and return the part of it inside the frame, in pixels of the whole.

    `on_cancel` is called before the page is drawn when Escape is pressed.

    `image` is a data URL, `size` and `frame` are (width, height) in pixels of the whole picture.
    """
    result = component(__file__)(
        key=key,
        data={
            "image": image,
            "size": size,
            "frame": frame,
            "alt": alt,
            "label": label,
            "isPixelated": is_pixelated,
            "canResize": can_resize,
        },
        default={"at": None},
        on_at_change=ignore_change,
        on_cancel_change=hand_on(key, "cancel", lambda _: on_cancel()),
    )
    width, height = frame
    at = result.get("at") or ((size[0] - width) // 2, (size[1] - height) // 2, width, height)
    left, top, width, height = (int(each) for each in at)
    return left, top, min(left + width, size[0]), min(top + height, size[1])
