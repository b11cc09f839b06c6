"""Which models open, by their shapes alone, each looked at once."""

from pictures import error

from promptzoo.backbones import openable
from promptzoo.pages.backbones import families, page, summary
from promptzoo.recipe.registry import load_registry

ADOPTERS = load_registry().adopters


def test_models_open_or_say_why_not_and_are_looked_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = {one.name: one for one in openable.openable(ADOPTERS, "timm/test_*e*t")}
    assert {"timm/test_resnet", "timm/test_convnext"} <= set(found)
    assert not found["timm/test_resnet"].why
    assert "ConvNeXt" in found["timm/test_convnext"].why
    monkeypatch.setattr(openable, "looked_at", lambda *given: 1 / 0)
    assert {one.name: one for one in openable.openable(ADOPTERS, "timm/test_*e*t")} == found


def test_a_pattern_of_no_model_is_refused_with_what_is_near():
    refused = error(lambda: openable.openable(ADOPTERS, "timm/vit_bas_patch16_224"))
    assert refused.given == "timm/vit_bas_patch16_224"
    assert "timm/vit_base_patch16_224" in refused.nearest


def test_the_page_counts_what_opens():
    found = [
        openable.Openable("timm/a", "Vit", True),
        openable.Openable("timm/b", "Vit", True, "block is Odd"),
        openable.Openable("timm/c", "Net", False, "no adopter"),
    ]
    assert summary(found) == "1 of 3 models of timm open, 1 of the 2 with attention"
    assert [row for _, row in families(found).rows] == [("Vit", 2, 1, "block is Odd")]
    assert "block is Odd" in page(found, "timm 1")
