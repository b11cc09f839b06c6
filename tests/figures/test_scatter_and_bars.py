"""What the scatter and the bars show, before anybody draws it, and plotly's figures of it."""

import math
from itertools import pairwise

import invented
import pytest

from promptzoo.costs.rows import front
from promptzoo.figures.bars import LEFT_OVER, end, layers, whole
from promptzoo.figures.bars_plotly import bars_figure
from promptzoo.figures.marks import DARK, LIGHT, marks
from promptzoo.figures.scatter import keys, scatter, short, ticks
from promptzoo.figures.scatter_plotly import scatter_figure

SCHEMES = pytest.mark.parametrize("scheme", [LIGHT, DARK])


def test_points_come_from_the_cheapest_with_the_front_of_their_accuracies():
    rows = invented.rows(30)
    shown = scatter(rows, "tuned", "")
    assert shown.x == sorted(shown.x)
    assert sorted(shown.numbers) == [i for i, row in enumerate(rows) if row.accuracy]
    told = [(row.report.parameters.tuned, row.accuracy.mean) for row in shown.rows]
    assert shown.front == front(told)
    assert set(shown.named) <= set(shown.front)
    heights = [shown.y[i] for i in shown.named]
    assert all(above - below >= shown.gap for below, above in pairwise(heights))
    assert len(shown.spreads) == len(shown.rows)
    assert shown.titles == ("tuned parameters", "test accuracy, %")


def test_an_accuracy_that_is_no_number_is_no_point():
    rows = [invented.row("one", mean=math.nan, lora=5), invented.row("two", mean=0.5, lora=9)]
    assert scatter(rows, "macs", "").numbers == [1]


def test_zero_stands_left_of_all_others_and_a_line_parts_it_from_them():
    rows = [invented.row("zero_shot", mean=0.4), invented.row("one", mean=0.5, lora=2_000)]
    shown = scatter(rows, "tuned", "")
    assert shown.x == [1_000, 9_680]
    assert 1_000 < shown.parting < 9_680
    assert ticks(shown)[0] == (1_000, "0")
    alone = scatter(rows[:1], "tuned", "")
    assert alone.x == [alone.zero]
    assert alone.parting is None
    assert ticks(alone)[0][1] == "0"


def test_counts_are_written_short():
    assert [short(value) for value in (5, 2_000, 1_500_000, 3e9)] == ["5", "2k", "1.5M", "3B"]


def test_where_nothing_has_run_there_is_no_front():
    shown = scatter(invented.rows(5, run=False))
    assert (shown.front, shown.spreads, shown.titles[1]) == ([], [], "GMACs per picture")
    assert shown.y == [whole(row) for row in shown.rows]


def test_the_legend_has_a_line_for_each_mark_and_one_for_what_is_left_over():
    rows = [invented.row(f"r{i}", f"timm/b{i}", 0.5, **{f"g{i}": 10}) for i in range(30)]
    shown = scatter(rows, "tuned", "")
    told = keys(shown, marks(rows))
    assert [key.label for key in told if "other" in key.label] == ["14 other methods", "21 other backbones"]
    for group in ("method", "backbone"):
        assert sorted(i for key in told if key.group == group for i in key.numbers) == list(range(30))


def test_layers_add_up_to_all_operations_and_to_those_of_grafts():
    rows = invented.rows(20)
    drawn = layers(rows, marks(rows))
    for number, row in enumerate(rows):
        of_row = [(layer.thin, start, long) for layer in drawn for i, start, long in layer.spans if i == number]
        assert sum(long for thin, _, long in of_row if not thin) == pytest.approx(whole(row))
        for thin in (False, True):
            reached = 0.0
            for start, long in [(start, long) for one, start, long in of_row if one is thin]:
                assert start == pytest.approx(reached)
                reached += long


def test_grafts_without_a_colour_of_their_own_share_the_last_layer():
    rows = [invented.row(f"r{i}", **{f"g{i:02}": 10**6}) for i in range(20)]
    drawn = layers(rows, marks(rows))
    assert drawn[-1].name == LEFT_OVER
    assert len(drawn[-1].spans) == 20 - 16


@SCHEMES
def test_a_scatter_by_plotly_says_which_row_a_point_is_and_escapes_names(scheme):
    pytest.importorskip("plotly")
    rows = [invented.row("<b>one</b>", mean=0.5, lora=5_000), *invented.rows(8)]
    shown, known = scatter(rows, "tuned", ""), marks(rows)
    points, stairs, *legend = scatter_figure(shown, known, scheme).data
    assert list(points.customdata) == shown.numbers
    assert (list(points.x), list(points.error_y.array)) == (shown.x, shown.spreads)
    assert points.marker.color[0] == scheme.colours[known.methods[shown.rows[0].methods].colour]
    assert list(stairs.y) == [shown.y[i] for i in shown.front]
    assert "&lt;b&gt;one&lt;/b&gt;" in points.text
    assert [line.name for line in legend] == [key.label for key in keys(shown, known)]


@SCHEMES
@pytest.mark.parametrize("shares", [False, True])
def test_bars_by_plotly_are_the_layers_as_gmacs_or_shares(scheme, shares):
    pytest.importorskip("plotly")
    rows = invented.rows(6)
    drawn, figure = layers(rows, marks(rows)), bars_figure(rows, marks(rows), scheme, shares)
    for layer, trace in zip(drawn, figure.data, strict=False):
        assert (trace.meta, list(trace.customdata)) == (layer.name, [i for i, _, _ in layer.spans])
        scales = [100 / whole(rows[i]) if shares else 1 for i, _, _ in layer.spans]
        assert list(trace.x) == pytest.approx([k * long for k, (_, _, long) in zip(scales, layer.spans, strict=True)])
    (ends,) = figure.select_traces({"mode": "text", "textposition": "middle right"})
    assert list(ends.x) == pytest.approx([end(row) * (100 / whole(row) if shares else 1) for row in rows])
    assert ends.text[0].strip() == ("1.00 × bare" if shares else "17.62")
