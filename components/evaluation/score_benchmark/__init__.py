"""Stage `evaluation.score_benchmark`."""
