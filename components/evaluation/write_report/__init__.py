"""The last task of a pipeline: its report. No stage of its own; the work is in `themis_common.report.run`."""
