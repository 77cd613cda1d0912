"""Say which criteria a change's message speaks of."""
