"""Stage `evaluation.import_benchmark`."""
