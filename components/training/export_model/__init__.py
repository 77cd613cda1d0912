"""Turns a trained model into one that other software loads."""
