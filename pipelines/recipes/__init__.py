"""The recipes that come with Themis: one YAML file each, and how they are read."""
