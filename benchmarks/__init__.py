"""Speed and memory, each against a slow, obvious twin: ``python -m benchmarks``."""
