"""AWS's image for Ray Serve as this project's class sees it: a server in a process.

Ray itself only passes requests on, so a stand-in takes its place.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Self

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.paths import ROOT

STOP_SECONDS = 20
ANSWER_SECONDS = 120


class RayImage:
    """`with RayImage({"SR_MODEL": "fast"}) as image:` is one process with these settings."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SR_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.aws.ray_image"],
            cwd=ROOT,
            env={**clean, **settings},
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        self._address = self._process.stdout.readline().strip()
        assert self._address, "the process ended before it served"
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=STOP_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def invoke(self, data: Any, query: str = "", **headers: str) -> requests.Response:
        """Post a picture; `Content_Type` is the header `Content-Type`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with requests.Session() as session:
            session.trust_env = False
            return session.post(
                f"{self._address}/invocations{query}",
                data=data,
                headers=named,
                timeout=ANSWER_SECONDS,
            )


def _ray() -> ModuleType:
    """Return a stand-in for `ray`, of which only `serve.deployment(…).bind()` is used."""

    class Deployment:
        def __init__(self, cls: type) -> None:
            self._cls = cls

        def bind(self) -> type:
            return self._cls

    ray, ray.serve = ModuleType("ray"), ModuleType("ray.serve")  # type: ignore[attr-defined]
    ray.serve.deployment = Deployment
    return ray


def main() -> None:
    """Print the address, then serve until terminated."""
    sys.modules["ray"] = _ray()
    from backend.aws import ray_serve

    deployed = ray_serve.app()

    async def invocations(request: Request) -> Response:
        answer: Response = await deployed(request)
        return answer

    app = Starlette(routes=[Route("/invocations", invocations, methods=["POST"])])
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
