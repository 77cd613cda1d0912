"""Proof on one GPU: `python -m tests.gpu` checks the kernels, times training and scoring, and tries every GPU path.

It measures; nothing in it asserts that a target is met. Targets and misses stand in the tables that it writes.
"""
