"""The page of `report --format html` in a real browser: it asks no network, sorts, filters, runs nothing foreign."""

import dataclasses
import json
import re
import sys

import invented
import pytest

from promptzoo.costs.rows import Refused, Row, front
from promptzoo.errors import ZooError
from promptzoo.figures.marks import REST, marks
from promptzoo.figures.scatter import cut
from promptzoo.pages.html import digest, write_page

EVIL = "</script><script>hit()</script><img src=x onerror=hit()><b>&amp;__proto__</b>"


@pytest.fixture
def show(visit, tmp_path):
    """Writes a page and opens it."""

    def opened(rows, *more, scheme="light"):
        write_page(tmp_path / "costs.html", rows, *more)
        page = visit(tmp_path / "costs.html", scheme=scheme)
        page.wait_for_selector("#scatter .main-svg")
        return page

    return opened


def names(page):
    return page.locator("#table tbody td:first-child button").all_inner_texts()


def stacks(page):
    """The names beside the bars, from above."""
    return [text.strip() for text in page.evaluate("""() => {
        const texts = [...document.querySelectorAll('#lines .scatterlayer .trace:nth-child(3) text')];
        const top = text => text.getBoundingClientRect().top;
        return texts.sort((one, other) => top(one) - top(other)).map(text => text.textContent);
    }""")]  # fmt: skip


def points(page):
    """The rows that the scatter shows, by their number."""
    return sorted(page.evaluate("document.querySelector('#scatter').data[0].customdata"))


def drawn_front(page):
    return page.evaluate("document.querySelector('#scatter').data[1].y")


def filtered(page, words, left):
    """Types into the filter and waits until it has done so."""
    page.fill("#filter", words)
    page.locator("#count", has_text=re.compile(f"^{left} ")).wait_for()


def point(page, thing):
    """Moves the mouse to the middle of a thing, and waits for what is said of it."""
    thing.scroll_into_view_if_needed()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")  # scrolling ends
    box = thing.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#tip")


@pytest.mark.parametrize(("count", "scheme"), [(0, "light"), (12, "dark")])
def test_it_opens_alone_in_light_and_dark(count, scheme, show):
    rows = invented.rows(count)
    page = show(rows, [Refused("a on b", "no place")], [("runs/old", "is unfinished")], scheme=scheme)
    assert names(page) == stacks(page) == [row.report.name for row in rows]
    assert page.locator("html").get_attribute("data-theme") == scheme
    assert "no place" in page.inner_text("#refused")
    assert "runs/old" in page.inner_text("#skipped")
    page.click("#theme")
    assert page.locator("html").get_attribute("data-theme") != scheme


def test_a_click_on_a_heading_sorts_table_and_bars(show):
    rows = invented.rows(12)
    page = show(rows)
    head = page.locator("#table th[data-key=tuned]")
    for order in ("ascending", "descending"):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        tuned = [int(text.replace(",", "")) for text in page.locator("#table td:nth-child(4)").all_inner_texts()]
        assert tuned == sorted(tuned, reverse=order == "descending")
        assert stacks(page) == names(page)
    page.locator("#table th[data-key=mean] button").click()
    told = page.locator("td:last-child").all_inner_texts()
    means = [-1 if text[0] == "–" else float(text.split()[0]) for text in told]
    assert means == sorted(means, reverse=True), "the best first, what is not known last"
    page.locator("#table th[data-key=name] button").click()
    numbers = [int(name.removeprefix("lore_")) for name in names(page) if name.removeprefix("lore_").isdigit()]
    assert numbers == sorted(numbers), "numbers in names count as numbers"
    assert len(numbers) > 1


