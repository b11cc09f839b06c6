"""What passes inside a model as it looks at pictures is what it computes with."""

import pytest
import small
import torch

from promptzoo.errors import ZooError

GRAFTED = ["linear", "vpt_deep", "lore", "e2vpt", "sa2vp", "lore_sa2vp_hybrid", "dam_vp"]


@pytest.mark.parametrize("name", GRAFTED)
def test_attention_times_values_is_what_the_fused_attention_gave(name):
    made = small.model(name)
    small.randomise(made.grafts)
    images = small.pictures(made)
    with torch.no_grad():
        plain = made(images).logits
        looked = made.look(images, attention=True, queries=slice(None))
    assert torch.equal(looked.output.logits, plain)
    assert list(looked.attention) == [0, 1, 2]
    for one in looked.attention.values():
        assert (one.weights @ one.values - one.mixed).abs().max() <= 1e-5
        assert torch.allclose(one.weights.sum(-1), torch.ones(()), atol=1e-5)


def test_keys_that_belong_to_no_token_and_rows_of_a_second_pathway_are_told():
    extra, dual = small.model("e2vpt"), small.model("lore_sa2vp_hybrid")
    with torch.no_grad():
        keys = extra.look(small.pictures(extra), attention=[2]).attention[2]
        rows = dual.look(small.pictures(dual), attention=[2]).attention[2]
    assert keys.extra > 0
    assert keys.weights.shape[-1] == keys.extra + extra.prefix_tokens + 16
    assert rows.weights.shape == (6, 2, 1, dual.prefix_tokens + 16)


def test_sites_give_what_leaves_them_with_all_that_acts_there():
    made = small.model("vpt_deep")
    images = small.pictures(made)
    looked = made.look(images, sites=["visual.layers.*", "visual.pool", "head"])
    assert list(looked.sites) == ["visual.layers.0", "visual.layers.1", "visual.layers.2", "visual.pool", "head"]
    assert looked.sites["visual.layers.0"].shape == (3, made.prefix_tokens + 16, 32)
    assert torch.equal(looked.sites["visual.pool"], made.features(images))
    assert torch.equal(looked.sites["head"], looked.output.logits)


def test_a_model_in_training_mode_is_looked_at_in_evaluation_mode_and_left_as_it_was():
    made = small.model("vpt_deep").train()
    images = small.pictures(made)
    assert torch.equal(made.look(images).output.logits, made.look(images).output.logits)
    assert made.training
    assert not any(module._forward_hooks for module in made.modules())


def test_a_gradient_goes_back_to_a_site():
    made = small.model("lore_sa2vp_hybrid")
    looked = made.look(small.pictures(made).requires_grad_(), sites=["visual.layers.2.attention.norm"])
    (there,) = looked.sites.values()
    (gradient,) = torch.autograd.grad(looked.output.logits[:, 1].sum(), there)
    assert gradient[:3].abs().max() > 0


def test_a_layer_a_site_or_a_tower_without_attention_is_told():
    made, windows = small.model("linear"), small.model("linear", "swin")
    with pytest.raises(ZooError) as no_layer:
        made.look(small.pictures(made), attention=[3])
    with pytest.raises(ZooError) as no_site:
        made.look(small.pictures(made), sites=["visual.layer.0"])
    with pytest.raises(ZooError) as no_map:
        windows.look(small.pictures(windows), attention=True)
    assert (no_layer.value.key, no_layer.value.given) == ("layer", 3)
    assert "visual.layers.*" in no_site.value.nearest[0] or "visual.layers.*" in no_site.value.possible
    assert no_map.value.key == "attention"
