"""What all sources of listed pictures share: from rows to three checked splits, no picture opened."""

from array import array
from collections.abc import Mapping, Sequence

from promptzoo.data.contents import fingerprint
from promptzoo.data.dataset import Dataset
from promptzoo.data.divide import divide
from promptzoo.data.divide import told as divided
from promptzoo.data.pictures import Pictures
from promptzoo.data.sources import paths
from promptzoo.data.sources.labels import Names, Rows, classes_of
from promptzoo.data.sources.paths import Root
from promptzoo.errors import ZooError, some

PARTS = ("train", "val", "test")


class ListedPictures(Dataset):
    """A data set of list files.  Its constructor reads them and calls `lay`; nothing is decoded."""

    sparse: tuple[str, ...] = ("test",)
    remarks: list[str]
    train: Pictures
    val: Pictures
    test: Pictures

    def lay(
        self,
        root: Root,
        rows: Mapping[str, Rows],
        *,
        names: Names | None = None,
        split: Mapping[str, float] | None = None,
        whole: bool = False,
    ) -> None:
        """Puts rows of `train`, and of `val` and `test` where there are some, into splits.

        `split` divides `train` where there is nothing to test on, or nothing to validate on; with `whole` what is to
        validate on is to train on too.  Raises `ZooError` for whatever is wrong in the
        lists: see `Root`, `classes_of`, `divide`; and files that are missing, a name in two splits, a class without
        training pictures.
        """
        self.root, self.remarks = root.folder, [*self.remarks]
        rows = {part: one for part, one in rows.items() if one.files}
        if "train" not in rows and not self.tested_alone:
            raise ZooError("the lists contain no training pictures", place=self.root, key="train")
        self.classes, labels, self.named = classes_of(rows, names)
        found = {part: root.names(one.files, one.place) for part, one in rows.items()}
        for part, one in rows.items():
            labels[part] = self._once(found[part], labels[part], part, one)
        self._apart(found, rows)
        for part, one in rows.items():
            if missing := paths.absent(self.root, found[part]):
                first = missing[0]
                raise paths.told(self.root, found[part][first], one.place(first), len(missing) - 1)
        if root.moved:
            self.remarks.append(root.moved)
        parts = {part: Pictures(self.root, found[part], labels[part]) for part in rows}
        if whole and "val" in parts:
            train, val = parts["train"], parts.pop("val")
            parts["train"] = Pictures(self.root, [*train.names, *val.names], array("l", [*train.labels, *val.labels]))
        if "test" not in parts or split:
            parts = self._divided(parts, split)
        empty = Pictures(self.root, [], array("l"))
        self.train, self.val, self.test = (parts.get(part, empty) for part in PARTS)
        if "train" not in self.sparse and not self.tested_alone:
            self._trained(rows)

    def fingerprint(self) -> str:
        """A digest of every name, label and file."""
        return fingerprint(self.train, self.val, self.test)

    def _once(self, names: list[str], labels: Sequence[int], part: str, rows: Rows) -> Sequence[int]:
        """Lists each picture once: what is there twice is dropped; two labels for one picture are refused."""
        if len(set(names)) == len(names):
            return labels
        first: dict[str, int] = {}
        for place, name in enumerate(names):
            before = first.setdefault(name, place)
            if labels[before] != labels[place]:
                two = f"'{self.classes[labels[place]]}', but '{self.classes[labels[before]]}' in {rows.place(before)}"
                raise ZooError(f"'{name}' has two classes: {two}", place=rows.place(place), key="label", given=name)
        self.remarks.append(f"{part}: {len(names) - len(first)} duplicate lines dropped")
        kept = list(first.values())
        names[:] = list(first)
        vars(rows).update(vars(rows.kept(kept)))
        return array("l", (labels[place] for place in kept))

    def _apart(self, found: Mapping[str, list[str]], rows: Mapping[str, Rows]) -> None:
        """No picture to train on is one to select or test with."""
        for part in ("val", "test"):
            if part in found and (both := set(found.get("train", ())).intersection(found[part])):
                name = min(both)
                here, there = (rows[one].place(found[one].index(name)) for one in ("train", part))
                raise ZooError(
                    f"'{name}' is in train ({here}) and in {part} ({there})"
                    f"{f', and {len(both) - 1} more are' if len(both) > 1 else ''}",
                    place=there, key=part, given=name, remedy="splits may not share pictures",
                )  # fmt: skip
        if "val" in found and "test" in found and (both := set(found["val"]).intersection(found["test"])):
            self.remarks.append(
                f"val and test share {len(both)} pictures: the epoch would be selected on test pictures"
            )

    def _divided(self, whole: dict[str, Pictures], split: Mapping[str, float] | None) -> dict[str, Pictures]:
        if split is None:
            way = "split the training pictures at random, data.split='{val: 0.1, test: 0.2}'"
            said = "the lists contain no test pictures"
            raise ZooError(said, place=self.root, key="test", remedy=f"add a list for test, or {way}")
        if "val" in whole and "val" in split:
            said = "'split' sets a share for val, but the lists have their own validation pictures"
            raise ZooError(said, key="split", given=split, remedy="leave out val")
        train = whole["train"]
        parts = divide(train.names, train.labels, split, tested="test" in whole)
        self.remarks.append(divided(split))
        return {**{part: train.some(places) for part, places in parts.items() if places}, **without(whole, "train")}

    def _trained(self, rows: Mapping[str, Rows]) -> None:
        present = set(self.train.labels)
        lacking = [name for label, name in enumerate(self.classes) if label not in present]
        if lacking:
            where = rows["train"].place.source
            raise ZooError(
                f"the train split has no picture of class {some(lacking)}", place=where, key="train", given=lacking
            )


def without(parts: Mapping[str, Pictures], one: str) -> dict[str, Pictures]:
    return {part: pictures for part, pictures in parts.items() if part != one}
