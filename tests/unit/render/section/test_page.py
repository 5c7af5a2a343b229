"""The page of a report: whole in one file, and nothing in it that does harm."""

import base64
import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import pytest
from fabricated_reports import BAD, GOOD, hostile_study, write

from dasbench.errors import UsageError
from dasbench.render.pages import page as html_page
from dasbench.render.section.report import report


class References(HTMLParser):
    """Collects what a page would load, and what it shows."""

    def __init__(self):
        super().__init__()
        self.found, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [
            value
            for name, value in attrs
            if name in ("src", "href", "srcset", "data", "poster", "action")
        ]
        self.found += [value for name, value in attrs if name == "style" and "url(" in value]

    def handle_data(self, data):
        self.text.append(data)


def parsed(text):
    page = References()
    page.feed(text)
    return page


def test_the_page_holds_everything_that_it_shows(db, page):
    write(db, "gates", {"se": GOOD, "none": BAD})

    text = page("gates")

    html = parsed(text)
    assert {reference.partition(":")[0] for reference in html.found if reference[0] != "#"} == {
        "data"
    }
    assert not {"link", "iframe", "object", "base"} & set(html.tags)
    assert text.count("plotly.js v") == 1
    assert "connect-src" not in text
    assert "default-src 'none'" in text
    shown = "".join(html.text)
    assert "gate=se beats gate=none" in shown
    assert "git commit 0a1b2c3" in shown
    png = next(
        reference for reference in html.found if reference.startswith("data:image/png;base64,")
    )
    assert base64.b64decode(png.partition(",")[2]).startswith(b"\x89PNG")


def test_the_page_shows_pictures_where_plotly_is_not_installed(db, monkeypatch, page):
    def missing(path):
        raise UsageError("not installed")

    write(db, "gates", {"se": GOOD, "none": BAD})
    monkeypatch.setattr("dasbench.render.section.page.plotly_library", missing)

    text = page("gates")

    assert "<script" not in text
    assert "noscript" not in text
    assert html_page.plotly_library is not missing
    assert parsed(text).tags.count("img") == 1


@pytest.mark.slow
def test_a_browser_without_a_network_draws_the_page(db, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium is installed")
    hostile_study(db)
    report(db, "names", tmp_path / "out")

    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom",
         (tmp_path / "out" / "index.html").as_uri()],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip

    assert 'class="main-svg"' in done.stdout
    assert done.stdout.count("<script") == 2  # the library and its call: no name became a script
    assert "Refused to" not in done.stderr


def test_hostile_names_are_text_on_the_page(db, tmp_path, page):
    hostile_study(db)

    text = page("names")

    html = parsed(text)
    assert html.tags.count("script") == 2
    assert "<b>" not in text.partition("<script>")[0]
    assert "\x1b" not in text
    assert {reference.partition(":")[0] for reference in html.found} == {"data"}
    assert "\n=cmd" not in (tmp_path / "names" / "tables" / "scores.csv").read_text()
    assert (tmp_path / "names" / "section.tex").read_text().isascii()
    assert text.count("<table>") == text.count('<div class="wide"') == 1


MEASURE = """<script>addEventListener("load", () => setTimeout(() => {
const outside = [...document.querySelectorAll("body *")].filter(
  one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".wide, svg"));
document.title = JSON.stringify([innerWidth, document.documentElement.scrollWidth, outside.map(one => one.tagName)]);
}, 1500))</script>"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "width", [500, 800, 1200, 1600]
)  # a window of chromium is never narrower than 500 pixels
def test_a_browser_cuts_the_page_off_nowhere(db, tmp_path, width):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium is installed")
    hostile_study(db)
    report(db, "names", tmp_path / "out")
    page = tmp_path / "out" / "index.html"
    page.write_text(page.read_text().replace("</body>", f"{MEASURE}</body>"))

    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         f"--window-size={width},900", "--virtual-time-budget=5000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip

    inner, scrolled, outside = json.loads(
        unescape(re.search("<title>(.*?)</title>", done.stdout)[1])
    )
    assert scrolled <= inner
    assert outside == []
