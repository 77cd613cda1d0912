"""Tables in Markdown."""

from themis_common.markdown_table import markdown_table


def test_a_table_has_a_line_for_its_head_and_for_each_row() -> None:
    assert markdown_table(("option", "value"), [("seed", 7), ("name", None)]) == (
        "| option | value |\n| --- | --- |\n| seed | 7 |\n| name | None |"
    )


def test_no_value_leaves_its_cell() -> None:
    hostile = "a|b\n| c <script>"
    [*_, row] = markdown_table(("value",), [(hostile,)]).splitlines()
    assert row == "| a\\|b \\| c &lt;script> |"


def test_a_user_may_escape_more() -> None:
    def without_emphasis(text: str) -> str:
        return text.replace("*", "\\*")

    [*_, row] = markdown_table(("value",), [("*loud*",)], without_emphasis).splitlines()
    assert row == "| \\*loud\\* |"
