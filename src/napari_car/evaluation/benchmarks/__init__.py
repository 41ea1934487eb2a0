"""Benchmarks: their images, classes and ground truth, read from their official folders."""
