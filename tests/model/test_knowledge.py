"""What is known of each class, and what the frozen backbone wrongly believes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pictures import error, sentence
from shared import shared
from torch.nn.functional import normalize

from promptzoo.model.knowledge import class_means
from promptzoo.model.texts import encode_text
from promptzoo.recipe.knowledge import describe, encode, knowledge_dim, text_of
from promptzoo.recipe.settings import KnowledgeSettings
from promptzoo.training.guess import guess, remark, wrong_share

CLOTHES = ["dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt"]
ALIASES = {
    "longsleeve": "sweatshirt", "outwear": "jacket", "pants": "trousers", "shoes": "shoe", "t-shirt": "jersey"
}  # fmt: skip


def model(classes, out=8, text=None):
    return SimpleNamespace(classes=list(classes), visual=SimpleNamespace(out=out), text=text)


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "table.npz"
    vectors = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float16)
    np.savez(path, names=np.array(["ant", "bee", "Red Fox", "t-shirt"]), emb=vectors)
    return path


# ---------------------------------------------------------------- tables


def test_a_table_gives_unit_rows_by_name_or_alias(table):
    settings = KnowledgeSettings(table=table, aliases={"insect": "bee"})
    zoo = model(["red_fox", "insect", "T-shirt"])
    found = encode(settings, zoo)
    expected = torch.from_numpy(np.load(table)["emb"][[2, 1, 3]].astype(np.float32))
    torch.testing.assert_close(found, normalize(expected, dim=-1))
    assert knowledge_dim(settings, zoo) == 6
    assert describe(settings) == "table table.npz"


def test_every_class_that_a_table_lacks_is_named_with_its_nearest_names(table):
    refused = error(lambda: encode(KnowledgeSettings(table=table), model(["ants", "bee", "fox", "zzz"])))
    assert (refused.key, refused.given) == ("knowledge.aliases", ["ants", "fox", "zzz"])
    assert refused.lines == ("'ants': similar: ant", "'fox': similar: Red Fox", "'zzz': nothing similar")


def test_wrong_aliases_are_refused(table):
    one = KnowledgeSettings(table=table, aliases={"fox": "read fox"})
    assert "'fox' (alias 'read fox'): similar: Red Fox" in sentence(lambda: encode(one, model(["fox"])))
    other = KnowledgeSettings(table=table, aliases={"foxx": "Red Fox"})
    refused = error(lambda: encode(other, model(["fox"])))
    assert (refused.key, refused.given, refused.nearest) == ("knowledge.aliases", "foxx", ["fox"])


def test_a_file_that_is_no_table_is_refused(table, tmp_path):
    def opened(**arrays):
        np.savez(tmp_path / "other.npz", **arrays)
        return KnowledgeSettings(table=tmp_path / "other.npz")

    zoo = model(["ant"])
    missing = KnowledgeSettings(table=tmp_path / "tabel.npz")
    refused = error(lambda: knowledge_dim(missing, zoo))
    assert (refused.key, refused.given, refused.nearest) == ("knowledge.table", "tabel.npz", ["table.npz"])
    pickled = opened(names=np.array(["ant"], object), emb=np.ones((1, 2)))
    assert "is not an .npz file with arrays 'names' and 'emb'" in sentence(lambda: knowledge_dim(pickled, zoo))
    assert "is not an .npz file" in sentence(lambda: knowledge_dim(opened(names=np.array(["ant"])), zoo))
    assert "1 names" in sentence(lambda: knowledge_dim(opened(names=np.array(["ant"]), emb=np.ones((2, 2))), zoo))
    zero = opened(names=np.array(["ant", "bee"]), emb=np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert "row of 'bee' is zero or not finite" in sentence(lambda: knowledge_dim(zero, zoo))
    (tmp_path / "text.npz").write_text("hello")
    assert "is not an .npz file" in sentence(lambda: knowledge_dim(KnowledgeSettings(table=tmp_path / "text.npz"), zoo))


def test_five_names_of_the_real_clothes_need_an_alias():
    path = shared("assets", "clip_text", "clip_vitb32_text_table.npz")
    said = sentence(lambda: encode(KnowledgeSettings(table=path), model(CLOTHES)))
    assert "lacks 5 of 10 classes" in said
    for name, near in (
        ("longsleeve", ""),
        ("outwear", ""),
        ("pants", "short pants"),
        ("shoes", "shoe"),
        ("t-shirt", "shirt"),
    ):
        line = next(line for line in said.splitlines() if line.startswith(f"    '{name}'"))
        assert near in line
    settings = KnowledgeSettings(table=path, aliases=ALIASES)
    found = encode(settings, model(CLOTHES))
    assert found.shape == (10, knowledge_dim(settings, model(CLOTHES))) == (10, 512)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(10))
    assert (found @ found.T - torch.eye(10)).max() < 0.999


# ---------------------------------------------------------------- text and features


def test_class_means_are_unit_means_of_each_class():
    features, labels = torch.randn(6, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    settings = KnowledgeSettings(features="class_means")
    zoo = model("abc")
    found = encode(settings, zoo, seen=(features, labels))
    torch.testing.assert_close(found[1], normalize(features[[1, 4]].mean(0), dim=-1))
    assert knowledge_dim(settings, zoo) == 8
    assert "not LORE's" in describe(settings)
    assert "no class mean for 'c'" in sentence(lambda: class_means(features[:2], labels[:2], "abc"))


class Letters(torch.nn.Module):
    """A text tower that counts letters."""

    out, hollow, known = 26, False, None

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def features(self, ids):
        return torch.nn.functional.one_hot(ids, 27).sum(1)[:, :26] * self.scale


def letters(texts):
    rows = [[ord(c) - 97 for c in text.lower() if c.isalpha()] for text in texts]
    return torch.tensor([row + [26] * (40 - len(row)) for row in rows])


def test_templates_hold_the_name_and_several_are_averaged():
    one = encode_text(Letters(), letters, ["cat", "dog"], "a {}")
    torch.testing.assert_close(one, normalize(letters_of(["acat", "adog"]), dim=-1))
    both = encode_text(Letters(), letters, ["cat"], ["a {}", "{}s"])
    expected = normalize(letters_of(["acat", "cats"]), dim=-1).mean(0, keepdim=True)
    torch.testing.assert_close(both, normalize(expected, dim=-1))


def letters_of(words):
    return Letters().features(letters(words)).detach()


def test_the_backbones_own_text_tower_encodes():
    settings = KnowledgeSettings(text="backbone", template="the {}.")
    zoo = model(["cat", "dog"], text=Letters())
    found = encode(settings, zoo, tokenize=letters)
    torch.testing.assert_close(found, encode_text(zoo.text, letters, zoo.classes, "the {}."))
    assert knowledge_dim(settings, zoo) == 26
    assert describe(settings) == "the backbone's text tower, 'the {}.'"


def test_a_backbone_without_text_is_told_what_to_do():
    refused = error(lambda: knowledge_dim(KnowledgeSettings(text="backbone"), model("ab")))
    assert (refused.key, refused.given) == ("knowledge.text", "backbone")
    assert "knowledge.features=class_means" in refused.remedy


def test_a_named_text_tower_gives_its_width_without_weights():
    settings = KnowledgeSettings(text="ViT-B-32", weights="openai")
    assert knowledge_dim(settings, model("ab")) == 512
    assert "knowledge.weights" in error(lambda: knowledge_dim(KnowledgeSettings(text="ViT-B-32"), model("ab"))).remedy
    assert "no text tower" in sentence(lambda: text_of("timm/vit_tiny_patch16_224", "random"))


# ---------------------------------------------------------------- guesses


def blobs(each=8, classes=3, noise=0.3):
    centres = torch.randn(classes, 16)
    labels = torch.arange(classes).repeat(each)
    return centres[labels] + noise * torch.randn(len(labels), 16), labels, centres


def test_zero_shot_takes_the_nearest_text():
    features, labels, centres = blobs()
    found = guess("zero_shot", features, labels, classes="abc", text=centres)
    assert torch.equal(found, labels)
    assert wrong_share(found, labels) == 0
    assert remark("zero_shot", 0.0).endswith("so the push term of the K-L loss is always 0")
    assert remark("zero_shot", 0.25) == "guess zero_shot: wrong on 25.0% of the training pictures"
    said = sentence(lambda: guess("zero_shot", features, labels, classes="abc"))
    assert "needs a backbone with a text tower" in said


def test_a_linear_probe_guesses_out_of_fold():
    features, labels, _ = blobs()
    assert wrong_share(guess("linear_probe", features, labels, classes="abc"), labels) < 0.1
    noise = torch.randn(24, 64)  # in fold, a probe would know all of these by heart
    found = guess("linear_probe", noise, labels, classes="abc", seed=3)
    assert wrong_share(found, labels) > 0.3
    assert torch.equal(found, guess("linear_probe", noise, labels, classes="abc", seed=3))
    assert found.dtype == torch.long


def test_a_probe_needs_two_pictures_of_each_class():
    features, labels = torch.randn(5, 4), torch.tensor([0, 0, 1, 2, 2])
    said = sentence(lambda: guess("linear_probe", features, labels, classes=["a", "b", "c"]))
    assert "fewer of 'b'" in said
    assert guess("linear_probe", features[[0, 1, 3, 4]], labels[[0, 1, 3, 4]] // 2, classes="ab").shape == (4,)


def test_current_and_none_store_nothing_and_others_are_refused():
    features, labels, _ = blobs()
    assert guess("current", features, labels, classes="abc") is None
    assert guess("none", features, labels, classes="abc") is None
    refused = error(lambda: guess("zeroshot", features, labels, classes="abc"))
    assert (refused.key, refused.nearest) == ("data.guess", ["zero_shot"])
