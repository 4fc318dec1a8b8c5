"""The choice of the scale, with the consequences of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from webapp.base.component import component, hand_on


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One scale with its size, bytes and time in words."""

    value: str
    label: str


def choose_scale(
    choices: Sequence[Choice],
    *,
    chosen: str,
    label: str,
    key: str,
    on_choose: Callable[[str], None],
    on_draft: Callable[[str], None],
    other: dict[str, object] | None = None,
) -> None:
    """Draw the list; `on_choose` is called with another choice before the page is drawn.

    With `other`, see `other.js`, it ends with an entry that opens fields for a size of one's own.
    `on_draft` is called with what stands in them, so that the page can say what it means.
    """
    component(__file__)(
        key=key,
        data={
            "label": label,
            "chosen": chosen,
            "choices": [asdict(each) for each in choices],
            "other": other,
        },
        on_choice_change=hand_on(key, "choice", on_choose),
        on_draft_change=hand_on(key, "draft", on_draft),
    )
