"""PyTorch is a gigabyte that only training needs: what tests its code is left out without it."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_winograd.py"]
