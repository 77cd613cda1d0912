"""What a training run needs before it is started: steps, tokens, memory, FLOPs, hours, cost, and what fits.

Everything is computed from shapes and lengths; nothing here imports torch.
"""
