"""Class texts: computed once where nothing acts on them, in parts where something does, with learned words inside."""

from threading import Event, Thread

import pytest
import small
import torch
from pictures import error, sentence
from small import CLASSES, model, pictures, recipe
from torch import nn
from torch.nn.functional import cross_entropy

from promptzoo.data.preprocess import Preprocess
from promptzoo.model import heads
from promptzoo.model.inside import acting
from promptzoo.model.texts import sentences, through
from promptzoo.recipe.build import build
from promptzoo.recipe.knowledge import own_text
from promptzoo.training.predictor import Predictor
from promptzoo.training.prepare import class_texts

LABEL = torch.tensor([0, 1, 2])
LONG = " ".join(["very"] * 80)


def clip(*words, names=CLASSES, name="zero_shot"):
    return build(recipe(name, "clip", *words), names)


def touched(made):
    """Something acts in the text tower, and changes nothing."""
    made.at("text.pool")[0].after(nn.Identity(), "nothing")
    return made


# ---------------------------------------------------------------------- the head


def test_a_predictor_keeps_class_texts_until_what_is_tuned_changes_and_leaves_the_model_as_it_was(monkeypatch):
    made, encoded = model("coop", "clip"), []
    head, image = made.head, pictures(made)
    own = type(head).encoded
    monkeypatch.setattr(type(head), "encoded", lambda self, *given: encoded.append(1) or own(self, *given))
    asked = Predictor(made, Preprocess(size=(32, 32)))
    first = asked.likely(image)
    assert torch.equal(asked.likely(image), first)
    assert len(encoded) == 1
    assert head.kept is None
    made.grafts["coop"].requires_grad_(False)
    made.grafts["coop"].context.vectors.data.add_(1.0)
    assert not torch.equal(asked.likely(image), first)
    assert len(encoded) == 2


def test_passes_of_several_threads_leave_the_model_as_it_was():
    made = model("coop", "clip")
    asked, image = Predictor(made, Preprocess(size=(32, 32))), pictures(made)
    alone, entered, left = asked.likely(image), Event(), Event()

    def other():
        with asked.held():
            entered.set()
            left.wait()

    thread = Thread(target=other, daemon=True)
    thread.start()
    assert entered.wait(60)
    try:
        assert torch.equal(asked.likely(image), alone)
        assert made.head.kept is not None
    finally:
        left.set()
    thread.join()
    assert made.head.kept is None
    assert made.train()(image).logits.requires_grad


@pytest.mark.parametrize("template", ["a photo of a {}.", '["a photo of a {}.", "a blurry {}.", "{}"]'])
def test_texts_kept_and_texts_computed_in_each_forward_are_the_same(template, monkeypatch):
    made = clip(f"head.template={template}")
    image = pictures(made)
    kept = made(image).logits
    torch.testing.assert_close(touched(made)(image).logits, kept)
    monkeypatch.setattr(heads, "ROWS", 3)
    torch.testing.assert_close(made(image).logits, kept)
    with made.ungrafted():
        torch.testing.assert_close(made(image).logits, kept, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["coop", "cocoop", "maple"])
