"""What a run learned on, and what it is asked about: base to new classes, other sets, other pictures of its classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptzoo.data.dataset import Dataset
from promptzoo.errors import ZooError, some
from promptzoo.recipe.overrides import apart
from promptzoo.recipe.pictures import demand_names, open_dataset
from promptzoo.recipe.presets import load_presets
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.shapes import shapes_of
from promptzoo.training.reopen import bound_to

CROSS = (
    "caltech101", "oxford_pets", "stanford_cars", "oxford_flowers", "food101", "fgvc_aircraft", "sun397", "dtd",
    "eurosat", "ucf101",
)  # fmt: skip
SHIFTED = ("imagenet_v2", "imagenet_sketch", "imagenet_a", "imagenet_r")


@dataclass(frozen=True)
class Target:
    """Other pictures that a run is asked about: a name for the table, and overrides of the run's data."""

    name: str
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """What all recipes of a comparison learn on (`overrides`, called `source`), and what each run is asked about then.

    Classes may be `new`, so that a recipe must name any; else they are among those that it learned.
    """

    name: str
    targets: tuple[Target, ...]
    overrides: tuple[str, ...] = ()
    source: str = "source"
    new: bool = True

    @property
    def harmonic(self) -> bool:
        """Whether source and target are one figure, their harmonic mean; else the mean of the targets is."""
        return self.name == "base_to_new"


PROTOCOLS = ("base_to_new", "cross", "dg")


def protocol_of(name: str, to: Sequence[str] = (), words: Sequence[str] = ()) -> Protocol:
    """`base_to_new` (CoCoOp), `cross` to other sets, or `dg`, domain generalisation, to other pictures of its classes.

    `to` are the sets to ask about, presets or folders of pictures; else those of Zhou et al. 2022: the ten others of
    CoOp, the four variants of ImageNet.
    Raises `ZooError` for a protocol or a set that there is not, and for overrides that the protocol itself says.
    """
    if name not in PROTOCOLS:
        said = f"--protocol takes {', '.join(PROTOCOLS)}, not '{name}'"
        raise ZooError(said, key="--protocol", given=name, possible=PROTOCOLS)
    if name != "base_to_new":
        asked = tuple(to) or (CROSS if name == "cross" else SHIFTED)
        if len(set(asked)) < len(asked):
            raise ZooError(f"--to names a set twice: {', '.join(asked)}", key="--to", given=[*asked])
        targets = tuple(map(target_of, asked))
        names = [target.name for target in targets]
        if twice := [one for one in dict.fromkeys(names) if names.count(one) > 1]:
            said = f"two folders of --to are called '{twice[0]}', and answers are kept by name; rename one"
            raise ZooError(said, key="--to", given=[*asked])
        return Protocol(name, targets, new=name == "cross")
    if to:
        raise ZooError("--to needs cross or dg; base_to_new tests on the other half of the classes", key="--to")
    if halves := [word for word in apart(words)[1] if word.partition("=")[0].strip() == "data.half"]:
        raise ZooError(f"{halves[0]}: --protocol base_to_new sets the half itself", key="data.half", given=halves[0])
    return Protocol(name, (Target("new", ("data.half=new",)),), ("data.half=base",), "base")


def target_of(word: str) -> Target:
    """A preset or a source of the registry by its word, or a folder of pictures."""
    if word in load_presets() or word in load_registry().shelf("dataset"):
        return Target(word, (f"data.dataset={word}", "data.half=all"))
    if Path(word).expanduser().is_dir():
        return Target(Path(word).name or word, ("data.dataset=folder", f"data.root={word}", "data.half=all"))
    possible = [*load_presets(), *load_registry().shelf("dataset")]
    raise ZooError(
        f"--to takes the name of a data set or a folder of pictures; '{word}' is neither", key="--to", given=word,
        possible=possible, remedy="promptzoo data list shows the names",
    )  # fmt: skip


def demand(protocol: Protocol, recipe: Recipe) -> dict[str, str]:
    """Raises `ZooError` where a recipe cannot be asked about a target; else a digest of each target's pictures.

    A head of so many classes, a cache of their pictures, words of each class: what belongs to the classes that were
    learned is found by its shape, which changes where there is one class more.
    """
    own = open_dataset(recipe).classes
    found, bound = {}, None
    for target in protocol.targets:
        aside = Recipe(recipe, overrides=target.overrides)
        there: Dataset = open_dataset(aside, only="test")
        demand_names(aside, there)
        if not there.test:
            raise ZooError(f"{target.name} has no test pictures", key="--to", given=target.name)
        if not protocol.new and (strange := [name for name in there.classes if name not in own]):
            raise ZooError(
                f"{target.name} has classes that are not among those of {recipe.data.dataset}: {some(strange)}",
                key="--protocol", given=protocol.name, remedy="use --protocol cross for other classes",
            )  # fmt: skip
        if there.classes != own:
            bound = bound_to(shapes_of(recipe, own).tuned_state(), recipe, own) if bound is None else bound
            if bound:
                raise ZooError(
                    f"{some(bound)} would learn parameters for its own {len(own)} classes, but {target.name} "
                    f"has others; --protocol {protocol.name} needs methods that classify by class names",
                    key="--protocol", given=protocol.name,
                )  # fmt: skip
        found[target.name] = there.fingerprint()
    return found
