"""Read both versions of every changed file."""
