"""Measures polystore beside the bare drivers and its peers, on real stores: ``python -m benchmarks``."""