def test_words_and_the_backbone_filter_the_table_and_both_pictures(show):
    rows = invented.rows(40)
    page = show(rows)
    kept = [i for i, row in enumerate(rows) if "lore" in row.methods and "vit_base" in row.report.backbone]
    filtered(page, "LORE  vit_base", len(kept))
    assert names(page) == stacks(page) == [rows[i].report.name for i in kept]
    assert points(page) == [i for i in kept if rows[i].accuracy]
    page.fill("#filter", "")
    page.select_option("#backbone", label="timm/swin_tiny")
    page.locator("#count", has_text=re.compile("^13 ")).wait_for()
    assert {rows[i].report.backbone for i in points(page)} == {"timm/swin_tiny"}
    filtered(page, "nothing like it", 0)
    assert names(page) == stacks(page) == points(page) == []
    assert page.locator("#none").is_visible()


def test_accuracies_on_one_set_of_pictures_are_drawn_together_and_no_others(show):
    page = show([
        invented.row("one", mean=0.99, on="easy <b>", lora=10), invented.row("two", mean=0.5, on="hard", lora=20),
        invented.row("three", mean=0.6, on="hard", lora=30), invented.row("four", lora=40),
    ])  # fmt: skip
    title = "document.querySelector('#scatter').layout.yaxis.title.text"
    assert (points(page), page.evaluate(title)) == ([1, 2], "test accuracy on hard, %")
    assert "2 without a run on hard" in page.inner_text("#points-note")
    page.select_option("#pictures", label="easy <b>")
    page.wait_for_function("document.querySelector('#scatter').data[0].customdata.length == 1")
    assert (points(page), page.evaluate(title)) == ([0], "test accuracy on easy &lt;b&gt;, %")
    assert page.locator("td:nth-child(4)").all_inner_texts() == ["easy <b>", "hard", "hard", "–"]


def test_the_switch_changes_the_axis_and_the_front_is_that_of_python(show):
    rows = [row for row in invented.rows(40) if row.accuracy]
    reports = [row.report for row in rows]
    page = show(rows)
    for cost, title, costs in (
        ("macs", "GMACs per picture", [report.inference.macs for report in reports]),
        ("tuned", "tuned parameters", [report.parameters.tuned for report in reports]),
    ):
        page.locator(f"#cost label:has(input[value={cost}])").click()
        assert page.locator("#scatter .xtitle").text_content() == title
        best = front(list(zip(costs, (row.accuracy.mean for row in rows), strict=True)))
        assert drawn_front(page) == pytest.approx([100 * rows[i].accuracy.mean for i in best])
    kept = [row for row in rows if "lore" in row.methods]
    filtered(page, "lore", len(kept))
    best = front([(row.report.parameters.tuned, row.accuracy.mean) for row in kept])
    assert drawn_front(page) == pytest.approx([100 * kept[i].accuracy.mean for i in best]), "of what is left"
    told = page.locator("#scatter .legend .legendtext").all_text_contents()
    own = {row.methods for row in kept if marks(rows).methods[row.methods] != REST}
    assert own == set(told) - {one.report.backbone for one in kept} - {"method", "backbone", "3 other methods"}


def test_pointing_shows_numbers_and_the_recipe(show):
    rows = invented.rows(5)
    page = show(rows)
    place = page.evaluate("document.querySelector('#scatter').data[0].customdata.at(-1)")
    point(page, page.locator("#scatter .trace").first.locator(".point").last)
    said = page.inner_text("#tip")
    row = rows[place]
    for text in (row.report.name, row.report.backbone, row.methods, f"{row.report.parameters.tuned:,}"):
        assert text in said
    assert row.report.recipe.strip() in said
    page.mouse.move(2, 2)
    page.wait_for_selector("#tip", state="hidden")
    point(page, page.locator("#lines .barlayer .trace").last.locator(".point").last)
    assert "feed-forward" in page.inner_text("#tip")
    assert f"of which {rows[-1].methods.split(' + ')[0]}" in page.inner_text("#tip")


def test_a_click_on_a_name_opens_the_recipe_its_parts_and_its_runs(show):
    rows = invented.rows(12)
    page = show(rows)
    page.locator("#table td button").nth(3).click()
    said = page.inner_text("tr.more")
    assert rows[3].report.recipe.strip() in said
    assert rows[3].accuracy.paths[0] in said
    page.locator("#table th[data-key=tuned] button").click()
    above = page.locator("tr.more").evaluate("line => line.previousSibling.innerText")
    assert above.startswith(rows[3].report.name), "it stays below its row"
    page.locator("button[aria-expanded=true]").click()
    assert page.locator("tr.more").count() == 0


