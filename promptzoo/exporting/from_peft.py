"""A LoRA folder of peft's as a run of the zoo: `from_peft`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from promptzoo.arguments import typed
from promptzoo.backbones import Backbone
from promptzoo.errors import ZooError, some
from promptzoo.exporting.export import PREDICT, Exported, alike
from promptzoo.exporting.folder import deliver_folder, free
from promptzoo.exporting.peft_folder import Config, config_of, head_of, pairs_of, tensors_of
from promptzoo.exporting.to_onnx import needed
from promptzoo.exporting.to_peft import CONFIG, WEIGHTS, apart
from promptzoo.model.ordinary import ordinary
from promptzoo.paths import at
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.checkpoint import pack

SCALINGS = {False: "alpha/rank", True: "alpha/sqrt(rank)"}
SOURCE = "timm/"


@typed()
@ordinary()
def from_peft(
    folder: str | Path,
    out: str | Path,
    *,
    overrides: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    force: bool = False,
) -> Exported:
    """Writes a folder that `promptzoo.load` reads: the recipe `lora` with the folder's pairs, bit by bit.

    `overrides` are of that recipe: `backbone.open` where the folder does not name a model of timm,
    `backbone.weights` where they are.  `classes` are the names, which only folders that promptzoo wrote have.
    Raises `ZooError` for a folder of another model or method, for targets that the backbone does not have, and where
    `out` is taken.
    """
    folder, target = at(folder), at(out)
    free(target, force)
    needed("peft")
    told, (tensors, names) = config_of(folder), tensors_of(folder)
    backbone_words = named(told, overrides)
    pairs = pairs_of(tensors, folder)
    head = head_of(tensors, folder)
    names = list(classes or names or map(str, range(len(head["weight"]))))
    if len(names) != len(head["weight"]):
        said = f"{folder} has {len(head['weight'])} classes, but {len(names)} names are given"
        raise ZooError(said, key="classes", given=some(names))
    own = [word for word in overrides if word.startswith("backbone.")]
    backbone = open_of(Recipe("lora", overrides=[*backbone_words, *own]))
    places = placed(pairs, backbone, folder)
    recipe = Recipe("lora", overrides=[*backbone_words, grafts_of(places, pairs, told), *overrides])
    model = build(recipe, names, backbone).eval()
    state = {f"head.fc.{word}": tensor for word, tensor in head.items()}
    for name in recipe.grafts:
        for number, site in enumerate(recipe.grafts[name]["at"]):
            down, up = pairs[places[site]]
            state |= {f"grafts.{name}.blocks.{number}.down.all.weight": down}
            state |= {f"grafts.{name}.blocks.{number}.up.all.weight": up}
    model.load_tuned(state)
    plain: Any = backbone.plain
    files = {name: (folder / name).read_bytes() for name in (CONFIG, WEIGHTS)}
    difference = apart(model, plain, files, len(names))
    alike(difference, target, than="the model that peft loads from the folder")
    content = pack(model.tuned_state(), recipe, names, model.fingerprint())
    made = {"model.safetensors": content}
    deliver_folder(target, made, force)
    return Exported(target, made, PREDICT.format, difference)


def named(told: Config, overrides: Sequence[str]) -> list[str]:
    """What opens the backbone that the folder names, where it names one of timm and no other is asked for."""
    if any(word.startswith("backbone.open=") for word in overrides):
        return []
    base = str(told.base_model_name_or_path or "")
    if not base.startswith(SOURCE):
        way = "write backbone.open=timm/NAME, and backbone.weights=FILE or a tag"
        raise ZooError(f"the folder does not name a timm model: '{base}'", key="backbone.open", given=base, remedy=way)
    name, _, tag = base.partition(".")
    return [f"backbone.open={name}", *([f"backbone.weights={tag}"] if tag else [])]


def placed(pairs: Mapping[str, tuple[Tensor, Tensor]], backbone: Backbone, folder: Path) -> dict[str, str]:
    """The name of each pair by the site where it stands.  Raises `ZooError` for a target that the backbone has not."""
    found = {}
    sizes = {key: tensor.shape for key, tensor in backbone.adopted.visual.state_dict().items()}
    for name, (down, up) in pairs.items():
        place = backbone.names.get(f"{name}.weight", "")
        if not place.startswith("visual."):
            known = [key.removesuffix(".weight") for key, one in backbone.names.items() if key.endswith(".weight")]
            said = f"{folder} adapts '{name}', which {backbone.name} does not have"
            raise ZooError(said, key="target_modules", given=name, possible=known)
        wanted, given = tuple(sizes[place.removeprefix("visual.")]), (up.shape[0], down.shape[1])
        if wanted != given:
            said = f"{folder} belongs to another model: '{name}' maps {given[1]} to {given[0]} there, and"
            raise ZooError(f"{said} {' from '.join(map(str, wanted))} in {backbone.name}", key="backbone.open",
                           given=backbone.name)  # fmt: skip
        found[place.removesuffix(".weight")] = name
    return found


def grafts_of(places: Mapping[str, str], pairs: Mapping[str, tuple[Tensor, Tensor]], told: Config) -> str:
    """The word of a recipe: a graft for each rank and scale, with the sites where they stand."""
    groups: dict[tuple[int, float], list[str]] = {}
    for site, name in places.items():
        groups.setdefault((len(pairs[name][0]), told.alpha(name)), []).append(site)
    same = f"scaling: {SCALINGS[told.use_rslora]}, dropout: {told.lora_dropout or 0.0}"
    beside = [
        f"at: [{', '.join(sites)}], beside: {{block: low_rank, rank: {rank}, alpha: {alpha}, {same}}}"
        for (rank, alpha), sites in groups.items()
    ]
    return "grafts={" + ", ".join(f"lora{number or ''}: {{{one}}}" for number, one in enumerate(beside)) + "}"
