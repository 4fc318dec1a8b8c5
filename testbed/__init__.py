"""Stand-ins on loopback and drivers of real processes, for tests and benchmarks."""
