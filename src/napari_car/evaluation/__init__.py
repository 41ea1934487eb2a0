"""The experiments of the paper: benchmarks, their metrics, and what a run of them says. No napari, no Qt."""
