"""Every shipped recipe on every family of backbones: it learns, compiles, moves, and keeps its promises."""

import copy
import re

import pytest
import small
import torch
from small import CLASSES, COMBINATIONS, TELLING, built, fits, model, pictures, randomise, recipe

from promptzoo.model.step import Step
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry, shipped_recipes

LABEL, GUESS = torch.tensor([0, 1, 2]), torch.tensor([0, 2, 1])
#: Tracing takes long: each recipe once, and windows with few layers around them.
TRACED = [*(pair for pair in TELLING if pair[1] == "vit" or not fits(pair[0], "vit")), ("vpt_deep", "swin")]
#: Parts of these are traced with others, or in their place.
LATER = ("clip_adapter", "clip_lora", "linear", "full", "prograd", "tip_adapter", "visual_prompt", "zero_shot")
LEARNING = [(name, kind) for name, kind in TELLING if small.shipped(name).losses]

NOT_DRAWN = ("prograd", "tip_adapter_f")  # they start from given words and from pictures


def step_losses(made, image):
    return Step(made)(image, LABEL, GUESS)[0]


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_recipe_is_complete_on_its_page_and_says_its_command_on_top(name: str) -> None:
    text = shipped_recipes()[name].read_text()
    assert text.startswith(f"# recipes/{name}.yaml: ")
    assert re.search(rf"^# promptzoo train {name}\b", text, re.MULTILINE)
    read = Recipe.read(name)
    assert Recipe.parse(read.to_yaml()) == read


@pytest.mark.parametrize(("name", "kind"), LEARNING)
def test_every_trainable_tensor_receives_a_gradient_within_two_steps(name: str, kind: str) -> None:
    made = model(name, kind).double().train()
    image = pictures(made).double()
    excepted = [p for _, _, entry in load_registry().entries() for p in entry.no_gradient]
    live: set[str] = set()
    optimizer = torch.optim.SGD(made.tuned().values(), lr=0.1)
    for seed in range(3):
        torch.manual_seed(seed)
        sum(step_losses(made, image).values()).backward()
        scale = max(float(p.grad.abs().max()) for p in made.tuned().values() if p.grad is not None)
        live |= {n for n, p in made.tuned().items() if p.grad is not None and float(p.grad.abs().max()) > 1e-12 * scale}
        optimizer.step()
        optimizer.zero_grad()
    dead = {n for n in made.tuned() if n not in live and not any(re.search(rf"(^|\.){p}$", n) for p in excepted)}
    assert not dead


@pytest.mark.parametrize(("name", "kind"), COMBINATIONS)
def test_rows_never_mix_in_evaluation_mode(name: str, kind: str) -> None:
    made = model(name, kind)
    randomise(made)
    made.double().eval()
    image = pictures(made).double()
    with torch.no_grad():
        together, alone = made(image), [made(one[None]) for one in image]
    torch.testing.assert_close(together.logits, torch.cat([out.logits for out in alone]))
    for key in alone[0].notes.values:
        if key.endswith((".latent", ".local", ".logits")):
            torch.testing.assert_close(together.notes[key], torch.cat([out.notes[key] for out in alone]))


@pytest.mark.parametrize(
    ("name", "kind"), [pytest.param(*pair, marks=pytest.mark.slow) if pair[0] in LATER else pair for pair in TRACED]
)
def test_a_recipe_compiles_as_one_graph(name: str, kind: str) -> None:
    made = model(name, kind)
    image = pictures(made)
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: made(x).logits, fullgraph=True, backend="eager")  # what is traced; no kernels
    torch.testing.assert_close(compiled(image), made(image).logits)


@pytest.mark.slow
def test_a_whole_training_step_of_the_hybrid_compiles_as_one_graph() -> None:
    silent = ("grafts.lore.generator.dropout=0", "grafts.sa2vp.adapter.dropout=0")
    made = model("lore_sa2vp_hybrid", "vit", *silent).train()
    image, twin = pictures(made), copy.deepcopy(made)
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: sum(step_losses(made, x).values()), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(image), sum(step_losses(twin, image).values()))


@pytest.mark.slow
def test_the_hybrid_compiles_with_inductor() -> None:
    made = model("lore_sa2vp_hybrid")
    image = pictures(made)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(lambda x: made(x).logits)(image), made(image).logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "kind"), TELLING)
