"""The paths of the page's own addresses for results."""

RESULT_PATH = "result"
ARCHIVE_PATH = "archive"
DETAIL_PATH = "detail"
