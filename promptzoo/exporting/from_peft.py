"""A LoRA folder of peft's as a run of the zoo: `from_peft`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from promptzoo.arguments import typed
from promptzoo.backbones import Backbone
from promptzoo.errors import ZooError, some
from promptzoo.exporting.export import PREDICT, Exported, alike
from promptzoo.exporting.folder import deliver_folder, free
from promptzoo.exporting.to_onnx import needed
from promptzoo.exporting.to_peft import BEFORE, CONFIG, WEIGHTS, apart
from promptzoo.files import from_json
from promptzoo.model.checkpoint import finite
from promptzoo.model.ordinary import ordinary
from promptzoo.paths import at, regular
from promptzoo.recipe.bounds import Portion
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.complaints import listed
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.checkpoint import pack

SCALINGS = {False: "alpha/rank", True: "alpha/sqrt(rank)"}
SOURCE = "timm/"
NAMES = TypeAdapter(list[str])
REFUSED = {"use_dora": "DoRA", "lora_bias": "biases of its own", "fan_in_fan_out": "transposed weights"}


class Config(BaseModel):
    """What a folder says of its pairs; numbers alone, for they become words of a recipe, which is trusted."""

    model_config = ConfigDict(strict=True, frozen=True)

    base_model_name_or_path: str | None = None
    lora_alpha: FiniteFloat = 8.0  # as peft has it
    alpha_pattern: dict[str, FiniteFloat] | None = None
    lora_dropout: Portion = 0.0
    use_rslora: bool = False


@typed()
@ordinary()
def from_peft(
    folder: str | Path,
    out: str | Path,
    *,
    words: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    force: bool = False,
) -> Exported:
    """Writes a folder that `promptzoo.load` reads: the recipe `lora` with the folder's pairs, bit by bit.

    `words` are overrides of that recipe: `backbone.open` where the folder does not name a model of timm,
    `backbone.weights` where they are.  `classes` are the names, which only folders that promptzoo wrote have.
    Raises `ZooError` for a folder of another model or method, for targets that the backbone does not have, and where
    `out` is taken.
    """
    folder, target = at(folder), at(out)
    free(target, force)
    needed("peft")
    told, (tensors, names) = config_of(folder), tensors_of(folder)
    backbone_words = named(told, words)
    pairs = pairs_of(tensors, folder)
    head = {key.rpartition(".")[2]: tensor for key, tensor in tensors.items() if ".lora_" not in key}
    if set(head) != {"weight", "bias"} or head["weight"].ndim != 2:
        way = 'peft saves one with modules_to_save=["head"]'
        raise ZooError(f"{folder} has no linear classifier beside its pairs", key="modules_to_save", remedy=way)
    names = list(classes or names or map(str, range(len(head["weight"]))))
    if len(names) != len(head["weight"]):
        said = f"{folder} tells {len(head['weight'])} classes apart, and {len(names)} are named"
        raise ZooError(said, key="classes", given=some(names))
    own = [word for word in words if word.startswith("backbone.")]
    backbone = open_of(Recipe("lora", overrides=[*backbone_words, *own]))
    places = placed(pairs, backbone, folder)
    recipe = Recipe("lora", overrides=[*backbone_words, grafts_of(places, pairs, told), *words])
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
    alike(difference, target)
    content = pack(model.tuned_state(), recipe, names, model.fingerprint())
    made = {"model.safetensors": content}
    deliver_folder(target, made, force)
    return Exported(target, made, PREDICT.format, difference)


def config_of(folder: Path) -> Config:
    """What the folder says of itself.  Raises `ZooError` for one that holds no LoRA, or one of another kind."""
    try:
        told = from_json(regular(folder / CONFIG).read_bytes())
    except (OSError, ValueError) as error:
        raise ZooError(f"{folder} is no folder of peft: it has no {CONFIG} that can be read", place=folder) from error
    kind = told.get("peft_type") if isinstance(told, dict) else None
    if kind != "LORA":
        raise ZooError(f"{folder} holds no LoRA", key="peft_type", given=kind, possible=["LORA"])
    if foreign := [said for word, said in REFUSED.items() if told.get(word)]:
        raise ZooError(f"{folder} holds LoRA with {foreign[0]}, which no block here has", key="peft_type", given=kind)
    try:
        return Config.model_validate(told)
    except ValidationError as error:
        raise ZooError(listed(error.errors()), place=folder / CONFIG) from error


def tensors_of(folder: Path) -> tuple[dict[str, Tensor], list[str]]:
    """By the names of the plain model, and the class names where promptzoo wrote them.  Raises `ZooError`."""
    file = regular(folder / WEIGHTS)
    try:
        with safe_open(file, "pt") as opened:
            found = {key.removeprefix(BEFORE): opened.get_tensor(key).float() for key in opened.keys()}  # noqa: SIM118
            names = NAMES.validate_python(from_json((opened.metadata() or {}).get("classes", "[]")))
    except (SafetensorError, OSError, ValueError) as error:
        raise ZooError(f"it is not a readable .safetensors file: {error}", place=file) from error
    finite(found, str(file))
    return found, names


def pairs_of(tensors: Mapping[str, Tensor], folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Both thin matrices by the module that they stand beside.  Raises `ZooError` for what is no pair."""
    found = {}
    for key in tensors:
        name, sign, rest = key.partition(".lora_")
        if not sign:
            continue
        both = [tensors.get(f"{name}.lora_{side}.weight") for side in "AB"]
        if rest not in ("A.weight", "B.weight") or any(one is None or one.ndim != 2 for one in both):
            raise ZooError(f"{folder} has no pair of matrices for '{name}'", key=key, given=key)
        found[name] = (both[0], both[1])
    if not found:
        raise ZooError(f"{folder} holds no pair of matrices", place=folder / WEIGHTS)
    return found  # type: ignore[return-value]  # none is None


