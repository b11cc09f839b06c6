"""Features that were computed already, in a .safetensors file, in place of pictures."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset
from promptzoo.data.features import Features, StandsFor
from promptzoo.data.picture import Picture
from promptzoo.data.sources.tensors import class_names, elsewhere, opened, scale_of, split, table
from promptzoo.data.vectors import plain
from promptzoo.errors import ZooError, nearest, some
from promptzoo.paths import at

PART = re.compile(r"(train\d*|val|test)\.features")


class FeatureFile(Dataset):
    """Features of a frozen backbone: `<split>.features` (n e), `<split>.labels` (n), and `classnames` in the metadata.

    Splits are `train`, or `train<K>` chosen by `data.shots=K`, `val` and `test`.  The metadata tells the `model`, and
    may tell the `backbone` as a recipe names it and the `logit_scale` (100 for OpenAI's CLIP, not its logarithm).
    Class texts are `text.<name>` (c e): `text` says which where there are several; `texts` are other files of such, or
    .npz tables of `names` and `emb`, the first that has a class; `aliases` what a class is called there.  With `subset`
    classes that have no text are left out, and the result tells so.
    Raises `ZooError` for anything else in the file, and for classes without a text.
    """

    featured = True
    remarks: list[str]

    def __init__(
        self,
        file: str | Path,
        *,
        texts: str | list[str] | None = None,
        text: str | None = None,
        aliases: dict[str, str] | None = None,
        subset: bool = False,
    ) -> None:
        self.path, self.remarks = at(file), []
        tensors, told = opened(self.path)
        self.classes = class_names(told, self.path)
        self.parts = {key.rpartition(".")[0]: split(tensors, key, len(self.classes), self.path)
                      for key in tensors if PART.fullmatch(key)}  # fmt: skip
        trains = sorted((part for part in self.parts if part.startswith("train")), key=lambda part: (len(part), part))
        if not trains or "test" not in self.parts:
            lack = "test" if trains else "train"
            said = f"it has no '{lack}.features'"
            raise ZooError(said, place=self.path, key=lack, given=None, possible=[*tensors], remedy="features of each "
                           "split are <split>.features, splits train (or train16), val and test")  # fmt: skip
        widths = {part: one.vectors.shape[1] for part, one in self.parts.items()}
        if len(set(widths.values())) > 1:
            raise ZooError(f"its splits differ in width: {widths}", place=self.path, given=widths)
        others = [texts] if isinstance(texts, str) else texts or []
        found = self._texts(tensors, [at(one) for one in others], text, aliases or {}, subset)
        self.first = trains[0] if trains[0] == "train" else trains[-1]
        if self.first != "train":
            self.remarks.append(f"no data.shots: training on '{self.first}'")
        self.train, self.test = self.parts[self.first], self.parts["test"]
        self.val: Features | list[Picture] = self.parts.get("val", [])
        model, scale = told.get("model", "an unknown model"), told.get("logit_scale")
        self.source = f"features of {model}"
        width = widths["test"]
        self.stands_for = StandsFor(model, width, told.get("backbone"), scale_of(scale, self.path), found)

    def few_shot(self, shots: int, seed: int) -> tuple[Sequence[Picture], Sequence[Picture]] | None:
        """`train<shots>` whatever the seed, and the whole of `val`; None where there is a `train` to draw from.

        Raises `ZooError` where there is neither.
        """
        if (drawn := self.parts.get(f"train{shots}")) is not None:
            return drawn, self.val
        if "train" in self.parts:
            return None
        there = [part.removeprefix("train") for part in self.parts if part.startswith("train")]
        said = f"it has no 'train{shots}', and no 'train' to draw from"
        raise ZooError(said, place=self.path, key="data.shots", given=str(shots), possible=there)

    def fingerprint(self) -> str:
        """A digest of every label and number."""
        return fingerprint(self.train, self.val, self.test)

    def _texts(
        self,
        tensors: Mapping[str, Tensor],
        files: list[Path],
        text: str | None,
        aliases: Mapping[str, str],
        subset: bool,
    ) -> Tensor | None:
        """The unit text of each class that stays; None where there are none."""
        where = ", ".join(map(str, files or [self.path]))
        sources = [elsewhere(file, text) for file in files] or [(self.classes, table(tensors, text, self.path))]
        known: dict[str, Tensor] = {}
        for names, vectors in sources:
            if vectors is None:
                if subset or aliases:
                    word = "subset" if subset else "aliases"
                    said, way = f"'{word}' needs class texts, but there are none", "name some with data.texts=FILE"
                    raise ZooError(said, place=self.path, key=f"data.{word}", remedy=way)
                return None
            width = self.parts["test"].vectors.shape[1]
            if vectors.shape != (len(names), width):
                said = f"its texts are {tuple(vectors.shape)}, for {len(names)} classes and features of width {width}"
                raise ZooError(said, place=where, key="data.texts", given=tuple(vectors.shape))
            rows = {plain(name): row for name, row in zip(names, vectors.float(), strict=True) if bool(row.any())}
            known = {**rows, **known}
        for name in aliases:
            if name not in self.classes:
                said = f"'aliases' has '{name}', which is not a class here"
                raise ZooError(said, key="data.aliases", given=name, possible=self.classes)
        wanted = [plain(aliases.get(name, name)) for name in self.classes]
        without = [name for name, word in zip(self.classes, wanted, strict=True) if word not in known]
        if without and not subset:
            near = {name: nearest(plain(name), known, most=3) for name in without[:10]}
            raise ZooError(
                f"{len(without)} of {len(self.classes)} classes have no text in {where}: {some(without)}",
                key="data.aliases", given=without,
                remedy="name them with data.aliases={class: name there}, or leave them out with data.subset=true",
                lines=[f"'{name}': similar are {', '.join(words)}" for name, words in near.items() if words],
            )  # fmt: skip
        if without:
            self._leave_out(without, where)
        return normalize(torch.stack([known[word] for word in wanted if word in known]), dim=-1)

    def _leave_out(self, without: Sequence[str], where: str) -> None:
        kept = [label for label, name in enumerate(self.classes) if name not in without]
        if not kept:
            raise ZooError("no class has a text", place=where, key="data.texts", given=self.classes)
        self.remarks.append(
            f"a subset, the {len(kept)} of {len(self.classes)} classes with a text in {where}; "
            f"left out: {some(without, 200)}"
        )
        self.parts = {
            part: one.of({label: place for place, label in enumerate(kept)}) for part, one in self.parts.items()
        }
        self.classes = [self.classes[label] for label in kept]
