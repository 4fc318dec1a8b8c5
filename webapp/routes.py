"""The page's own HTTP: uploads in, results out; each address has a token that cannot be guessed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from webapp.intake import routes as intake
from webapp.result import routes as result
from webapp.shared import Shared
from webapp.work import routes as work

Answer = Callable[[Request, Shared], Awaitable[Response]]


def create_routes(get_shared: Callable[[], Shared], *, base: str = "") -> list[Route]:
    """Make the routes below the page's `base` path.

    `get_shared` is asked at each request: it raises while the settings are wrong.
    """

    def route(method: str, path: str, answer: Answer) -> Route:
        async def endpoint(request: Request) -> Response:
            return await answer(request, get_shared())

        return Route(f"{base}/{path}", endpoint, methods=[method])

    return [route(*each) for each in (*intake.ROUTES, *work.ROUTES, *result.ROUTES)]
