"""Reports: one typed tree (`model`) and its views: HTML page, Markdown table, summary for machines."""

from themis_common.report.markdown import render_markdown
from themis_common.report.model import Report
from themis_common.report.page import render_page
from themis_common.report.summary import headline_metrics, summary

__all__ = ["Report", "headline_metrics", "render_markdown", "render_page", "summary"]
