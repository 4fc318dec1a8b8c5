"""Real pictures and addresses for schemathesis, which loads this file itself."""

import base64
from typing import Any

import schemathesis
from hypothesis import strategies as st

from backend import Settings
from backend.factory import registry_from
from backend.requests.raw_body import ANY_PICTURE, UNNAMED
from tests.hostile.corpus import GOOD

PICTURES = [data for data in (case.make() for case in GOOD) if len(data) < 8_000]
MODELS = [*registry_from(Settings()).models]
ADDRESSES = ("http://a.example/a.png", "https://a.example/b.jpg?c=d", "s3://bucket/key.bmp")

schemathesis.openapi.format(
    "base64-picture",
    st.sampled_from(PICTURES).map(lambda data: base64.b64encode(data).decode()),
)
for each in (ANY_PICTURE, UNNAMED):
    schemathesis.openapi.media_type(each, st.sampled_from(PICTURES))
schemathesis.openapi.format("picture-address", st.sampled_from(ADDRESSES))
schemathesis.openapi.format("model-name", st.sampled_from(MODELS))


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, schema: dict[str, Any]) -> None:
    """Ask for no links: the tested server has no bucket for results."""
    request = schema["components"]["schemas"]["UpscaleRequest"]
    request["properties"]["output"]["enum"].remove("url")
