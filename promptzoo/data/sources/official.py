"""CoOp's sets that have no `split_zhou` json: FGVC-Aircraft and ImageNet."""

from pathlib import Path
from typing import Literal

from promptzoo.data.picture import endings
from promptzoo.data.sources.folder import files, subfolders
from promptzoo.data.sources.labels import Rows
from promptzoo.data.sources.paths import Spot
from promptzoo.data.sources.text import folder, lines
from promptzoo.errors import ZooError

Layout = Literal["json", "aircraft", "imagenet"]


def aircraft(base: Path) -> dict[str, Rows]:
    """`images_variant_{train,val,test}.txt`, lines of number and variant; labels are places in `variants.txt`."""
    index = {name: label for label, (_, name) in enumerate(lines(base / "variants.txt"))}
    rows = {}
    for part in ("train", "val", "test"):
        path = base / f"images_variant_{part}.txt"
        one = rows[part] = Rows(Spot(path, numbers := []))
        for number, line in lines(path):
            picture, _, name = line.partition(" ")
            if name not in index:
                raise ZooError(f"{path}:{number}: '{name}' is no class of {base / 'variants.txt'}")
            one.files.append(f"{picture}.jpg")
            one.labels.append(index[name])
            one.called.append(name)
            numbers.append(number)
    return rows


def imagenet(base: Path, names: Path, remarks: list[str]) -> dict[str, Rows]:
    """`<base>/{train,val}/<wnid>/*`, the latter to test on; classes are those of `classnames.txt`, `wnid name`.

    Where two classes have one name there, the second is told apart by its wnid.
    """
    called: dict[str, tuple[int, str]] = {}
    for label, (_, line) in enumerate(lines(names)):
        wnid, _, name = line.partition(" ")
        if any(name == other for _, other in called.values()):
            remarks.append(f"two classes are called '{name}'; the second is '{name} ({wnid})' here")
            name = f"{name} ({wnid})"
        called[wnid] = (label, name)
    rows = {}
    for part, below in (("train", "train"), ("test", "val")):
        one = rows[part] = Rows(Spot(folder(base / below)))
        for wnid in subfolders(base / below):
            if wnid not in called:
                raise ZooError(f"{base / below / wnid}: {wnid} is no class of {names}")
            label, name = called[wnid]
            readable = endings()
            there = [path for path in files(base / below / wnid) if not path.name.startswith(".")]
            found = [path for path in there if path.suffix.lower() in readable]
            one.files += [path.relative_to(base).as_posix() for path in found]
            one.labels += [label] * len(found)
            one.called += [name] * len(found)
    return rows
