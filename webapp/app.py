"""The page's server: `streamlit run webapp/app.py`. The page itself is `page.py`."""

import gc
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

# `streamlit run` puts this file's folder on the path, not the root of the clone.
sys.path.extend(
    {str(each.parent) for each in Path(__file__).resolve().parents[1].glob("backend")}
    - set(sys.path)
)

import streamlit as st
from starlette.middleware import Middleware

from backend import SettingsError, SuperResolutionError
from webapp import __name__ as PACKAGE
from webapp.middleware import BoundedConnections, CompressedFiles, SecurityHeaders
from webapp.result.slider.juxtapose import ORIGIN
from webapp.routes import create_routes
from webapp.settings import PageSettings, page_settings
from webapp.wiring import end_work, prepare_samples, shared_by_all, sweep_forever

IMPORTED_BY_RUNS = (
    *(
        f"{PACKAGE}.{room}.view"
        for room in ("base", "cloud", "intake", "options", "result", "work")
    ),
    "pandas",
)
"""Modules that the first run of the script imports: those of the page, and Streamlit's own."""


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Make the samples' results; delete what closed tabs leave, and everything at the end."""
    stop = threading.Event()
    try:
        shared = shared_by_all()
    except (SettingsError, SuperResolutionError):
        yield  # the page shows the error
        return
    keep_loaded()
    threads = [
        threading.Thread(target=each, args=(shared, stop), daemon=True)
        for each in (prepare_samples, sweep_forever)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        end_work(shared, threads=threads)
        shared.disk.close()  # the signal that ends the process leaves no time afterwards


def keep_loaded() -> None:
    """Load what all visitors need, and exempt it from the search for garbage.

    Streamlit searches everything after each run of the script, and all visitors wait meanwhile.
    """
    for name in IMPORTED_BY_RUNS:
        import_module(name)
    gc.collect()
    gc.freeze()


def middleware() -> list[Middleware]:
    """Return the middleware around Streamlit; with wrong settings the page shows the error."""
    try:
        settings = page_settings(os.environ)
    except SettingsError:
        settings = PageSettings()
    return [
        Middleware(BoundedConnections, settings=settings),
        Middleware(
            SecurityHeaders, foreign_origin=ORIGIN if settings.slider == "juxtapose" else ""
        ),
        Middleware(CompressedFiles, base=base_path()),
    ]


def base_path() -> str:
    """Return the path below which the page lives, without a slash at its end."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


app = st.App(
    Path(__file__).with_name("page.py"),
    lifespan=lifespan,
    routes=create_routes(shared_by_all, base=base_path()),
    middleware=middleware(),
)
