"""The event stream of a tab: how its jobs stand, told to the browser while they run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from webapp.base.texts import Texts
from webapp.shared import Shared
from webapp.tabs import Tab
from webapp.work.bulk import mark
from webapp.work.jobs import Phase, State
from webapp.work.live import LIVE_PATH, Live
from webapp.work.progress import fraction, sentence

EVENTS_PATH = "events"
PAUSE_SECONDS = 0.1
SILENCE_SECONDS = 15.0
"""Seconds after which a comment is sent, so that proxies keep the connection."""


async def events(shared: Shared, secret: str, t: Texts) -> AsyncIterator[str]:
    """Yield changes, as server-sent events, as long as the tab is there."""
    told, silence = "", 0.0
    sent: dict[str, int] = {}
    while (tab := shared.tabs.find_stream(secret)) is not None:
        message = json.dumps(snapshot(tab, sent, t))
        if message != told:
            told, silence = message, 0.0
            yield f"data: {message}\n\n"
        elif silence >= SILENCE_SECONDS:
            silence = 0.0
            yield ": still here\n\n"
        silence += PAUSE_SECONDS
        await asyncio.sleep(PAUSE_SECONDS)


def snapshot(tab: Tab, sent: dict[str, int], t: Texts) -> dict[str, object]:
    """Return the news; each stream gets a piece once, and counts them in `sent`."""
    live = tab.live
    jobs = list(tab.jobs.items())
    return {
        "now": None if live is None else now(live, sent, t),
        "marks": {
            request.digest: mark(job, t) for request, job in jobs if request.digest != tab.current
        },
        "ended": [request.key for request, job in jobs if job.state.phase.is_over],
    }


def now(live: Live, sent: dict[str, int], t: Texts) -> dict[str, object]:
    """Return the progress of the picture on the page."""
    state = State(phase=Phase.WAITING) if live.job is None else live.job.state
    count = len(live.pieces)
    first = sent.get(live.secret, 0)
    sent[live.secret] = count
    share = min(1.0, fraction(state, estimate=live.estimate))
    return {
        "address": f"{LIVE_PATH}/{live.secret}",
        "hasLook": live.look is not None,
        "isRunning": live.job is not None and not state.phase.is_over,
        "elapsed": round(state.elapsed),
        "percent": round(100 * share),
        "text": "" if live.job is None else sentence(state, estimate=live.estimate, t=t),
        "pieces": [[number, *live.pieces[number].box] for number in range(first, count)],
    }
