"""What several stages of Themis share and no single stage owns."""

__version__ = "0.1.0"
