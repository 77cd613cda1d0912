"""Sample data that `themis demo` runs the whole pipeline on: nothing downloaded, everything written here."""

from pipelines.sample_data.build import SampleData, write_sample_data

__all__ = ["SampleData", "write_sample_data"]
