"""Tests of datasets: reading, comparing, exporting."""
