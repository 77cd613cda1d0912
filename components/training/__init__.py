"""The stages from preference pairs to a reward model that other software loads."""
