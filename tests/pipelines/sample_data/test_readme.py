from pathlib import Path

import pipelines.sample_data
from pipelines.sample_data.change import MinedChange
from pipelines.sample_data.templates.catalogue import CATALOGUE


def test_the_table_of_templates_is_up_to_date() -> None:
    readme = (Path(pipelines.sample_data.__file__).parent / "README.md").read_text()
    wanted = [
        f"| `{one.id}` | {'mined' if isinstance(one, MinedChange) else 'benchmark'} | {one.about} |"
        for one in CATALOGUE
    ]
    table = readme.partition("| what is wrong before |\n|---|---|---|\n")[2]
    assert table.splitlines() == wanted
