"""ONNX Runtime, with its telemetry switched off: the only module that imports it.

Some of its builds store an id for the machine and events in the user's cache folder, and send them
to their maker. Only this variable, which is read while the library is loaded, prevents that; so it
is always set here.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

__all__ = ["ort", "ort_errors"]
