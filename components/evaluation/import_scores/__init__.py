"""Stage `evaluation.import_scores`."""
