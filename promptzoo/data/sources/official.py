"""CoOp's sets that have no `split_zhou` json: FGVC-Aircraft, ImageNet and its four variants."""

from pathlib import Path
from typing import Literal

from promptzoo.data.sources.folder import pictures_in, subfolders
from promptzoo.data.sources.labels import Rows
from promptzoo.data.sources.paths import Spot
from promptzoo.data.sources.text import folder, lines
from promptzoo.errors import ZooError

Layout = Literal["json", "aircraft", "imagenet", "imagenet_test", "imagenet_v2"]


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
                said = f"'{name}' is not a class of {base / 'variants.txt'}"
                raise ZooError(said, place=f"{path}:{number}", key="variant", given=name, possible=index)
            one.files.append(f"{picture}.jpg")
            one.labels.append(index[name])
            one.called.append(name)
            numbers.append(number)
    return rows


def imagenet(base: Path, names: Path, remarks: list[str]) -> dict[str, Rows]:
    """`<base>/{train,val}/<wnid>/*`, the latter to test on; classes are those of `classnames.txt`, `wnid name`."""
    called = class_names(names, remarks)
    return {part: of_folders(base, below, called, names) for part, below in (("train", "train"), ("test", "val"))}


def variant(base: Path, names: Path, remarks: list[str], numbered: bool) -> dict[str, Rows]:
    """ImageNet-Sketch, -A and -R, `<base>/<wnid>/*`, with the classes that have a folder; V2, `<base>/<number>/*`."""
    called = class_names(names, remarks)
    if numbered:
        called = {str(label): (label, name) for label, name in called.values()}
    return {"test": of_folders(base, "", called, names)}


def class_names(names: Path, remarks: list[str]) -> dict[str, tuple[int, str]]:
    """Label and name of each wnid.  Where two classes have one name, the second is told apart by its wnid."""
    called: dict[str, tuple[int, str]] = {}
    for label, (_, line) in enumerate(lines(names)):
        wnid, _, name = line.partition(" ")
        if any(name == other for _, other in called.values()):
            remarks.append(f"two classes are called '{name}'; the second is '{name} ({wnid})' here")
            name = f"{name} ({wnid})"
        called[wnid] = (label, name)
    return called


def of_folders(base: Path, below: str, called: dict[str, tuple[int, str]], names: Path) -> Rows:
    """The pictures of a folder of classes.  Raises `ZooError` for one that is not a class."""
    one = Rows(Spot(folder(base / below)))
    for word in subfolders(base / below):
        if word not in called:
            said = f"{word} is not a class of {names}"
            raise ZooError(said, place=base / below / word, key="classnames.txt", given=word, possible=called)
        label, name = called[word]
        found = pictures_in(base / below / word)
        one.files += [path.relative_to(base).as_posix() for path in found]
        one.labels += [label] * len(found)
        one.called += [name] * len(found)
    return one
