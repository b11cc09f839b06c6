"""What a part may have is written once, ours keep it, and who does not gets a sentence."""

import ast
import inspect
import re
import textwrap
from pathlib import Path

import pytest
import small
import torch
from pictures import sentence
from torch import nn

import promptzoo
from promptzoo.errors import ZooError
from promptzoo.model.compliance import BASES, broken, check, hooks
from promptzoo.model.contract import Dataset, Graft, Head, Loss, Rule, Task
from promptzoo.model.heads import fixed
from promptzoo.model.model import Model
from promptzoo.recipe.build import build
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.registry import load_registry

PACKAGE = Path(promptzoo.__file__).parent
OURS = [(kind, word, entry) for kind, word, entry in load_registry().entries() if kind in BASES]
HOOKS = [(base, name) for base in BASES.values() for name in hooks(base)]
HERE = f"{__name__}:"

# ---------------------------------------------------------------------- ours


@pytest.mark.parametrize(("kind", "word", "entry"), OURS, ids=lambda one: one if isinstance(one, str) else "")
def test_every_part_of_the_registry_derives_from_its_base_and_keeps_the_contract(kind, word, entry):
    assert issubclass(entry.load(), BASES[kind])
    assert broken(entry.load(), BASES[kind]) == ()


@pytest.mark.parametrize(("base", "name"), HOOKS, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_every_hook_says_when_it_is_called_and_what_it_may_do(base, name):
    owner = next(one for one in base.__mro__ if name in vars(one) and one.__module__.startswith("promptzoo."))
    hook = vars(owner)[name]
    said = inspect.getdoc(hook) if callable(hook) else attributes(owner)[name]
    assert said
    assert said.endswith(".")


@pytest.mark.parametrize("base", BASES.values(), ids=lambda base: base.__name__)
def test_every_attribute_of_a_base_is_explained_too(base):
    for owner in base.__mro__:
        if owner.__module__.startswith("promptzoo."):
            assert all(attributes(owner).values())


def attributes(owner: type) -> dict[str, str]:
    """The string behind each attribute of a class."""
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    docs = {}
    for one, behind in zip(found.body, [*found.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign):
            text = behind.value if isinstance(behind, ast.Expr) else None
            docs[one.target.id] = text.value if isinstance(text, ast.Constant) else ""
    return docs


FOREIGN = ("first",)  # a set of torchvision, which knows nothing of the contract


def test_no_hook_is_looked_for_by_its_name_anywhere_else():
    names = {name for _, name in HOOKS} | {"classes", "train", "val", "test"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            hook = isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr")
            if hook and ast.unparse(node.args[0]) not in FOREIGN:
                assert ast.unparse(node.args[1]).strip("'") not in names, f"{path}:{node.lineno}"


def test_what_a_graft_leaves_out_does_nothing():
    made, graft, state = small.model("linear"), Nothing(), {}
    made.graft({"nothing": graft})
    assert graft.needs(made) == promptzoo.Needs(prefix=0, pathways=0)
    for said in (graft.prepare(made, None), graft.settle(made, None), graft.rewind(state, list), graft.decoupled()):
        assert said is None
    assert (graft.also_held(made), graft.reads, graft.writes, graft.frozen, state) == ({}, (), (), False, {})


# ---------------------------------------------------------------------- who does not keep it


class Nothing(Graft):
    def attach(self, model, name): ...


class Foreign(nn.Module):
    def needs(self, model): ...
    def attach(self, model, name): ...


class Unattached(Graft):
    def atach(self, model, name): ...


class Misspelt(Nothing):
    write = ("prompts",)

    def prepair(self, model, data): ...
    def remember(self, features): ...


class Unknowing(Loss):
    def forward(self, output, label, guess=None): ...
    def set_knowlege(self, q): ...


class Forgetful(Head):
    def __init__(self, dim: int):
        super().__init__()


class Short(Nothing):
    def prepare(self, model): ...


class Silent(Task):
    def evaluates(self, model, batches): ...


class Ruleless(Rule):
    reads = ("close",)


class Anonymous(Dataset):
    def finger_print(self): ...


class Both(Nothing):
    """A helper may look like a hook that is there."""

    def settle(self, model, data): ...
    def settled(self): ...


class Block(nn.Module):
    """A block is free, whatever it has."""

    def __init__(self, dim: int):
        super().__init__()

    def prepair(self): ...
    def forward(self, x):
        return x


WRONG = [
    (
        Foreign,
        Graft,
        "does not derive from Graft: write `from promptzoo import Graft` and `class Foreign(Graft)`",
    ),
    (
        Unattached,
        Graft,
        "lacks attach(model, name); has 'atach', which is never called; did you mean 'attach'?",
    ),
    (Misspelt, Graft, "has 'prepair', which is never called; did you mean 'prepare'?"),
    (Misspelt, Graft, "has 'write', which is never called; did you mean 'writes'?"),
    (Unknowing, Loss, "has 'set_knowlege', which is never called; did you mean 'set_knowledge'?"),
    (Forgetful, Head, "Forgetful lacks forward(feature, notes)"),
    (Short, Graft, "has prepare(model), but is called as prepare(model, data)"),
    (Silent, Task, "lacks evaluate(model, batches); has 'evaluates'"),
    (Ruleless, Rule, "lacks __call__(losses, parameters, backward, average)"),
    (Anonymous, Dataset, "lacks fingerprint(); has 'finger_print'"),
    (nn.Identity, Loss, "does not derive from Loss"),
]


@pytest.mark.parametrize(("cls", "base", "said"), WRONG, ids=lambda one: one.__name__ if isinstance(one, type) else "")
def test_a_class_that_does_not_keep_the_contract_is_told_what_it_lacks_and_where_the_contract_stands(cls, base, said):
    found = sentence(lambda: check(cls, base, "graft 'a:B'"))
    assert found.startswith(f"graft 'a:B': {cls.__name__} ")
    assert said in found
    assert found.endswith(inspect.getfile(base))


def test_what_keeps_it_is_not_refused_for_helpers_that_look_like_hooks():
    assert broken(Both, Graft) == broken(Nothing, Graft) == ()
    assert not [one for one in broken(Misspelt, Graft) if "remember" in one]
    block = Construct(load_registry()).build({"block": f"{HERE}Block"}, "block", dim=3)
    assert isinstance(block, Block)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            f"grafts={{mine: {{graft: '{HERE}Misspelt'}}}}",
            r"grafts.*: Misspelt has 'write', .*; has 'prepair'",
        ),
        (f"losses={{more: {{loss: '{HERE}Unknowing'}}}}", r"losses.*: Unknowing has 'set_knowlege'"),
        (f"head={{head: '{HERE}Forgetful'}}", r"head.*: Forgetful lacks forward"),
    ],
)
def test_a_recipe_is_refused_at_the_place_that_names_the_class(word, said):
    assert re.search(said, sentence(lambda: build(small.recipe("linear", "vit", word), small.CLASSES)))


def test_in_python_a_part_is_checked_where_it_joins_the_model():
    made = small.model("linear")
    assert sentence(lambda: made.graft({"mine": Foreign()})).startswith("graft 'mine': Foreign does not derive")
    with pytest.raises(ZooError, match="'more': Identity does not derive from Loss"):
        made.losses["more"] = nn.Identity()
    made.head = nn.Identity()
    assert sentence(lambda: fixed(made)).startswith("the head: Identity does not derive from Head")
    bare = Model(made.visual, None, small.CLASSES)
    assert "has no head yet" in sentence(lambda: bare(torch.zeros(1, *bare.visual.input)))
