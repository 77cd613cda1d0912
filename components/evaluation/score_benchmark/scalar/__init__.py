"""Scalar reward models: loading a body and a head, reading hidden states in packs or padded batches. Imports torch."""
