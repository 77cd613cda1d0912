"""Trains a reward model on tokenised preference pairs."""
