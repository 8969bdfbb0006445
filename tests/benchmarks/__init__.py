"""Benchmarks (`make bench`, `make bench-scale`), which compare rates within one run.

The suite only tests the benchmarks themselves, and asserts no time.
"""
