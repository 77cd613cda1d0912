"""Pairwise judging of rated changes."""
