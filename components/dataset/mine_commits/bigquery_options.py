"""The options of the source `bigquery`: what it reads, what it may cost, and where results go."""

import re

from themis_common.config import config, option

_DATASET = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]\.[A-Za-z0-9_]{1,1024}")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_LOCATION = re.compile(r"[A-Za-z0-9-]{2,40}")


@config
class BigQueryOptions:
    """How the query is run and paid; `destination` and `maximum_bytes_billed` have no defaults worth having."""

    dataset: str = option(
        "bigquery-public-data.github_repos",
        help="PROJECT.DATASET with the tables commits, languages and licenses",
    )
    destination: str = option("", help="PROJECT.DATASET, in the same location, for the table of the result")
    project: str = option("", help="project that pays for the query; empty: that of the destination")
    location: str = option("US", help="where the datasets are")
    maximum_bytes_billed: int = option(
        0, help="most bytes that the query may bill; must be set, and a query that takes more is not started"
    )
    dollars_per_tib: float = option(
        6.25, help="price of scanning 2^40 bytes, for the line that tells the cost"
    )
    expire_hours: int = option(168, help="hours after which BigQuery deletes the table of the result")

    @property
    def payer(self) -> str:
        """The project that the query runs in."""
        return self.project or self.destination.partition(".")[0]

    def check(self) -> None:
        """Refuse what BigQuery would refuse only later, and what may not stand in a query.

        Raises:
            ValueError: names the option.
        """
        if self.maximum_bytes_billed <= 0:
            raise ValueError(
                "bigquery.maximum_bytes_billed is not set; scanning tables costs money: say how many bytes the query "
                "may bill at most"
            )
        for name, value, form, pattern in (
            ("dataset", self.dataset, "PROJECT.DATASET", _DATASET),
            ("destination", self.destination, "PROJECT.DATASET", _DATASET),
            ("project", self.payer, "a project id", _PROJECT),
            ("location", self.location, "a location such as US or europe-west4", _LOCATION),
        ):
            if not pattern.fullmatch(value):
                raise ValueError(f"bigquery.{name} must be {form}, found {value!r}")
        if self.dollars_per_tib < 0:
            raise ValueError(f"bigquery.dollars_per_tib must not be negative, found {self.dollars_per_tib}")
        if self.expire_hours < 1:
            raise ValueError(f"bigquery.expire_hours must be at least 1, found {self.expire_hours}")
