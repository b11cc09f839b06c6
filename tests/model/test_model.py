"""Sites and verbs: where grafts can act, in which order, and what is said when they cannot."""

import pytest
import torch
from pictures import error
from small import model, pictures, recipe
from torch import nn

import promptzoo
from promptzoo import Bottleneck, open_backbone
from promptzoo.errors import RecipeError, ZooError
from promptzoo.model.site import Around
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe


def small(classes: int = 4) -> promptzoo.Model:
    options = {"depth": 3, "embed_dim": 32, "num_heads": 2, "patch_size": 8}
    return open_backbone("timm/vit_tiny_patch16_224", classes, image_size=(32, 32), options=options)


class Recorder(nn.Module):
    def __init__(self, log: list[str], name: str):
        super().__init__()
        self.log, self.name = log, name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.log.append(self.name)
        return x


def test_a_star_stands_for_exactly_one_segment() -> None:
    net = small()
    assert [site.path for site in net.at("visual.layers.*")] == [f"visual.layers.{i}" for i in range(3)]
    assert len(net.at("visual.layers.*.attention.attn.qkv")) == 3
    assert error(lambda: net.at("visual.*.qkv")).given == "visual.*.qkv"


def test_a_site_knows_the_widths_that_enter_and_leave() -> None:
    net = small()
    site = {s.path.removeprefix("visual.layers.1."): s for s in net.at("visual.layers.1.*")} | {
        s.path.removeprefix("visual.layers.1."): s for s in net.at("visual.layers.1.*.*.*")
    }
    assert (site["attention.attn.qkv"].dim, site["attention.attn.qkv"].out) == (32, 96)
    assert (site["feedforward.mlp.fc1"].dim, site["feedforward.mlp.fc1"].out) == (32, 128)
    sizes = {"dim": 32, "out": 32, "layer": 1, "heads": 2, "grid": (4, 4), "input": (3, 32, 32)}
    assert site["attention"].sizes == sizes


def test_nothing_matched_is_an_error_that_lists_the_sites_and_the_nearest() -> None:
    refused = error(lambda: small().at("visual.layers.*.feedforwad"))
    assert refused.nearest[0] == "visual.layers.*.feedforward"
    assert "visual.pool" in refused.possible
    assert "visual.pool" in str(refused)
    refused = error(lambda: small().at("visual.layers.*", only=[7]))
    assert (refused.key, refused.given, refused.remedy) == ("only", 7, "it has 0 to 2")


def test_the_block_of_the_readme_grafts_onto_every_feedforward() -> None:
    net = small()
    for site in net.at("visual.layers.*.feedforward"):
        site.beside(Bottleneck(site.dim, rank=4))
    assert net(pictures(net)).logits.shape == (3, 4)
    assert "Around" in str(net)
    assert len(net.tuned()) == 3 * 4 + 2
    assert "grafts.Bottleneck.2.up.weight" in net.tuned_state()


def test_later_grafts_stand_outside_earlier_ones() -> None:
    net, log = small(), []
    site = net.at("visual.layers.0.feedforward")[0]
    site.before(Recorder(log, "first"))
    site.before(Recorder(log, "second"))
    site.after(Recorder(log, "third"))
    net(pictures(net))
    assert log == ["second", "first", "third"]


def test_silent_grafts_leave_the_bare_backbone() -> None:
    made = model("lore_sa2vp_hybrid")
    image, bare = pictures(made), small()
    expected = bare.visual.features(image)
    torch.testing.assert_close(made.frozen_features(image), expected)
    assert not torch.allclose(made.visual.features(image)[:3], expected)
    assert not any(m.silent for m in made.modules() if isinstance(m, Around))


def at_site(verb: str, node: str, at: str = "visual.layers.*.feedforward", more: str = "") -> Recipe:
    graft = f"grafts.method={{at: {at}, {verb}: {node}{more}}}"
    return recipe("linear", "vit", "grafts={}", graft) if False else Recipe.parse(
        recipe("linear", "vit").to_yaml() + f"\ngrafts:\n  method: {{at: {at}, {verb}: {node}{more}}}\n"
    )  # fmt: skip


def test_a_method_at_one_site_is_two_lines_and_no_class() -> None:
    made = build(at_site("beside", "{block: bottleneck, rank: 4}"), ["a", "b"])
    assert sum(p.numel() for p in made.grafts.parameters()) == 3 * (32 * 4 + 4 + 4 * 32 + 32)
    only = build(at_site("beside", "{block: bottleneck, rank: 4}", more=", only: [0, 2]"), ["a", "b"])
    assert len(only.grafts["method"].blocks) == 2


