"""ministack, run by the Python of its own environment with the option -P.

Arguments: the functions' Python, a port with TLS, a port without, certificate and key. ministack's
own command would listen on port 443 too when it speaks TLS.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

if __name__ == "__main__":
    # Option -P keeps this folder from being searched for modules.
    spec = importlib.util.spec_from_file_location("strict", Path(__file__).with_name("strict.py"))
    assert spec is not None
    assert spec.loader is not None
    strict = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(strict)
    strict.install()
    # Functions are started with sys.executable. ministack's environment lacks their imports
    # and the boto3 that AWS's runtime brings.
    sys.executable, https_port, http_port, certificate, key = sys.argv[1:]
    config = Config()
    config.bind = [f"127.0.0.1:{https_port}"]
    config.insecure_bind = [f"127.0.0.1:{http_port}"]
    config.certfile, config.keyfile = certificate, key
    asyncio.run(serve(app, config))
