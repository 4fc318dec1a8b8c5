"""One thin module a transport: each translates its own shape to `Service.handle` and back."""
