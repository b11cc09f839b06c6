"""Which mark stands for what."""

import invented

from promptzoo.figures.marks import COLOURS, DARK, LIGHT, REST, SHAPES, Mark, marks, of_class


def test_a_method_of_one_graft_has_its_colour_and_the_bare_backbone_its_own():
    rows = [invented.row("a", lore=10), invented.row("b", lore=10, vpt=10), invented.row("c"), invented.row("d", vpt=1)]
    known = marks(rows)
    assert list(known.methods) == ["bare", "lore", "lore + vpt", "vpt"]
    assert known.methods["lore"] == known.grafts["lore"]
    assert len({known.methods[name] for name in known.methods}) == 4
    assert known.methods["bare"] == Mark(8)


def test_rare_methods_and_backbones_share_the_last_mark():
    rows = [invented.row(f"r{i}", f"timm/b{i}", **{f"g{i}": 10}) for i in range(30)] * 2
    rows += [invented.row("common", "timm/common", common=10)] * 3
    known = marks(rows)
    assert known.methods["common"] == Mark(0)
    assert known.backbones["timm/common"] == 0
    assert list(known.methods.values()).count(REST) == 31 - 16
    assert list(known.backbones.values()).count(len(SHAPES) - 1) == 31 - len(SHAPES) + 1
    assert len(LIGHT.colours) == len(DARK.colours) == REST.colour + 1
    assert LIGHT.places.keys() == DARK.places.keys()


def test_a_class_is_told_by_colour_then_by_shape_full_and_hollow_in_turn():
    assert [of_class(label) for label in (1, COLOURS + 1, 2 * COLOURS)] == [(1, 0, False), (1, 1, True), (0, 2, False)]
