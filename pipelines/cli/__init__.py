"""The `themis` command."""
