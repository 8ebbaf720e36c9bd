"""The page in a real browser: with the keyboard alone, on a phone, in the dark, on paper, without scripts."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandkube.reports import Report, html
from unit.reports.samples import ERROR, HOSTILE, MIXED, NOWHERE, WARNING, filled, many, report

CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or CHROMEDRIVER is None,
    reason="needs chromium and chromedriver: Debian's packages chromium and chromium-driver",
)

# What WebDriver calls keys that are no characters.
TAB, ENTER, ESCAPE, UP, DOWN = "\ue004", "\ue007", "\ue00c", "\ue013", "\ue015"
SECONDS = 10

FOCUSED = "return document.activeElement.id"
SHOWN = "return Array.from(document.querySelectorAll('.finding')).filter(f => f.offsetParent).map(f => f.id)"
WIDER_THAN_SCREEN = """
const wide = document.documentElement.clientWidth + 0.5;
return [document.documentElement.scrollWidth <= wide].concat(
  Array.from(document.querySelectorAll("body *:not(.skip):not(.unseen)"))
    .filter((e) => e.getClientRects().length && e.getBoundingClientRect().right > wide)
    .map((e) => e.tagName + "." + e.className));
"""


class Page:
    """A browser with a report in it."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self._folder = folder

    def open(self, found: Report, fragment: str = "") -> None:
        """Show ``found``; ``fragment`` begins with `#`."""
        file = self._folder / "report.html"
        file.write_text(html.render(found), encoding="utf-8")
        self.driver.get("about:blank")  # another fragment alone would load nothing
        self.driver.get(f"{file.as_uri()}{fragment}")

    def run(self, script: str, *arguments: object) -> Any:
        """Give what ``script`` returns."""
        return self.driver.execute_script(script, *arguments)

    def devtools(self, command: str, **parameters: object) -> Any:
        """Send a command of Chrome's own protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def resize(self, width: int) -> None:
        """Be a screen of that width; a phone's, if it is narrow."""
        size = {"width": width, "height": 740, "deviceScaleFactor": 2, "mobile": width < 700}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        actions = pytest.importorskip("selenium.webdriver").ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until ``holds`` gives something true."""
        wait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait
        wait(self.driver, SECONDS).until(lambda _: holds())

    @property
    def focused(self) -> str:
        """The id of what has the focus."""
        return str(self.run(FOCUSED))

    @property
    def shown(self) -> list[str]:
        """The ids of the findings that are shown."""
        found: list[str] = self.run(SHOWN)
        return found

    @property
    def count(self) -> str:
        """What is said of how many are shown."""
        return str(self.run("return document.getElementById('count').textContent"))

    @property
    def fragment(self) -> str:
        """The address behind the `#`."""
        return str(self.run("return location.hash"))

    def choose(self, name: str, value: str) -> None:
        """Choose ``value`` in the list ``name``, as a person's choice."""
        self.run(
            "const list = document.getElementById(arguments[0]);"
            "list.value = arguments[1];"
            "list.dispatchEvent(new Event('change', {bubbles: true}));",
            name,
            value,
        )


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser that shows no window, and keeps what it asked for and what it complained of."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: `uv sync` installs it")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",  # the tests' user may be root
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        "--window-size=1200,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = pytest.importorskip("selenium.webdriver.chrome.service").Service(CHROMEDRIVER)
    browser = webdriver.Chrome(options=options, service=service)
    yield browser
    browser.quit()


@pytest.fixture
def page(driver: Any, tmp_path: Path) -> Iterator[Page]:
    """The browser as new; at the end it must have complained of nothing, and asked for the page alone."""
    for log in ("browser", "performance"):
        driver.get_log(log)
    yield Page(driver, tmp_path)
    light = {"name": "prefers-color-scheme", "value": ""}
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [light]})
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert driver.get_log("browser") == []
    assert {address for address in requests(driver) if not address.startswith(tmp_path.as_uri())} == set()


