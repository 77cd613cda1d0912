"""Rating of changes by an engine, criterion by criterion."""
