"""Preference pairs from files of other data sets."""
