"""A LoRA run as a folder that peft loads on the plain model: `to_peft`."""

import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from promptzoo.backbones.plain import Plain
from promptzoo.blocks.low_rank import PARTS, LowRank
from promptzoo.errors import ZooError, told
from promptzoo.exporting.facts import facts_of
from promptzoo.exporting.merge import difference
from promptzoo.files import as_json
from promptzoo.model.checkpoint import in_order
from promptzoo.model.heads import LinearHead
from promptzoo.model.model import Model
from promptzoo.model.site import Around, bare, bare_name, beside
from promptzoo.noticed import noticing
from promptzoo.training.reopen import Reopened

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
BEFORE = "base_model.model."  # what peft puts before the names of a model's parts


@dataclass(frozen=True)
class Adapter:
    """A folder's `files` by name, what of the run stays outside, and how far peft's output is from the model's."""

    files: dict[str, bytes] = field(repr=False)
    rest: tuple[str, ...]
    difference: float
    plain: Plain
    classes: int

    def code(self, place: str) -> str:
        """The lines of Python that load it on the plain model, with its own weights where those are timm's."""
        told = {**({"pretrained": True} if "." in self.plain.name else {}), **self.plain.arguments}
        words = "".join(f", {word}={value!r}" for word, value in told.items())
        made = f"timm.create_model({self.plain.name!r}, num_classes={self.classes}{words})"
        name = place.removeprefix("hf-hub:")
        return f"import timm\nfrom peft import PeftModel\nmodel = PeftModel.from_pretrained({made}, {name!r}).eval()"


def to_peft(run: Reopened, path: Path) -> Adapter:
    """The pairs of each projection become one of peft's, side by side in its rank; a linear head is saved with them.

    Raises `ZooError` naming what in the run is no LoRA, and for a backbone that is not of timm.
    """
    model, plain = run.model, run.backbone.plain
    if plain is None or plain.library != "timm":
        said = f"peft adapts linear layers of timm models by name, but {run.backbone.name} is not one"
        raise ZooError(said, place=path, key="to", given="peft")
    own = isinstance(bare(model.head), LinearHead) and bool(plain.classifier)
    places = {place: key for key, place in run.backbone.names.items()}
    found = {places[f"{where}.weight"].removesuffix(".weight"): block for where, block in pairs(model, path)}
    tensors: dict[str, Tensor] = {}
    for name, block in found.items():
        down, up = stacked(block)
        tensors |= {f"{BEFORE}{name}.lora_A.weight": down, f"{BEFORE}{name}.lora_B.weight": up}
    if own:
        tensors |= {f"{BEFORE}{name}.{word}": tensor.detach().clone() for name in plain.classifier
                    for word, tensor in bare(model.head).fc.named_parameters()}  # fmt: skip
    facts = facts_of(run)
    words = {**facts.words(), "format": "pt"}
    tensors = {key: tensor.cpu().contiguous() for key, tensor in tensors.items()}
    files = {
        CONFIG: as_json(config(found, plain, own), indent=2).encode(),
        WEIGHTS: in_order(save(tensors, words), words),
    }
    rest = [] if own else [f"the head, a {type(bare(model.head)).__name__}: the plain model returns features"]
    if "." not in plain.name:
        rest.append(f"the frozen weights, '{facts.weights}': load them into the plain model first")
    classes = len(model.classes) if own else 0
    return Adapter(files, tuple(rest), apart(model, plain, files, classes), plain, classes)


def pairs(model: Model, path: Path) -> list[tuple[str, LowRank]]:
    """Where each LoRA stands, and itself.  Raises `ZooError` for whatever else acts or learns."""
    wrong = [f"'{name}' is changed in place" for name, p in model.visual.named_parameters() if p.requires_grad]
    found, inside = list[tuple[str, LowRank]](), set[int]()
    for name, module in model.named_modules():
        if not isinstance(module, Around) or id(module) in inside:
            continue
        wrap, step, where = module.wrap[0], module.step, bare_name(name)
        inside |= {id(one) for one in (step,) if isinstance(one, Around)}
        block = wrap.args[0] if isinstance(wrap, partial) and wrap.func is beside else None
        if isinstance(block, LowRank) and isinstance(step, nn.Linear):
            found.append((where, block))
        else:
            wrong.append(f"'{module.name}' at {where} is not just LoRA beside a linear map")
    if wrong or not found:
        said = f"{path} is not a run of only LoRA, which peft could load"
        raise ZooError(said, key="to", given="peft", lines=wrong[:5] or ["it contains no LoRA"])
    return found


def matrices(side: nn.ModuleDict) -> dict[str, Tensor]:
    """Those of each part."""
    return {part: linear.get_parameter("weight").detach() for part, linear in side.items()}


def stacked(block: LowRank) -> tuple[Tensor, Tensor]:
    """R d and o R: the thin matrices of all parts in one pair, of as many ranks as they have together."""
    down, ups = torch.cat(list(matrices(block.down).values())), matrices(block.up)
    up, column = down.new_zeros(block.width * (1 if block.targets is None else len(PARTS)), len(down)), 0
    for part, own in ups.items():
        row = 0 if block.targets is None else PARTS.index(part) * block.width
        up[row : row + block.width, column : column + own.shape[1]] = own
        column += own.shape[1]
    return down, up


def config(found: dict[str, LowRank], plain: Plain, own: bool) -> dict[str, Any]:
    """What peft reads: the scale of a pair is alpha over its rank."""
    ranks = {name: sum(map(len, matrices(block.down).values())) for name, block in found.items()}
    alphas = {name: block.scale * ranks[name] for name, block in found.items()}
    first = next(iter(found))
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": f"timm/{plain.name}",
        "inference_mode": True,
        "r": ranks[first],
        "lora_alpha": alphas[first],
        "rank_pattern": {name: rank for name, rank in ranks.items() if rank != ranks[first]},
        "alpha_pattern": {name: alpha for name, alpha in alphas.items() if alpha != alphas[first]},
        "lora_dropout": found[first].drop.p,
        "target_modules": sorted(found),
        "modules_to_save": list(plain.classifier) if own else None,
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
    }


def apart(model: Model, plain: Plain, files: dict[str, bytes], classes: int) -> float:
    """The difference between the model and what peft makes of the folder, on the plain model of the same weights.

    Raises `ZooError` where peft does not load it.
    """
    from peft import PeftModel

    tensors = {bare_name(name): tensor for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    with torch.random.fork_rng(devices=[]):
        twin = plain.make(classes)
    names = model.backbone.names
    twin.load_state_dict({**twin.state_dict(), **{key: tensors[place].detach() for key, place in names.items()}})
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        try:
            with noticing():
                made = PeftModel.from_pretrained(twin, folder).eval()
        except Exception as error:  # peft raises many kinds
            raise ZooError(f"peft does not load it ({told(error)})", key="peft_type") from error
    return difference(model, made, plain, classes > 0)
