"""What a LoRA folder of peft's holds: `config_of`, `tensors_of`, `pairs_of`, `head_of`."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from torch import Tensor

from promptzoo.errors import ZooError, some
from promptzoo.exporting.to_peft import BEFORE, CONFIG, WEIGHTS
from promptzoo.files import from_json
from promptzoo.model.checkpoint import finite
from promptzoo.paths import regular
from promptzoo.recipe.complaints import complaint

REFUSED = {"use_dora": "DoRA", "lora_bias": "biases of its own", "fan_in_fan_out": "transposed weights",
           "bias": "biases that learned in place"}  # fmt: skip
NAMES = TypeAdapter(list[str])
#: What may take for ever to fit: groups that repeat, or many repetitions.
ENDLESS = re.compile(r"\)[*+{]|(?:[*+{].*){4}")


class Config(BaseModel):
    """What is read of adapter_config.json, with peft's defaults; what else it asks for, the comparison finds out.

    Strict, for it becomes words of a recipe, which is trusted.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, strict=True)

    lora_alpha: float = 8.0
    alpha_pattern: dict[re.Pattern[str], float] | None = None
    lora_dropout: float | None = None
    use_rslora: bool = False
    base_model_name_or_path: str | None = None
    bias: str = "none"

    @field_validator("alpha_pattern")
    @classmethod
    def short(cls, value: dict[re.Pattern[str], float] | None) -> dict[re.Pattern[str], float] | None:
        if any(ENDLESS.search(one.pattern) for one in value or ()):
            raise ValueError("has a pattern that repeats a group, or repeats more than three times")
        return value

    def alpha(self, name: str) -> float:
        """That of one module: of the first pattern that the end of its name fits, or the one for all."""
        fits = (
            value
            for pattern, value in (self.alpha_pattern or {}).items()
            if re.fullmatch(rf"(.*\.)?({pattern.pattern})", name)
        )
        return next(fits, self.lora_alpha)


def config_of(folder: Path) -> Config:
    """What the folder says of itself.  Raises `ZooError` for one that contains no LoRA, or one of another kind."""
    try:
        told = from_json(regular(folder / CONFIG).read_bytes())
    except (ZooError, OSError, ValueError) as error:
        raise ZooError(f"{folder} is not a peft folder: it has no readable {CONFIG}", place=folder) from error
    kind = str(told.get("peft_type")) if isinstance(told, dict) else None
    if kind != "LORA":
        raise ZooError(f"{folder} contains no LoRA", key="peft_type", given=kind, possible=["LORA"])
    if foreign := [said for word, said in REFUSED.items() if told.get(word) not in (None, False, "none")]:
        raise ZooError(
            f"{folder} contains LoRA with {foreign[0]}, which no block here has", key="peft_type", given=kind
        )
    try:
        return Config.model_validate(told)
    except ValidationError as error:
        found = error.errors()
        said, fields = complaint(found)
        key = str(found[0]["loc"][0])
        raise ZooError(f"'{key}' {said}", place=folder / CONFIG, key=key, **fields) from error


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
        raise ZooError(f"{folder} contains no pair of matrices", place=folder / WEIGHTS)
    return found  # type: ignore[return-value]  # none is None


def head_of(tensors: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """The weight and bias of the linear classifier, the one module that is saved whole.  Raises `ZooError`."""
    whole = {key: tensor for key, tensor in tensors.items() if ".lora_" not in key}
    modules = {key.rpartition(".")[0] for key in whole}
    head = {key.rpartition(".")[2]: tensor for key, tensor in whole.items()}
    if len(modules) != 1 or set(head) != {"weight", "bias"} or head["weight"].ndim != 2:
        found = f", but {some(sorted(modules))}" if modules else ""
        way = 'peft does with modules_to_save=["head"]'
        raise ZooError(f"{folder} has no linear classifier beside its LoRA weights{found}", key="modules_to_save",
                       given=sorted(modules), remedy=way)  # fmt: skip
    return head
