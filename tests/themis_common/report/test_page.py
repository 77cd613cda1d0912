"""The page as text: what it says, what it must never let through, and how large it may get."""

import dataclasses
import html
from html.parser import HTMLParser

import pytest

from tests.themis_common.report.sample import every_text_replaced
from themis_common.report.difference import MAX_LINE_CHARS, MAX_SHOWN_LINES
from themis_common.report.model import (
    Chart,
    Curve,
    ExamplePair,
    FunnelStage,
    Leaderboard,
    LeaderboardRow,
    Report,
    Score,
    SliceCurve,
    TrainingRun,
)
from themis_common.report.page import MAX_EXAMPLES_PER_CRITERION, render_page

HOSTILE = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7919*7907 }}{% raw %}"


class _Elements(HTMLParser):
    """All start tags with their attributes, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text.append(" " if tag in {"br", "td", "th", "li", "p", "h2", "h3", "span"} else "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _parse(page: str) -> _Elements:
    parser = _Elements()
    parser.feed(page)
    return parser


def _text(page: str) -> str:
    return " ".join("".join(_parse(page).text).split())


def _structure(page: str) -> list[str]:
    return [tag for tag, _ in _parse(page).tags]


def test_every_section_says_what_the_report_holds(report: Report) -> None:
    text = _text(render_page(report))
    assert "Engine: rules engine. No language model took part." in text
    assert "1,843 in = 1,200 emitted + 643 dropped \u2192 1,200 rows out" in text
    assert "more than one file 402" in text
    assert "61.3% 55.0% to 67.2%" in text
    assert "+11.6 +3.0 to +20.0, p = 0.009" in text
    assert "No scores. The pod was killed for memory" in text
    assert "Held-out accuracy by language" in text
    assert "3 min 41 s in all" in text
    assert "f" * 64 in text


def test_a_single_evaluation_is_shown_with_its_interval() -> None:
    slices = (SliceCurve(name="Go", points=((16, 0.75),), pairs=8),)
    chart = Chart(title="Accuracy", unit="share", curves=(Curve(name="held out", points=((16, 0.75),)),))
    run = TrainingRun(name="PM", remark="", charts=(chart,), by_language=slices)
    page = render_page(Report(title="t", summary="s", training=(run,)))
    assert "Go 8 pairs 75.0% 40.9% to 92.9%" in _text(page)
    assert page.count("<circle") == 1


def test_pairs_that_are_variants_of_one_problem_are_said_to_be_where_the_intervals_stand(
    report: Report,
) -> None:
    assert report.leaderboard is not None
    board = dataclasses.replace(report.leaderboard, cluster_by="subset", subsets=12)
    page = render_page(dataclasses.replace(report, leaderboard=board))
    assert "The 240 pairs are variants of 12 problems" in page.partition('id="funnel"')[0]
    assert "variants of" not in render_page(report)


def test_what_an_earlier_run_made_is_marked(report: Report) -> None:
    seconds = render_page(report).partition('id="seconds"')[2].partition("</ol>")[0]
    lines = {line for line in seconds.splitlines() if line.startswith("<li>")}
    assert {line for line in lines if ">reused<" in line} == {line for line in lines if "dataset." in line}
    new = tuple(dataclasses.replace(line, reused=False) for line in report.seconds)
    assert "reused" not in render_page(dataclasses.replace(report, seconds=new))


def test_length_and_calibration_are_shown_where_they_are_known(report: Report) -> None:
    text = _text(render_page(report))
    assert "Length and calibration" in text
    assert "trained 61.0% 52.0% 71.2% 51.3% 58.0% 7.0%" in text
    assert "longer-response 61.0% 52.0% 65.0% 45.0% not known 7.0%" in text


def test_an_end_of_the_axis_too_close_to_the_coin_flip_has_no_label() -> None:
    def labels(low: float) -> str:
        score = Score(accuracy=0.9, low=low, high=0.97, pairs=80)
        row = LeaderboardRow(cell="m", architecture="seqcls", prompt_mode="none", overall=score)
        board = Leaderboard(benchmark="b", pairs=80, rows=(row,))
        return _text(render_page(Report(title="t", summary="s", leaderboard=board)))

    assert "Accuracy 50% 100%" in labels(low=0.45)
    assert "Accuracy 10% 50% 100%" in labels(low=0.15)


def test_nothing_is_left_of_sections_without_content() -> None:
    page = render_page(Report(title="Empty", summary="Nothing ran."))
    assert "<section" not in page
    assert "Nothing ran." in page


def test_hostile_text_adds_no_element_and_no_attribute(report: Report) -> None:
    clean = render_page(report)
    dirty = render_page(every_text_replaced(report, HOSTILE))
    dirty_tags = _parse(dirty).tags
    assert _structure(dirty).count("script") == _structure(clean).count("script") == 1
    assert "img" not in _structure(dirty)
    assert not [name for _, attributes in dirty_tags for name in attributes if name.startswith("on")]
    assert "alert(1)" in "".join(_parse(dirty).text)
    assert "{{ 7919*7907 }}" in html.unescape(dirty)
    assert str(7919 * 7907) not in dirty


def test_the_page_asks_for_nothing(report: Report) -> None:
    page = render_page(report)
    for _, attributes in _parse(page).tags:
        for name in ("src", "srcset", "action", "data", "poster", "background"):
            assert name not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page
    assert "@import" not in page
    assert "http:" not in page
    assert "https:" not in page
    policy = next(
        a["content"] for t, a in _parse(page).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "script-src 'sha256-" in policy


def test_direction_and_control_characters_are_shown_not_obeyed() -> None:
    pair = ExamplePair(
        criterion="Security Hardness",
        language="C",
        instruction="check\x1b[31m",
        chosen="if (is_admin\u202e \u2066)",
        rejected="if (1)",
    )
    text = _text(render_page(Report(title="t", summary="s", examples=(pair,))))
    assert "\u202e" not in text
    assert "<U+202E>" in text
    assert "<U+001B>" in text


def test_a_page_of_the_worst_examples_stays_below_a_megabyte(report: Report) -> None:
    worst = '"' * (2 * MAX_LINE_CHARS)
    pairs = tuple(
        ExamplePair(
            criterion=f"criterion {number % 7}",
            language='"' * 20,
            instruction='"' * 5000,
            chosen="\n".join(f"{worst} {line}" for line in range(3 * MAX_SHOWN_LINES)),
            rejected="\n".join(f"{line} {worst}" for line in range(3 * MAX_SHOWN_LINES)),
            origin='"' * 5000,
        )
        for number in range(7 * (MAX_EXAMPLES_PER_CRITERION + 1))
    )
    page = render_page(dataclasses.replace(report, examples=pairs))
    assert page.count('class="example"') == 7 * MAX_EXAMPLES_PER_CRITERION
    assert len(page.encode()) < 1_000_000


def test_a_funnel_that_does_not_add_up_is_no_funnel() -> None:
    with pytest.raises(ValueError, match=r"funnel of s: 3 in is not 1 emitted \+ 1 dropped"):
        FunnelStage(stage="s", rows_in=3, emitted=1, dropped={"why": 1}, rows_out=1)
