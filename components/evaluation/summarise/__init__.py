"""Stage `evaluation.summarise`."""
