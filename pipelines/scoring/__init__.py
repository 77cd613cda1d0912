"""Scoring files of prompts and responses with a trained reward model: what `themis score` does."""