def test_a_recipe_moves_to_the_meta_device_and_runs_there(name: str, kind: str) -> None:
    made = model(name, kind).to("meta")
    assert made(torch.empty(2, *made.visual.input, device="meta")).logits.shape == (2, len(CLASSES))


@pytest.mark.parametrize(("name", "kind"), LEARNING)
def test_training_leaves_the_frozen_weights_bit_identical_and_lowers_the_loss(name: str, kind: str) -> None:
    made = model(name, kind)
    before, image = made.fingerprint(), pictures(made)
    optimizer = torch.optim.AdamW(made.tuned().values(), lr=3e-3)
    made.train()
    totals = []
    for _ in range(8):
        torch.manual_seed(0)
        losses = step_losses(made, image)
        total = sum(losses.values())
        total.backward()
        optimizer.step()
        optimizer.zero_grad()
        totals.append(float(total.detach()))
    assert made.fingerprint() == before
    assert totals[-1] < totals[0]


@pytest.mark.parametrize(("name", "kind"), LEARNING)
def test_a_model_is_the_same_under_the_same_seed_and_with_the_same_checkpoint(name: str, kind: str) -> None:
    one, two, other = model(name, kind), built(name, kind), built(name, kind, "train.seed=9")
    own = one.tuned_state()
    for key, tensor in two.tuned_state().items():
        torch.testing.assert_close(tensor, own[key], rtol=0, atol=0, equal_nan=True)
    drawn = {key: tensor for key, tensor in other.tuned_state().items() if "knowledge" not in key}
    assert name in NOT_DRAWN or any(not torch.equal(tensor, own[key]) for key, tensor in drawn.items())
    randomise(one.grafts)
    randomise(one.head)
    assert one.fingerprint() == other.fingerprint()
    other.load_tuned(one.tuned_state())
    image = pictures(one)
    torch.testing.assert_close(other(image).logits, one(image).logits, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "kind"), [pair for pair in COMBINATIONS if pair[0] in ("lore", "sa2vp", "lore_sa2vp_hybrid")]
)
def test_a_copy_is_independent(name: str, kind: str) -> None:
    made = model(name, kind)
    image, twin = pictures(made), copy.deepcopy(made)
    expected = made(image).logits
    randomise(made.grafts)
    torch.testing.assert_close(twin(image).logits, expected, rtol=0, atol=0)
    assert not torch.equal(made(image).logits, expected)


@pytest.mark.parametrize("kind", ["vit", "swin", "clip"])
def test_in_the_hybrid_the_order_of_the_grafts_changes_nothing(kind: str) -> None:
    one = model("lore_sa2vp_hybrid", kind)
    swapped = recipe("lore_sa2vp_hybrid", kind).to_dict()
    swapped["grafts"] = dict(reversed(swapped["grafts"].items()))
    from promptzoo.recipe.build import build

    two = build(Recipe.of(swapped), CLASSES)
    for made in (one, two):
        made.eval()
    two.grafts.load_state_dict(one.grafts.state_dict())
    two.head.load_state_dict(one.head.state_dict())
    image = pictures(one)
    torch.testing.assert_close(two(image).logits, one(image).logits)


ABLATIONS = {
    "lore": ["losses.prototype.weight=0", "grafts.lore.local.block=identity",
             "grafts.lore.generator.block=learned_prompts", "grafts.lore.learned=0",
             "losses.prototype.attend.block=mean_tokens"],
    "sa2vp": ["grafts.sa2vp.align.block=global_cross_attention", "grafts.sa2vp.adapter.block=identity",
              "grafts.sa2vp.fresh=false", "losses.prompt.weight=0", "grafts.sa2vp.map.block=zero_map",
              "grafts.sa2vp.fuse.block=keep_own", "grafts.sa2vp.parts=[1, 2]", "grafts.sa2vp.align.border=zero"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "word"), [(name, word) for name, words in ABLATIONS.items() for word in words])
def test_an_ablation_is_an_override_of_one_word(name: str, word: str) -> None:
    made = model(name, "vit", word)
    losses = step_losses(made.train(), pictures(made))
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert sum(losses.values()).requires_grad


def test_every_ablation_of_the_papers_stands_in_the_header_of_its_recipe() -> None:
    for name, words in ABLATIONS.items():
        text = shipped_recipes()[name].read_text()
        for word in words[:3] if name == "lore" else words[:4]:
            assert word in text


def test_a_loss_of_weight_zero_is_left_out_with_what_it_owns() -> None:
    assert "prototype" not in model("lore", "vit", "losses.prototype.weight=0").losses
