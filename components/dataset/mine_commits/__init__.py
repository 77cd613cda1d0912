"""Mine single-file changes from git repositories."""
