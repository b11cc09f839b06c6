"""An .onnx file of ours that names pictures, by onnxruntime alone: `OnnxFile`."""

from pathlib import Path

import torch
from torch import Tensor

from promptzoo.data.room import demand
from promptzoo.errors import DamagedError, ZooError, told
from promptzoo.exporting.facts import Facts
from promptzoo.exporting.to_onnx import IMAGE, LOGITS, UNSEALED, opened, sealed
from promptzoo.paths import regular
from promptzoo.training.predictor import Namer
from promptzoo.training.seal import SEAL


class OnnxFile(Namer):
    """What an exported file holds.  `facts` are what it says of itself, `size` is its length in bytes.

    Raises `ZooError` for what is no ONNX file, was not exported by promptzoo, was changed since, or contradicts itself.
    """

    def __init__(self, file: str | Path) -> None:
        path = regular(file, "file")
        demand(path.stat().st_size, f"the file {path}")
        content = path.read_bytes()
        try:
            self.session = opened(content)
            words = self.session.get_modelmeta().custom_metadata_map
        except ZooError:
            raise
        except Exception as error:  # onnxruntime's have no base of their own
            raise ZooError(f"it is not a readable ONNX file ({told(error)})", place=path) from error
        self.facts, self.size, self.path = Facts.read(words, path), len(content), path
        if sealed(content, seal := words.get(SEAL) or UNSEALED) != content:
            said = "it has changed since it was exported: it is damaged, or another tool changed it"
            raise DamagedError(said, place=path, key=SEAL, given=seal, remedy="export the run again")
        super().__init__(self.facts.preprocess, self.facts.classes)
        self.demand_shapes()

    def demand_shapes(self) -> None:
        """Raises `ZooError` where the graph takes or gives something else than the metadata says."""
        high, wide = self.preprocess.size
        demand(3 * high * wide * torch.float32.itemsize, f"a picture of {high} x {wide}")
        wanted = {IMAGE: [3, *self.preprocess.size], LOGITS: [len(self.classes)]}
        found = {one.name: one.shape[1:] for one in (*self.session.get_inputs(), *self.session.get_outputs())}
        if found != wanted:
            raise ZooError(f"its metadata says {wanted}, but its graph has {found}", place=self.path,
                           key="size", given=str(found))  # fmt: skip

    def likely(self, image: Tensor) -> Tensor:
        try:
            logits = torch.from_numpy(self.session.run([LOGITS], {IMAGE: image.numpy()})[0])
        except Exception as error:
            raise ZooError(f"its graph cannot be run ({told(error)})", place=self.path) from error
        if logits.shape != (len(image), len(self.classes)) or not bool(logits.isfinite().all()):
            raise ZooError(f"its graph does not return finite numbers for {len(self.classes)} classes", place=self.path)
        return logits.sigmoid() if self.facts.by_class else logits.softmax(-1)