def test_parts_of_the_sentences_change_no_number_and_are_computed_again_on_the_way_back(name, monkeypatch):
    made, again = model(name, "clip"), []
    monkeypatch.setattr(
        heads, "checkpoint", lambda *a, **k: again.append(1) or torch.utils.checkpoint.checkpoint(*a, **k)
    )
    image, found = pictures(made), []
    for rows in (128, 3):
        monkeypatch.setattr(heads, "ROWS", rows)
        logits = made(image).logits
        gradients = torch.autograd.grad(cross_entropy(logits, LABEL), list(made.tuned().values()))
        found.append((logits, *gradients))
    many = 3 if name == "cocoop" else 1
    assert len(again) == -(-many * len(CLASSES) // 3)
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)
    with torch.no_grad():
        made(image)
    assert len(again) == -(-many * len(CLASSES) // 3)


def test_where_nothing_changes_any_more_class_texts_are_computed_once():
    made, passes = model("coop", "clip"), []
    made.text.norm.register_forward_hook(lambda *_: passes.append(1))
    image = pictures(made)
    expected = made(image).logits
    with heads.fixed(made):
        for _ in range(3):
            torch.testing.assert_close(made(image).logits, expected)
    assert len(passes) == 2
    made(image)
    assert len(passes) == 3
    with heads.fixed(model("linear", "vit")):
        pass


def test_texts_that_depend_on_the_picture_are_its_own():
    made = model("cocoop", "clip")
    small.randomise(made.grafts)
    image = pictures(made)
    with heads.fixed(made), torch.no_grad():
        texts = made.head.class_texts(nn.functional.normalize(made.visual.features(image), dim=-1))
    assert texts.shape == (3, len(CLASSES), made.text.out)
    assert not torch.allclose(texts[0], texts[1], atol=1e-4)
    assert made.text.of_picture == {"cocoop"}


def test_thawed_texts_are_computed_in_each_forward():
    made = clip("grafts={words: {at: text.pool.proj, thaw: all}}")
    assert acting(made.text) == {"thawed"}
    before = made(pictures(made)).logits
    with torch.no_grad():
        next(iter(made.tuned().values())).mul_(-1)
    assert not torch.allclose(made(pictures(made)).logits, before)


def test_what_the_frozen_model_knows_of_the_classes_is_read_without_grafts():
    from promptzoo.recipe.build import open_of

    asked = recipe("coop", "clip")
    backbone = open_of(asked)
    made = build(asked, CLASSES, backbone)
    bare = clip("head.template=a photo of a {}.").head.texts
    torch.testing.assert_close(class_texts(asked, made, backbone), bare)
    plain = recipe("coop", "clip", "knowledge=null")
    torch.testing.assert_close(class_texts(plain, made, backbone), made.head.texts)
    assert own_text(made) is made.text


def test_a_name_too_long_for_the_text_tower_is_refused_and_one_that_just_fits_is_not():
    refused = error(lambda: clip(names=["cat", LONG]))
    assert refused.given == [LONG]
    assert "reads 77 tokens" in refused.what
    fits = " ".join(["very"] * 75)
    tokenize = clip().head.tokenize
    assert int(sentences(tokenize, [fits], "{}").argmax(-1)) == 76
    assert error(lambda: sentences(tokenize, [fits], "{}.")).given == [fits]
    alone = "x-" * 60  # one word
    assert error(lambda: sentences(tokenize, [alone], "{}")).given == [alone]


# ---------------------------------------------------------------------- learned words


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_learned_words_stand_where_they_should_and_the_end_is_found_behind_them(position):
    made = model("coop", "clip", "grafts.coop.length=3", f"grafts.coop.position={position}")
    context, table = made.grafts["coop"].context, made.text.tokens.step.table
    ids, seen = made.head.ids[0], {}
    made.text.tokens.register_forward_hook(lambda _m, x, y: seen.update(x=y, ids=x[1]["ids"]))
    through(made.text, ids, torch.arange(len(ids)))
    v, e = context.vectors, table(ids)
    for row, word in enumerate(CLASSES):
        end = int(made.head.tokenize([word]).argmax())
        first = {"end": 3, "middle": 1, "front": 0}[position]
        whole = torch.cat([e[row, :1], v[:first], e[row, 1:end], v[first:], e[row, end : 77 - 3]])
        torch.testing.assert_close(seen["x"][row], whole)
        assert seen["ids"][row].argmax() == ids[row].argmax() + 3
        assert seen["ids"][row].max() == ids[row].max()


def test_words_to_begin_with_give_the_vectors_and_their_number():
    made = model("coop", "clip", "grafts.coop.init=a photo of a", "grafts.coop.length=null")
    table = made.text.tokens.step.table
    ids = made.head.tokenize(["a photo of a"])[0, 1:5]
    torch.testing.assert_close(made.grafts["coop"].context.vectors.data, table(ids))
    padded = model("prograd", "clip").grafts["coop"].context.vectors.data
    assert not padded[:12].any()
    torch.testing.assert_close(padded[12:], table(ids))
    own = model(
        "coop", "clip", "grafts.coop.init=a photo of a", "grafts.coop.length=4", "grafts.coop.class_specific=true"
    )
    assert own.grafts["coop"].context.vectors.shape == (len(CLASSES), 4, 16)


def test_a_class_has_words_of_its_own_where_it_should():
    made = model("coop", "clip", "grafts.coop.length=2", "grafts.coop.class_specific=true")
    before = made(pictures(made)).logits
    with torch.no_grad():
        made.grafts["coop"].context.vectors[1] += torch.randn(2, 16)
    moved = (made(pictures(made)).logits - before).abs().amax(0) > 1e-4
    assert moved.tolist() == [False, True, False, False]


REFUSED = {
    "length must be 1 or more, got 0": ["grafts.coop.length=0"],
    "init 'a photo of a' has 4 tokens, but length is 2": ["grafts.coop.init=a photo of a", "grafts.coop.length=2"],
    "a context of learned vectors acts on the class texts, which this head does not use; use head: {head: text}": [
        "head={head: linear}"
    ],
    "'coop' and 'again' both put words into the class texts at text.tokens;": ["grafts.again={graft: cocoop}"],
    "graft 'words' acts on the class texts, which this head does not use": [
        "grafts={words: {at: text.pool, after: {block: blend}}}", "head={head: linear}"
    ],
}  # fmt: skip


@pytest.mark.parametrize("said", REFUSED)
def test_words_that_cannot_be_learned_are_refused(said):
    assert said in sentence(lambda: clip(*REFUSED[said], name="coop"))


def test_names_without_room_are_named():
    refused = error(lambda: clip("grafts.coop.length=73", name="coop", names=["cat", "sea snake"]))
    assert (refused.key, refused.given) == ("length", 73)
    assert refused.what.endswith("for the class 'sea snake'")


def test_a_name_that_ends_within_a_token_is_refused_but_at_the_end():
    names = ["cat", "st."]
    clip(name="coop", names=names)
    refused = error(lambda: clip("grafts.coop.position=front", name="coop", names=names))
    assert (refused.key, refused.given) == ("position", "st.")
    assert "'end'" in refused.remedy


@pytest.mark.parametrize("name", ["coop", "cocoop", "maple"])
def test_class_texts_are_refused_where_there_is_no_text_tower(name):
    words = small.overrides("vit")
    from promptzoo.recipe.recipe import Recipe

    assert "this backbone has no text tower" in sentence(lambda: build(Recipe.read(name, words), CLASSES))
    said = sentence(lambda: build(Recipe.read(name, [*words, "head={head: linear}"]), CLASSES))
    assert "acts on the class texts, but this backbone has no text tower" in said


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["zero_shot", "coop", "maple"])
def test_underscores_in_a_class_s_name_are_read_as_blanks(name):
    said, written = (clip(names=["hair dryer", "t-shirt"], name=name), clip(names=["hair_dryer", "t-shirt"], name=name))
    assert torch.equal(said.head.ids, written.head.ids)
    assert torch.equal(said.head.texts, written.head.texts)
    image = pictures(said)
    assert torch.equal(said(image).logits, written(image).logits)
    assert written.classes == ["hair_dryer", "t-shirt"]