def requests(driver: Any) -> set[str]:
    """Give the addresses that the browser asked for, without what lies in the page or in the browser."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
    return {address for address in asked if not address.startswith(("data:", "about:", "chrome:"))}


def test_all_findings_are_shown_at_first(page: Page) -> None:
    page.open(MIXED)
    assert page.shown == ["f1", "f2", "f3", "f4"]
    assert page.count == "4 findings"
    assert page.fragment == ""


def test_the_first_tab_leads_past_the_filters(page: Page) -> None:
    page.open(MIXED)
    page.press(TAB)
    assert page.focused == "skip"
    assert page.run("return document.getElementById('skip').getBoundingClientRect().top") >= 0
    page.press(ENTER)
    assert page.focused == "findings"


def test_keys_lead_from_finding_to_finding(page: Page) -> None:
    page.open(MIXED)
    visited = []
    for key in ("j", "j", DOWN, "j", "j", "k", UP):
        page.press(key)
        visited.append(page.focused)
    assert visited == ["f1", "f2", "f3", "f4", "f4", "f3", "f2"]


def test_a_focus_can_be_seen(page: Page) -> None:
    page.open(MIXED)
    page.press("j")
    style = "const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]"
    assert page.run(style) == ["solid", "3px"]


@pytest.mark.parametrize("key", [ENTER, "o"])
def test_a_key_opens_and_closes_the_details_of_a_finding(key: str, page: Page) -> None:
    page.open(report([ERROR]))
    state = "return document.querySelector('#f1 details').open"
    page.press("j", key)
    assert page.run(state) is True
    page.press(key)
    assert page.run(state) is False


def test_details_are_reached_by_tab(page: Page) -> None:
    page.open(report([ERROR]))
    page.press("j", TAB)
    assert page.run("return document.activeElement.tagName") == "SUMMARY"
    page.press(ENTER)
    assert page.run("return document.querySelector('#f1 details').open") is True


def test_text_is_searched_from_the_keyboard(page: Page) -> None:
    page.open(MIXED)
    page.press("/", *"pdb DEPREC")
    assert page.focused == "text"
    page.until(lambda: page.shown == ["f2"])
    assert page.count == "1 of 4 findings"
    assert page.fragment == "#text=pdb+DEPREC"
    page.press(ESCAPE)  # the browser's own: it empties the field
    page.until(lambda: page.count == "4 findings")
    page.press(ESCAPE)
    assert page.focused == "findings"


def test_keys_are_letters_where_one_types(page: Page) -> None:
    page.open(MIXED)
    page.press("/", *"jko/")
    assert page.run("return document.getElementById('text').value") == "jko/"
    page.until(lambda: page.shown == [])
    assert page.run("return document.getElementById('none').offsetParent !== null")
    assert page.count == "0 of 4 findings"


def test_single_keys_can_be_switched_off(page: Page) -> None:
    page.open(MIXED, "#keys=off")
    page.press("j", "/", "o")
    assert page.focused == ""
    page.run("document.getElementById('keys').click()")
    page.run("document.activeElement.blur()")
    page.press("j")
    assert page.focused == "f1"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("code", "deprecated-api", ["f2"]),
        ("file", "No file", ["f4"]),
        ("file", "chart/templates/deploy.yaml", ["f3"]),
        ("kind", "Deployment", ["f1", "f3"]),
    ],
)
def test_a_choice_filters_and_is_in_the_address(name: str, value: str, shown: list[str], page: Page) -> None:
    page.open(MIXED)
    page.choose(name, value)
    assert page.shown == shown
    fragment = page.fragment
    page.open(MIXED, fragment)
    assert page.shown == shown
    assert page.run("return document.getElementById(arguments[0]).value", name) == value


def test_severities_filter(page: Page) -> None:
    page.open(MIXED)
    page.run("document.querySelector('[value=error]').click()")
    assert page.shown == ["f2"]
    assert page.fragment == "#severity=warning"
    page.run("document.querySelector('[value=warning]').click()")
    assert page.shown == []
    assert page.fragment == "#severity=none"
    page.run("document.getElementById('clear').click()")
    assert page.shown == ["f1", "f2", "f3", "f4"]
    assert page.fragment == ""


def test_files_without_a_finding_to_show_are_not_shown(page: Page) -> None:
    page.open(MIXED, "#severity=error&kind=Deployment")
    headings = "return Array.from(document.querySelectorAll('h2')).filter(h => h.offsetParent).map(h => h.id)"
    assert page.run(headings) == ["file-1", "file-3", "accepted"]


def test_keys_pass_over_what_is_not_shown(page: Page) -> None:
    page.open(MIXED, "#severity=error")
    visited = []
    for _ in range(3):
        page.press("j")
        visited.append(page.focused)
    assert visited == ["f1", "f3", "f4"]


def test_an_address_with_what_is_not_there_filters_by_the_rest(page: Page) -> None:
    page.open(MIXED, "#code=no-such&kind=PodDisruptionBudget&other=1&severity=error,warning")
    assert page.shown == ["f2"]


def test_the_address_can_be_changed_by_hand(page: Page) -> None:
    page.open(MIXED)
    page.run("location.hash = '#severity=warning'")
    page.until(lambda: page.shown == ["f2"])
    page.run("location.hash = '#f1'")  # an anchor is no filter
    page.run("location.hash = ''")
    page.until(lambda: len(page.shown) == 4)


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("kind", ["plain", *HOSTILE, "long"])
def test_the_page_is_never_wider_than_the_screen(kind: str, width: int, page: Page) -> None:
    texts = {"plain": "x: y", "long": "long" * 200, **HOSTILE}
    page.resize(width)
    page.open(filled(texts[kind]))
    page.run("for (const details of document.querySelectorAll('details')) details.open = true")
    assert page.run("return window.innerWidth") == width
    assert page.run(WIDER_THAN_SCREEN) == [True]


def test_what_is_touched_on_a_phone_is_large_enough(page: Page) -> None:
    page.resize(360)
    page.open(MIXED)
    sizes = page.run(
        "return Array.from(document.querySelectorAll("
        "'input[type=search], select, button, form label:has(input)'))"
        ".map(e => e.getBoundingClientRect().height)"
    )
    assert len(sizes) >= 8
    assert min(sizes) >= 44


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_run_nothing(kind: str, page: Page) -> None:
    page.open(filled(HOSTILE[kind]))
    assert page.run("return window.taken ?? null") is None
    assert page.run("return document.scripts.length") == 1
    assert page.shown == ["f1", "f2"]


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_values_can_be_chosen_and_passed_on(kind: str, page: Page) -> None:
    page.open(filled(HOSTILE[kind]))
    value = page.run("return document.querySelector('#f1').dataset.file")
    page.choose("file", value)
    assert page.shown == ["f1"]
    page.open(filled(HOSTILE[kind]), page.fragment)
    assert page.shown == ["f1"]


def test_the_page_is_dark_where_that_is_preferred(page: Page) -> None:
    page.open(MIXED)
    light = "return getComputedStyle(document.documentElement).backgroundColor"
    assert page.run(light) == "rgb(255, 255, 255)"
    page.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.run(light) == "rgb(20, 23, 26)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_told_from_its_background(scheme: str, page: Page) -> None:
    """By the measure of WCAG 2 (1.4.3, level AA): 4.5 to 1."""
    page.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.open(MIXED)
    page.run("for (const details of document.querySelectorAll('details')) details.open = true")
    pairs = page.run("""
      const solid = (e) => {
        for (; e; e = e.parentElement) {
          const color = getComputedStyle(e).backgroundColor;
          if (!color.endsWith(", 0)")) return color;
        }
        return getComputedStyle(document.documentElement).backgroundColor;
      };
      return Array.from(document.querySelectorAll("body *"))
        .filter((e) => e.tagName !== "OPTION" && e.tagName !== "SCRIPT")
        .filter((e) => Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.data.trim()))
        .map((e) => [e.tagName + "." + e.className, getComputedStyle(e).color, solid(e)]);
    """)
    assert len(pairs) > 50
    assert {name: (text, back) for name, text, back in pairs if contrast(text, back) < 4.5} == {}


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours as a browser writes them: 1 for the same, 21 for black and white."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    values = [float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_on_paper_everything_is_unfolded_and_nothing_is_to_be_clicked(page: Page) -> None:
    page.open(MIXED)
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("return document.querySelectorAll('details:not([open])').length") == 0
    page.devtools("Emulation.setEmulatedMedia", media="print")
    assert page.run("return document.getElementById('filters').offsetParent") is None
    assert page.shown == ["f1", "f2", "f3", "f4"]
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run("return document.querySelectorAll('details[open]').length") == 0
    printed = base64.b64decode(page.devtools("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF-")


def test_a_screen_reader_is_given_landmarks_names_and_the_count(page: Page) -> None:
    page.open(MIXED)
    nodes = page.devtools("Accessibility.getFullAXTree")["nodes"]
    seen = [node for node in nodes if not node["ignored"] and "role" in node]
    found = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in seen}
    assert {
        ("main", "Findings"),
        ("search", "Filter the findings"),
        ("heading", "sandkube validate"),
        ("article", 'error unknown field "imagePullPolicyy" unknown-field'),
        ("searchbox", "Text"),
        ("group", "Severity"),
        ("combobox", "Code"),
        ("checkbox", "errors (3)"),
        ("button", "Clear filters"),
    } <= found
    assert {"banner", "contentinfo", "status"} <= {role for role, _ in found}


def test_without_scripts_everything_is_there_but_the_filters(page: Page) -> None:
    page.devtools("Emulation.setScriptExecutionDisabled", value=True)
    page.open(report([ERROR, WARNING, NOWHERE]))

    def boxes(selector: str) -> int:
        root = page.devtools("DOM.getDocument")["root"]["nodeId"]
        found = page.devtools("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]
        return sum(has_box(page, node) for node in found)

    assert boxes(".finding") == 3
    assert boxes("#filters") == 0
    assert boxes("#skip") == 1


def has_box(page: Page, node: int) -> bool:
    failed = pytest.importorskip("selenium.common.exceptions").WebDriverException
    try:
        page.devtools("DOM.getBoxModel", nodeId=node)
    except failed:
        return False
    return True


def test_five_thousand_findings_are_filtered(page: Page) -> None:
    page.open(many(5000))
    assert page.count == "5,000 findings"
    page.press("/", *":5000:")
    page.until(lambda: page.count == "1 of 5,000 findings")
    page.run("document.getElementById('clear').click()")
    page.run("document.querySelector('[value=error]').click()")
    assert page.count == "1,000 of 5,000 findings"
