"""Tests of the generative reward models."""
