"""Measurements of imagewright, beside peers where there is one: ``python -m benchmarks``."""
