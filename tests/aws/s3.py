"""S3 in memory: signed GET and PUT of objects, and links."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from tests.aws.signature import is_presigned, is_signed
from tests.loopback import Loopback, Received, Sent


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    data: bytes
    media_type: str = "binary/octet-stream"
    encryption: str | None = None


class S3(Loopback):
    """`objects` by "bucket/key"; `failures` are answered first, one a request: (status, code)."""

    def __init__(self, *, buckets: tuple[str, ...]) -> None:
        super().__init__(self._answer)
        self._buckets = buckets
        self.objects: dict[str, StoredObject] = {}
        self.failures: list[tuple[int, str]] = []

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_S3": self.url}

    def _answer(self, request: Received) -> Sent:
        if self.failures:
            return _refused(*self.failures.pop(0))
        if not is_signed(request, service="s3") and not is_presigned(request):
            return _refused(403, "SignatureDoesNotMatch")
        name = unquote(urlsplit(request.target).path.removeprefix("/"))
        if name.partition("/")[0] not in self._buckets:
            return _refused(404, "NoSuchBucket")
        if request.method == "PUT":
            self.objects[name] = StoredObject(
                data=request.body,
                media_type=request.headers["Content-Type"],
                encryption=request.headers.get("x-amz-server-side-encryption"),
            )
            return Sent(headers={"ETag": '"1"'})
        stored = self.objects.get(name)
        if stored is None:
            return _refused(404, "NoSuchKey")
        return Sent(body=stored.data, headers={"Content-Type": stored.media_type})


def _refused(status: int, code: str) -> Sent:
    text = f"<Error><Code>{code}</Code><Message>refused</Message></Error>"
    return Sent(status=status, body=text.encode(), headers={"Content-Type": "application/xml"})
