"""Sources of a request's picture: the request itself, the web, or S3."""

from backend.requests.sources.any_source import AnySource

__all__ = ["AnySource"]
