"""Engines that answer LLM tasks, and the parsing of their answers."""
