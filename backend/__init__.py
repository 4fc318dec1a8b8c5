"""Image super-resolution: one engine behind a web page, an HTTP server, a command line and AWS.

The public names are imported when they are first used, so that `python -m backend --version`
and `--help` answer before NumPy, Pillow and ONNX Runtime are loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.engine import Engine as Engine
    from backend.engine import Upscaled as Upscaled
    from backend.engine import Watch as Watch
    from backend.errors import SuperResolutionError as SuperResolutionError
    from backend.factory import create_engine as create_engine
    from backend.inference.local_engine import LocalEngine as LocalEngine
    from backend.options import UpscaleOptions as UpscaleOptions
    from backend.requests.handler import RequestHandler as RequestHandler
    from backend.requests.reply import Reply as Reply
    from backend.settings import Settings as Settings
    from backend.settings import SettingsError as SettingsError

__version__ = "1.1.0"
PROGRAM = "super-resolution" if __name__ == "super_resolution" else "python -m backend"
"""The command that starts the program: the wheel renames this package, see hatch_build.py."""

_MODULES = {
    "Engine": "engine",
    "LocalEngine": "inference.local_engine",
    "Reply": "requests.reply",
    "RequestHandler": "requests.handler",
    "Settings": "settings",
    "SettingsError": "settings",
    "SuperResolutionError": "errors",
    "UpscaleOptions": "options",
    "Upscaled": "engine",
    "Watch": "engine",
    "create_engine": "factory",
}
__all__ = list(_MODULES)

if not TYPE_CHECKING:  # for type checkers, which refuse other names

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
