"""Stage `evaluation.plan_cells`."""
