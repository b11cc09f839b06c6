"""NOAH's few-shot lists: `annotations/train_meta.list.num_shot_K.seed_S`."""

import re
from pathlib import Path

from promptzoo.data.picture import Picture
from promptzoo.data.pictures import Pictures
from promptzoo.data.sources.coop import place_of
from promptzoo.data.sources.labels import Rows, rows_of
from promptzoo.data.sources.listed import ListedPictures
from promptzoo.data.sources.paths import Root, Spot
from promptzoo.data.sources.text import folder
from promptzoo.errors import ZooError

SHOTS = re.compile(r"^train_meta\.list\.num_shot_(\d+)\.seed_(\d+)$")


class NoahLists(ListedPictures):
    """A set as NOAH has it (Zhang et al. 2022): lists of `file label` in `<root>/annotations`.

    Shots are those of `train_meta.list.num_shot_K.seed_S`, for the run's shots and seed; to validate on,
    `val_meta.list`. Lines that are there twice are dropped. Without `shots`, what any list trains on, where
    `train_meta.list` is missing. `images` is found where it is left out.
    Raises `ZooError` for anything wrong in the lists, with the line; for shots that have no list.
    """

    sparse = ("train", "test")

    def __init__(
        self,
        root: str | Path,
        *,
        lists: str = "annotations",
        images: str | None = None,
        names: list[str] | dict[str, str] | None = None,
    ) -> None:
        base = folder(root)
        where = folder(base / lists)
        self.remarks = []
        self.drawn = {
            (int(match[1]), int(match[2])): path
            for path in sorted(where.iterdir())
            if (match := SHOTS.match(path.name))
        }
        test = rows_of(where / "test_meta.list")
        below = place_of(base, test.files[0]) if images is None else images
        train = where / "train_meta.list"
        rows = {"train": rows_of(train) if train.is_file() else self._union(where), "test": test}
        if (where / "val_meta.list").is_file():
            rows["val"] = rows_of(where / "val_meta.list")
        self.lay(Root(base / below), rows, names=names)
        self.opened = tuple(self.remarks)  # what is so whatever is drawn

    def few_shot(self, shots: int, seed: int) -> tuple[list[Picture], list[Picture]]:
        """NOAH's list for these shots and this seed."""
        if (shots, seed) not in self.drawn:
            there = ", ".join(f"{k} of seed {s}" for k, s in sorted(self.drawn))
            said = f"no list of {shots} shots of seed {seed}; found: {there or 'none'}"
            raise ZooError(said, place=self.root, key="data.shots", given=shots)
        self.remarks, rows = [*self.opened], rows_of(self.drawn[shots, seed])
        known = dict(zip(self.train.names, self.train.labels, strict=True))
        names = list(dict.fromkeys(Root(self.root).names(rows.files, rows.place)))
        if len(names) < len(rows.files):
            self.remarks.append(
                f"{len(rows.files) - len(names)} lines that are in {self.drawn[shots, seed].name} twice were dropped"
            )
        if strange := [name for name in names if name not in known]:
            raise ZooError(f"'{strange[0]}' is not in train_meta.list", place=rows.place.source, given=strange[0])
        return [*Pictures(self.root, names, [known[name] for name in names])], [*self.val]

    def _union(self, where: Path) -> Rows:
        """Everything that some list trains on, once."""
        if not self.drawn:
            raise ZooError(
                "it has neither train_meta.list nor lists of shots", place=where, key="data.root", given=str(where)
            )
        both: dict[str, str] = {}
        for one in map(rows_of, self.drawn.values()):
            for entry, (file, label) in enumerate(zip(one.files, one.labels, strict=True)):
                if both.setdefault(file, label) != label:
                    said = f"'{file}' has the label {label}, but {both[file]} in another list"
                    raise ZooError(said, place=one.place(entry), key="label", given=label)
        return Rows(Spot(where / "train_meta.list.num_shot_*"), list(both), list(both.values()))
