"""Benchmarks: each measures the project against its peers in one run, prints a table and writes JSON."""
