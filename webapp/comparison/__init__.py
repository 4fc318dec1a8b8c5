"""Before and after, one picture over the other, with a divider the visitor drags."""

from typing import Literal, assert_never

from PIL import Image

from webapp.comparison import builtin, juxtapose
from webapp.comparison.preview import patches

__all__ = ["Slider", "compare", "prepare", "show"]

Slider = Literal["builtin", "juxtapose"]


def compare(
    before: Image.Image,
    after: Image.Image,
    *,
    labels: tuple[str, str] = ("Before", "After"),
    key: str,
    slider: Slider = "builtin",
) -> None:
    """Draw `before`, magnified to the size of `after`, and `after` at the same place.

    `key` names the pair of pictures: derive it from the sha256 of the input and the options, and
    never use it for other pixels. While it stays the same, nothing is encoded again, no pixel is
    read (a lazily opened file stays undecoded), and the visitor keeps divider and zoom. One key
    may be drawn once a page. `juxtapose` shows constant labels instead of `labels`.
    """
    match slider:
        case "builtin":
            builtin.show(before, after, labels=labels, key=key)
        case "juxtapose":
            juxtapose.show(before, after, key=key)
        case _:
            assert_never(slider)


def prepare(
    before: Image.Image,
    after: Image.Image,
    *,
    labels: tuple[str, str] = ("Before", "After"),
    key: str,
) -> bytes:
    """What `show` draws, at most some 8 MB; calls nothing of Streamlit, so any thread may."""
    return builtin.pack(patches(before, after), key=key, labels=labels)


def show(prepared: bytes, *, key: str, slider: Slider = "builtin") -> None:
    """Draw what `prepare` made with the same `key`; no full-size picture is needed any more."""
    match slider:
        case "builtin":
            builtin.mount(prepared, key=key)
        case "juxtapose":
            before, after = builtin.unpack(prepared)
            juxtapose.show(before, after, key=key)
        case _:
            assert_never(slider)
