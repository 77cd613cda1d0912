"""Generative reward models: they write a judgement, from which a score is read or a typed failure."""
