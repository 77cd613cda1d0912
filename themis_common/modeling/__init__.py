"""Reward models: how pairs are packed, attended over, scored and trained on, and how weights are read and written.

Modules import torch, except `model_files`, `token_pair` and `tokenizer`, which stages import while they plan.
"""
