"""One folder per stage, grouped by phase: dataset, training, evaluation."""
