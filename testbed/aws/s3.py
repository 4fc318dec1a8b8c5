"""S3 in memory: signed GET, HEAD, PUT and listing of objects, and links."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit

from testbed.aws.signature import is_presigned, is_signed
from testbed.loopback import Loopback, Received, Sent

PAGE = 1000
"""The number of keys in one listing."""
META = "x-amz-meta-"


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    data: bytes
    media_type: str = "binary/octet-stream"
    encryption: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data).hexdigest()}"'


class S3(Loopback):
    """`objects` by "bucket/key"; `failures` are answered first, one a request: (status, code).

    `unlisted` are buckets that the caller may not list. S3 then answers 403, not 404, for a missing
    key (API reference, GetObject and HeadObject: Permissions).
    """

    def __init__(self, *, buckets: tuple[str, ...]) -> None:
        super().__init__(self._answer)
        self._buckets = buckets
        self.objects: dict[str, StoredObject] = {}
        self.failures: list[tuple[int, str]] = []
        self.unlisted: set[str] = set()

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_S3": self.url}

    def methods(self) -> list[str]:
        """Return the methods of the requests so far, and clear them."""
        found = [each.method for each in self.received]
        self.received.clear()
        return found

    def _answer(self, request: Received) -> Sent:
        if self.failures:
            return _refused(*self.failures.pop(0))
        if not is_signed(request, service="s3") and not is_presigned(request):
            return _refused(403, "SignatureDoesNotMatch")
        address = urlsplit(request.target)
        query = parse_qs(address.query)
        name = unquote(address.path.removeprefix("/"))
        bucket = name.partition("/")[0]
        if bucket not in self._buckets:
            return _refused(404, "NoSuchBucket")
        if "list-type" in query:
            return self._listing(bucket, query)
        return self._put(name, request) if request.method == "PUT" else self._get(name, request)

    def _put(self, name: str, request: Received) -> Sent:
        self.objects[name] = StoredObject(
            data=request.body,
            media_type=request.headers["Content-Type"],
            encryption=request.headers.get("x-amz-server-side-encryption"),
            metadata={
                header.lower().removeprefix(META): value
                for header, value in request.headers.items()
                if header.lower().startswith(META)
            },
        )
        return Sent(headers={"ETag": self.objects[name].etag})

    def _get(self, name: str, request: Received) -> Sent:
        stored = self.objects.get(name)
        if stored is None:
            is_told = name.partition("/")[0] not in self.unlisted
            return _refused(404, "NoSuchKey") if is_told else _refused(403, "AccessDenied")
        if request.headers.get("If-None-Match") == stored.etag:
            return Sent(status=304)
        headers = {META + each: value for each, value in stored.metadata.items()}
        return Sent(
            body=stored.data,
            headers={"Content-Type": stored.media_type, "ETag": stored.etag, **headers},
        )

    def _listing(self, bucket: str, query: dict[str, list[str]]) -> Sent:
        start = bucket + "/" + query.get("prefix", [""])[0]
        after = bytes.fromhex(query.get("continuation-token", [""])[0]).decode()
        found = sorted(name for name in self.objects if name.startswith(start) and name > after)
        page = found[:PAGE]
        contents = "".join(
            f"<Contents><Key>{quote(name.partition('/')[2])}</Key>"
            f"<ETag>{self.objects[name].etag}</ETag></Contents>"
            for name in page
        )
        is_cut = len(found) > PAGE
        token = page[-1].encode().hex() if is_cut else ""
        more = f"<NextContinuationToken>{token}</NextContinuationToken>" if is_cut else ""
        text = (
            f"<ListBucketResult><IsTruncated>{str(is_cut).lower()}</IsTruncated>{more}"
            f"<EncodingType>url</EncodingType>{contents}</ListBucketResult>"
        )
        return Sent(body=text.encode(), headers={"Content-Type": "application/xml"})


def _refused(status: int, code: str) -> Sent:
    text = f"<Error><Code>{code}</Code><Message>refused</Message></Error>"
    return Sent(status=status, body=text.encode(), headers={"Content-Type": "application/xml"})
