"""What a pipeline takes at a scale that nobody tries out first: pods, hours, memory, storage, network and dollars.

Computed from figures that each say where they are from (`figures.yaml`).
"""
