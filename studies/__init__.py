"""Benchmarks of the course; a student never needs them."""
