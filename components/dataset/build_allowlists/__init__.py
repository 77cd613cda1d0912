"""List the repositories that enough people star, work on and report to."""