def test_markup_in_names_recipes_and_paths_is_text(show):
    odd = invented.row(EVIL, "timm/vit_base", 0.9, lore=10)
    cost = dataclasses.replace(odd.report, recipe=EVIL, remarks=(EVIL,), uncounted={EVIL: 1}, backbone=EVIL)
    known = dataclasses.replace(odd.accuracy, paths=(EVIL,), split=EVIL)
    inner = dataclasses.replace(cost, parts=(dataclasses.replace(cost.parts[0], name=EVIL), *cost.parts[1:]))
    rows = [Row(inner, EVIL, known), Row(cost, "__proto__", known), *invented.rows(3)]
    page = show(rows, [Refused(EVIL, EVIL)], [(EVIL, EVIL)], EVIL)
    (place,) = page.evaluate(
        "document.querySelector('#scatter').data[0].customdata.flatMap((row, i) => row ? [] : [i])"
    )
    point(page, page.locator("#scatter .trace").first.locator(".point").nth(place))
    assert EVIL in page.inner_text("#tip")
    assert page.title() == page.inner_text("h1") == EVIL
    page.locator("#table td button").first.click()
    assert EVIL in page.inner_text("tr.more")
    assert names(page)[0] == EVIL
    assert EVIL[:20] in page.locator("#scatter .legend").text_content()
    assert stacks(page)[0].startswith(EVIL[:20])
    assert EVIL[:20] in page.inner_text("#keys")
    assert page.locator("img, main b, main a").count() == 0
    assert page.locator("script").count() == 3


def test_where_nothing_has_run_parameters_stand_against_operations(show):
    page = show([*invented.rows(6, run=False), invented.row("zero_shot")])
    assert "No run is known" in page.inner_text("#points-note")
    assert page.locator("#scatter .ytitle").text_content() == "GMACs per picture"
    assert page.locator("#cost").is_hidden()
    assert page.locator("th[data-key=mean]").count() == 0
    assert page.locator("#scatter .xtick text").first.text_content() == "0", "no tuned parameters have a place as well"


@pytest.mark.slow
def test_it_works_with_two_thousand_rows(show):
    rows = invented.rows(2000)
    page = show(rows)
    assert len(points(page)) == sum(row.accuracy is not None for row in rows)
    filtered(page, rows[-1].report.name, 1)
    assert stacks(page) == [cut(rows[-1].report.name, 28)]


# ---------------------------------------------------------------------- the file, without a browser


def test_the_policy_knows_both_scripts_and_the_data_cannot_leave_their_element(tmp_path):
    pytest.importorskip("plotly")
    write_page(tmp_path / "costs.html", [invented.row(EVIL, mean=float("nan"), lore=10)])
    text = (tmp_path / "costs.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy.startswith(f"default-src 'none'; script-src {' '.join(map(digest, scripts))};")
    assert len(scripts) == 2
    (told,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert not set("<>&") & set(told)
    (row,) = json.loads(told)["rows"]
    assert (row["order"]["name"], row["order"]["mean"]) == (EVIL, None)


def test_a_file_is_overwritten_only_by_force(tmp_path):
    pytest.importorskip("plotly")
    file = tmp_path / "costs.html"
    file.write_text("mine")
    with pytest.raises(ZooError, match="is not overwritten"):
        write_page(file, [])
    assert file.read_text() == "mine"
    write_page(file, [], force=True)
    assert file.read_text().startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [file]


def test_without_plotly_the_command_that_installs_it_is_told(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "plotly"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ZooError, match=r"the package plotly, .*; pip install .*'plotly>="):
        write_page(tmp_path / "costs.html", [])
    assert list(tmp_path.iterdir()) == []
