"""Tests of themis_common.published_runs."""
