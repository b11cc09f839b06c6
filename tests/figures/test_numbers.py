"""What figures show, on inputs made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from promptzoo.errors import ZooError
from promptzoo.figures.asked import Wish, inside, place
from promptzoo.figures.columns import labels
from promptzoo.figures.draw import draw
from promptzoo.figures.draw_pictures import ONE, TWO, ends, fitted, number, pictures, stretched
from promptzoo.figures.gallery import spread
from promptzoo.figures.kinds import attention, embedding, masks, points, ranks, rollout, words
from promptzoo.figures.kinds.confusion import confusion, find, worst
from promptzoo.figures.kinds.curves import over
from promptzoo.figures.kinds.grad_cam import weighed
from promptzoo.figures.kinds.pca import components
from promptzoo.figures.marks import LIGHT
from promptzoo.figures.panels import Counts, Curves, Found, Matrix, Overlaid
from promptzoo.figures.plots_plotly import matrix_figure


def test_the_shares_of_a_row_are_those_of_patches_prompts_class_and_extra_keys():
    row = torch.tensor([[0.05, 0.1, 0.2, 0.05, 0.25, 0.15, 0.1, 0.1]])  # extra, class, two prompts, a grid of 2 x 2
    assert attention.parts(row, 1, 1, (2, 2))[0].tolist() == pytest.approx([0.6, 0.25, 0.1, 0.05])
    assert attention.said(torch.tensor([0.6, 0.0, 0.4, 0.0])) == ("patches .60", "class .40")


def test_rollout_of_even_attention_is_the_product_of_half_identities():
    even = torch.full((3, 3), 1 / 3)
    once = (even + torch.eye(3)) / 2
    assert torch.allclose(rollout.rollout([even, even]), (once @ once)[0])


def test_what_prompts_carried_is_lost_where_they_are_filled_anew():
    first = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 0, 1]])  # the prompt, token 1, takes the patch in
    second = torch.tensor([[0.0, 1, 0], [0, 1, 0], [0, 0, 1]])  # the class token asks the prompt alone
    kept, lost = rollout.rollout([first, second]), rollout.rollout([first, second], [[1]])
    assert kept.tolist() == [0.5, 0.25, 0.25]
    assert lost.tolist() == [0.5, 0, 0]


def test_a_map_of_gradients_weighs_what_speaks_for_the_class_and_drops_what_speaks_against_it():
    patches, gradient = torch.tensor([[1.0, 0], [0, 1], [2, 1]]), torch.tensor([[2.0, -1], [1, -3], [0, -2]])
    assert weighed(patches, gradient).tolist() == [1, 0, 0]


def test_the_strongest_component_is_red_and_points_where_its_largest_loading_is_positive():
    tokens = torch.zeros(4, 5)
    tokens[:, 3] = torch.tensor([-9.0, -3, 3, 9])
    tokens[:, 1] = torch.tensor([1.0, -1, -1, 1])
    colours, shares = components(tokens)
    assert colours[:, 0].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert colours[:, 1].tolist() == pytest.approx([1, 0, 0, 1])
    assert shares == pytest.approx([180 / 184, 4 / 184, 0], abs=1e-9)


def test_the_vote_of_the_nearest_leaves_the_picture_itself_out():
    features = torch.tensor([[0.0], [1], [2], [10], [11], [12], [1.1]])
    found = torch.tensor([0, 0, 0, 1, 1, 1, 1])
    assert embedding.vote(features, found, 2) == pytest.approx(4 / 7), "a tie goes to the nearest"
    assert embedding.vote(features[:2], torch.tensor([0, 1])) == 0


def test_two_groups_stay_apart_in_the_plane_and_the_seed_decides():
    draw = np.random.default_rng(0)
    features = np.concatenate([draw.normal(0, 0.1, (8, 6)), draw.normal(9, 0.1, (8, 6))]).astype(np.float32)
    one, other = embedding.laid_out("tsne", features, 3), embedding.laid_out("tsne", features, 3)
    assert np.array_equal(one, other)
    assert embedding.vote(torch.from_numpy(one), torch.arange(16) // 8) == 1


def test_confusion_counts_rows_of_truth_and_names_the_worst_pairs():
    answers = [
        ("a", "cat", "cat", True),
        ("b", "cat", "dog", False),
        ("c", "dog", "cat", False),
        ("d", "cat", "dog", False),
    ]
    names, counts = confusion(answers, ["cat", "dog", "owl"])
    assert counts.tolist() == [[1, 2, 0], [1, 0, 0], [0, 0, 0]]
    assert worst(counts, names) == (["cat → dog", "dog → cat"], [2, 1])


def of_many(count, folder):
    """What `confusion` reads of a run of so many classes, whose names begin alike; the last is always missed."""
    names = [f"a class of a long family, {place}" for place in range(count)]
    answers = [(f"{name}.png", name, names[0] if name == names[-1] else name, True) for name in names]
    return folder, SimpleNamespace(predictions=lambda: answers, data=lambda: {"classes": names})


def test_runs_of_few_and_of_many_classes_are_drawn_the_same_way():
    pytest.importorskip("matplotlib")
    few, many = of_many(3, "few"), of_many(41, "many")
    assert type(find([few], Wish()).panels[0][0]) is Matrix
    for some in ([few, many], [many, few]):
        assert {type(one) for one in find(some, Wish()).panels[0]} == {Counts}
        assert len(draw(find(some, Wish())).axes) == 2
    with pytest.raises(AssertionError):
        draw(Found([[Matrix(), Counts()]], {}))


def test_every_class_has_its_own_row_whatever_its_name_begins_with():
    pytest.importorskip("plotly")
    ((one,),) = find([of_many(3, "few")], Wish()).panels
    made = matrix_figure(one, LIGHT)
    (trace,), (x, y) = made["data"], (made["layout"][axis] for axis in ("xaxis", "yaxis"))
    for axis, places in ((x, trace["x"]), (y, trace["y"])):
        assert len(set(places)) == len(axis["ticktext"]) == 3
        assert list(axis["tickvals"]) == list(places)
    assert trace["hovertext"][2][0] == "a class of a long family, 2 classified as a class of a long family, 0"


def test_every_run_stands_in_the_legend_of_its_curves_whatever_its_name_begins_with():
    pytest.importorskip("matplotlib")
    lines = [over([[1.0, 2.0], [2.0, 3.0]], name) for name in ("_old", "new")]
    (legend,) = draw(Found([[Curves(curves=lines)]], {})).legends
    assert [text.get_text() for text in legend.get_texts()] == ["_old", "new"]


def test_a_band_is_the_deviation_over_seeds_as_far_as_all_of_them_go():
    made = over([[1.0, 2.0, 3.0], [3.0, 2.0]], "two")
    assert (made.y.tolist(), made.x.tolist()) == ([2, 2], [1, 2])
    assert made.spread.tolist() == pytest.approx([2**0.5, 0])
    assert over([[1.0, None]], "one").spread is None


def test_a_vector_that_is_a_word_is_that_word_and_the_ends_of_a_text_are_none():
    table = torch.eye(6)
    places, apart, mean = words.nearest_words(torch.stack([table[2], table[5]]), table, 2)
    assert (int(places[0, 0]), float(apart[0, 0])) == (2, 0)
    assert int(places.max()) < 4
    assert mean.tolist() == pytest.approx([0.75**0.5, 1.25**0.5])


def test_a_point_is_found_within_alpha_of_the_longer_side_of_the_box():
    found, wanted = torch.tensor([[0.0, 10], [0, 10.1], [torch.inf, 0]]), torch.zeros(3, 2)
    assert points.near(found, wanted, torch.tensor([0.0, 0, 100, 40]), 0.1).tolist() == [True, False, False]


def test_frames_are_spread_from_the_first_to_the_last():
    assert masks.spread(50, 4) == {0, 16, 33, 49}
    assert masks.spread(2, 4) == {0, 1}
    truth = np.array([[1, 1, 0], [2, 2, 0]])
    assert masks.agreement(np.array([[1, 0, 0], [2, 2, 0]]), truth, [1, 2]) == 0.75


def test_a_picture_of_a_ranking_is_of_the_list_that_holds_it():
    query = type("Query", (), {"easy": (1,), "hard": (2,), "junk": (3,)})
    assert [ranks.kind_of(one, query) for one in range(4)] == ["wrong", "easy", "hard", "junk"]


def test_a_place_is_a_row_and_a_column_inside_the_grid():
    assert inside(place("2,3"), (4, 5)) == 13
    for written, grid in (("4,0", (4, 5)), ("0,5", (4, 5)), ("-1,0", (4, 5))):
        with pytest.raises(ZooError) as refused:
            inside(place(written), grid)
        assert (refused.value.key, refused.value.given) == ("at", list(map(int, written.split(","))))
    for written in ("7", "a,b", "1,2,3"):
        with pytest.raises(ZooError) as refused:
            place(written)
        assert refused.value.given == written


def test_runs_are_called_by_as_much_of_their_path_as_tells_them_apart(tmp_path):
    assert labels([tmp_path / "a" / "lore", tmp_path / "b" / "vpt"]) == ["lore", "vpt"]
    assert labels([tmp_path / "a" / "lore", tmp_path / "b" / "lore" / "model.safetensors"]) == ["a/lore", "b/lore"]


@pytest.mark.parametrize("name", ["bare", "picture", "truth"])
def test_no_run_is_called_like_another_column_or_number_of_its_figure(name, tmp_path):
    assert labels([tmp_path / "a" / name, tmp_path / "b" / "lore"]) == [f"a/{name}", "b/lore"]


def test_a_map_is_stretched_between_the_middles_of_its_patches():
    assert stretched(np.array([[0.0, 1.0]]), (1, 4)).tolist() == [[0, 0.25, 0.75, 1]]
    assert [number(value) for value in (0.0123, 0.00001, -0.5, 3.0)] == [".012", "1e-5", "-.5", "3"]
    assert [ends(*limits) for limits in ((6e-38, 1), (2e-4, 0.05), (-3, 0))] == [
        ("0", "1"),
        ("2e-4", ".05"),
        ("-3", "0"),
    ]


def test_as_much_of_a_text_stands_as_its_place_holds():
    pytest.importorskip("matplotlib")
    assert [fitted(said, 6, 0.6) for said in ("", "into layer 0", "il" * 7)] == ["", "into layer 0", "il" * 7]
    assert fitted("07d88b75-85a4-407b", 6, 0.6) == "07d88b75-85…"
    assert fitted("m" * 12, 6, 0.6) == "m" * 6 + "…"


@pytest.mark.parametrize(("count", "size", "wide"), [(5, (8, 8), ONE), (3, (8, 28), TWO), (1, (8, 60), ONE)])
def test_pictures_that_are_wide_take_both_columns_sooner_and_lie_inside_the_figure(count, size, wide):
    pytest.importorskip("matplotlib")
    panels = [Overlaid(picture=np.zeros((*size, 3), np.uint8), frame=1) for _ in range(count)]
    figure = pictures([panels], (), LIGHT)
    assert figure.get_size_inches()[0] == wide
    boxes = [axes.get_position() for axes in figure.axes]
    assert min(box.x0 for box in boxes) > 0
    assert max(box.x1 for box in boxes) < 1


def test_the_gallery_takes_class_after_class():
    answers = [(str(place), name, "x", False) for place, name in enumerate("aaabbc")]
    assert [one[0] for one in spread(answers, 4)] == ["0", "3", "5", "1"]
