"""The page in a real browser: no sideways scroll, no request, accessible, and usable inside a sandboxed frame."""

import html
import os
from pathlib import Path

import pytest

from tests.fixtures.browser import missing
from tests.themis_common.report.conftest import Tab
from tests.themis_common.report.sample import every_text_replaced
from themis_common.report.model import Report
from themis_common.report.page import render_page

pytestmark = pytest.mark.browser

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
_OPEN_EVERYTHING = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
_VIOLATIONS = """axe.run(document).then((found) =>
  found.violations.map((rule) => rule.id + ': ' + rule.nodes.map((node) => node.html).join(' ')))"""


@pytest.fixture
def page(report: Report, tmp_path: Path) -> str:
    file = tmp_path / "index.html"
    file.write_text(render_page(report), encoding="utf-8")
    return file.as_uri()


def _axe() -> str:
    """The source of axe-core, which npm installs and Python does not."""
    root = Path(__file__).parents[3]
    places = [os.environ.get("AXE_CORE", ""), str(root / "node_modules" / "axe-core" / "axe.min.js")]
    for place in places:
        if place and Path(place).is_file():
            return Path(place).read_text(encoding="utf-8")
    return missing(
        "axe-core is not installed (`npm install --no-save axe-core`, or set AXE_CORE to its axe.min.js)"
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_sideways_scroll_and_no_request(tab: Tab, page: str, width: int, scheme: str) -> None:
    tab.emulate(width=width, scheme=scheme)
    tab.open(page)
    for _ in ("closed", "open"):
        assert tab.evaluate("document.documentElement.scrollWidth") <= tab.evaluate("innerWidth") == width
        tab.evaluate(_OPEN_EVERYTHING)
    assert tab.requests == [page]


@pytest.mark.parametrize("width", WIDTHS)
def test_long_words_do_not_push_the_page_aside(tab: Tab, report: Report, tmp_path: Path, width: int) -> None:
    page = tmp_path / "long.html"
    page.write_text(render_page(every_text_replaced(report, "w" * 150)), encoding="utf-8")
    tab.emulate(width=width, scheme="light")
    tab.open(page.as_uri())
    tab.evaluate(_OPEN_EVERYTHING)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_schemes_differ(tab: Tab, page: str) -> None:
    backgrounds = []
    for scheme in SCHEMES:
        tab.emulate(width=1280, scheme=scheme)
        tab.open(page)
        backgrounds.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(set(backgrounds)) == len(SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(tab: Tab, page: str, width: int, scheme: str) -> None:
    source = _axe()
    tab.emulate(width=width, scheme=scheme)
    tab.open(page)
    tab.evaluate(_OPEN_EVERYTHING)
    tab.evaluate(f"{source}; null")
    assert tab.evaluate(_VIOLATIONS) == []


def test_the_keyboard_reaches_and_opens_everything(tab: Tab, page: str) -> None:
    tab.emulate(width=1280, scheme="light")
    tab.open(page)
    wanted = tab.evaluate("document.querySelectorAll('a[href], summary').length")
    reached = []
    for _ in range(wanted):
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(tab.evaluate("document.activeElement.textContent"))
    assert len(set(reached)) == wanted
    was_open = tab.evaluate("document.activeElement.parentElement.open")
    tab.call(
        "Input.dispatchKeyEvent",
        type="keyDown",
        key="Enter",
        code="Enter",
        windowsVirtualKeyCode=13,
        text="\r",
    )
    assert tab.evaluate("document.activeElement.parentElement.open") is not was_open


def test_the_contents_list_works_inside_a_sandboxed_frame(tab: Tab, report: Report, tmp_path: Path) -> None:
    """The Kubeflow UI shows pages as srcdoc of a frame that may run scripts but has no origin."""
    frame = tmp_path / "frame.html"
    source = html.escape(render_page(report), quote=True)
    frame.write_text(
        '<!doctype html><body style="margin:0"><iframe sandbox="allow-scripts" srcdoc="'
        f'{source}" style="width:1280px;height:900px;border:0"></iframe>',
        encoding="utf-8",
    )
    tab.emulate(width=1280, scheme="light")
    tab.open(frame.as_uri())
    before = tab.call("Page.captureScreenshot", format="png")["data"]
    for _ in range(3):
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    focused = tab.call("Page.captureScreenshot", format="png")["data"]
    tab.call(
        "Input.dispatchKeyEvent",
        type="keyDown",
        key="Enter",
        code="Enter",
        windowsVirtualKeyCode=13,
        text="\r",
    )
    after = tab.call("Page.captureScreenshot", format="png")["data"]
    assert len({before, focused, after}) == 3
    assert [url for url in tab.requests if url != frame.as_uri()] == []
