"""Makes the base model of a training run a dataset."""
