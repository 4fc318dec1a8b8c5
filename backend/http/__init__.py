"""The engine over HTTP: a Starlette application behind uvicorn."""