def test_thawed_weights_learn_are_saved_and_leave_the_fingerprint() -> None:
    text = recipe("linear", "vit").to_yaml() + "\ngrafts:\n  full: {at: visual, thaw: all}\n"
    made, frozen = build(Recipe.parse(text), ["a", "b"]), small(2)
    assert made.fingerprint() != frozen.fingerprint()
    assert len(made.tuned()) > 30
    assert set(made.tuned()) <= set(made.tuned_state())


def test_two_second_pathways_are_refused_with_both_names_and_the_site() -> None:
    node = recipe("sa2vp").to_dict()
    node["grafts"]["again"] = node["grafts"]["sa2vp"]
    with pytest.raises(RecipeError, match="'sa2vp' and 'again' both open a second pathway"):
        build(Recipe.of(node), ["a", "b"])


def test_a_loss_that_reads_what_nobody_writes_is_refused() -> None:
    node = recipe("linear").to_dict()
    node["losses"]["prompt"] = {"loss": "cross_entropy", "of": "sa2vp.logits"}
    refused = error(lambda: build(Recipe.of(node), ["a", "b"]))
    assert (refused.key, refused.given) == ("prompt", "sa2vp.logits")
    assert "dual_pathway would" in refused.what


def test_a_checkpoint_of_another_model_is_refused_with_the_keys() -> None:
    with pytest.raises(ZooError, match=r"does not fit this model: .*head.fc.weight is \(4, 32\), should be \(2, 32\)"):
        small(2).load_tuned(small(4).tuned_state())


def test_exact_counts_of_the_papers() -> None:
    from promptzoo.blocks import (
        AlignedCrossAttention,
        KnowledgeLocalityAttention,
        LocalityInteraction,
        PromptAdapter,
        PromptFusion,
        PromptGenerator,
        PromptMap,
    )
    from promptzoo.grafts.dual_pathway import DualPathway
    from promptzoo.grafts.lore import Lore
    from promptzoo.model.blueprint import Make

    def count(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    with torch.device("meta"):
        net = open_backbone("timm/vit_base_patch16_224", 100)
        net.graft({"lore": Lore(Make(LocalityInteraction), Make(PromptGenerator))})
        lore = net.grafts["lore"]
        assert count(lore.local) + count(lore.generator) + count(KnowledgeLocalityAttention(768, 512)) == 8_998_848
        assert count(lore.learned) == 73_728
        for t, expected in {8: 202_200, 16: 372_912, 32: 714_336, 64: 1_397_184}.items():
            net = open_backbone("timm/vit_base_patch16_224", 100)
            net.graft({"sa2vp": DualPathway(Make(PromptMap, rank=t), Make(AlignedCrossAttention),
                                            Make(PromptAdapter, rank=t), Make(PromptFusion))})  # fmt: skip
            assert count(net.grafts) == expected == 21_339 * t + 31_488


def test_frozen_dropout_is_on_only_by_a_word_and_only_while_training() -> None:
    plain, dropped = model("linear"), model("linear", "vit", "backbone.dropout=0.5")
    image = pictures(plain)
    torch.testing.assert_close(dropped.eval()(image).logits, plain(image).logits)
    dropped.train()
    assert not torch.equal(dropped(image).logits, dropped(image).logits)
    plain.train()
    assert torch.equal(plain(image).logits, plain(image).logits)


def test_a_fresh_map_passes_as_one_row_only_where_nothing_else_acts_in_the_layer() -> None:
    made = model("sa2vp")
    image, bridges = pictures(made), made.grafts["sa2vp"].bridges
    assert all(bridge.alone for bridge in bridges)
    together = made(image).logits
    for bridge in bridges:
        bridge.alone = False
    torch.testing.assert_close(made(image).logits, together)
    made.at("visual.layers.1.feedforward.mlp")[0].beside(Bottleneck(32, rank=4))
    assert [bridge.alone for bridge in bridges] == [True, False, True]
    torch.testing.assert_close(made(image).logits, together)
    dropped = model("sa2vp", "vit", "backbone.dropout=0.1").grafts["sa2vp"].bridges
    assert not any(bridge.alone for bridge in dropped)
    hybrid = model("lore_sa2vp_hybrid").grafts["sa2vp"].bridges
    assert not any(bridge.alone for bridge in hybrid if bridge.map is not None)


def test_a_block_does_not_take_the_place_of_a_graft_and_a_graft_none_of_another():
    mine = model("lora", "vit")
    (site,) = mine.at("visual.norm")
    assert error(lambda: site.after(nn.Identity(), "lora")).key == "name"
    assert error(lambda: mine.graft({"lora": mine.grafts["lora"]})).given == "lora"
    assert type(mine.grafts["lora"]) is not nn.ModuleList
    site.after(nn.Identity(), "mine")
    mine.at("visual.embed")[0].after(nn.Identity(), "mine")
    assert len(mine.grafts["mine"]) == 2
