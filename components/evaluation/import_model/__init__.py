"""Stage `evaluation.import_model`."""
