"""The page's server: `streamlit run webapp/app.py`. The page itself is `page.py`."""

import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# `streamlit run` puts this file's folder on the path, and not the root of the clone.
sys.path.extend(
    {str(each.parent) for each in Path(__file__).resolve().parents[1].glob("backend")}
    - set(sys.path)
)

import streamlit as st
from starlette.middleware import Middleware

from backend import SettingsError, SuperResolutionError
from webapp.middleware import CompressedFiles, SecurityHeaders
from webapp.result.slider.juxtapose import ORIGIN
from webapp.routes import create_routes
from webapp.settings import page_settings
from webapp.wiring import prepare_samples, shared_by_all, sweep_forever


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Make the samples' results, and delete what closed tabs leave behind."""
    stop = threading.Event()
    try:
        shared = shared_by_all()
    except (SettingsError, SuperResolutionError):
        yield  # the page says what is wrong
        return
    threading.Thread(target=prepare_samples, args=(shared,), daemon=True).start()
    threading.Thread(target=sweep_forever, args=(shared, stop), daemon=True).start()
    yield
    stop.set()


def foreign_origin() -> str:
    """Return the origin of what the chosen slider loads; "" for the page's own."""
    try:
        slider = page_settings(os.environ).slider
    except SettingsError:
        return ""
    return ORIGIN if slider == "juxtapose" else ""


app = st.App(
    Path(__file__).with_name("page.py"),
    lifespan=lifespan,
    routes=create_routes(shared_by_all),
    middleware=[
        Middleware(SecurityHeaders, foreign_origin=foreign_origin()),
        Middleware(CompressedFiles),
    ],
)