def named(told: Config, words: Sequence[str]) -> list[str]:
    """The words that open the backbone that the folder names, where it names one of timm and no other is asked for."""
    if any(word.startswith("backbone.open=") for word in words):
        return []
    base = told.base_model_name_or_path or ""
    if not base.startswith(SOURCE):
        way = "write backbone.open=timm/NAME, and backbone.weights=FILE or a tag"
        raise ZooError(
            f"the folder does not name a model of timm: '{base}'", key="backbone.open", given=base, remedy=way
        )
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
            said = f"{folder} is of another model: '{name}' maps {given[1]} to {given[0]} there, and"
            raise ZooError(f"{said} {' from '.join(map(str, wanted))} in {backbone.name}", key="backbone.open",
                           given=backbone.name)  # fmt: skip
        found[place.removesuffix(".weight")] = name
    return found


def grafts_of(places: Mapping[str, str], pairs: Mapping[str, tuple[Tensor, Tensor]], told: Config) -> str:
    """The word of a recipe: a graft for each rank and scale, with the sites where they stand."""
    groups: dict[tuple[int, float], list[str]] = {}
    for site, name in places.items():
        rank = len(pairs[name][0])
        groups.setdefault((rank, of_pattern(told.alpha_pattern, name, told.lora_alpha)), []).append(site)
    same = f"scaling: {SCALINGS[told.use_rslora]}, dropout: {told.lora_dropout}"
    beside = [
        f"at: [{', '.join(sites)}], beside: {{block: low_rank, rank: {rank}, alpha: {alpha}, {same}}}"
        for (rank, alpha), sites in groups.items()
    ]
    return "grafts={" + ", ".join(f"lora{number or ''}: {{{one}}}" for number, one in enumerate(beside)) + "}"


def of_pattern(patterns: Mapping[str, float] | None, name: str, plain: float) -> float:
    """What a folder says of one module: that of the pattern at the end of its name, or what holds for all."""
    return next((value for key, value in (patterns or {}).items() if name == key or name.endswith(f".{key}")), plain)
