"""The graphs over the stages, the ways to run them, and the command line."""
