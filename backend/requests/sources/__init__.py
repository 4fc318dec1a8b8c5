"""Sources of a request's picture: the request itself, the web, or S3."""
