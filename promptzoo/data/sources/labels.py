"""From the labels that lists write to classes: numbers, or words."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptzoo.data.sources.paths import Spot
from promptzoo.data.sources.text import lines
from promptzoo.errors import ZooError, shown

Names = Sequence[str] | Mapping[str, str]


@dataclass
class Rows:
    """One split of a list, as it is written: files, labels, where each stands; the class's name beside it, if any."""

    place: Spot
    files: list[str] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    called: list[str] = field(default_factory=list)

    def kept(self, entries: Sequence[int]) -> "Rows":
        """Some of them."""
        numbers = [entry + 1 if self.place.numbers is None else self.place.numbers[entry] for entry in entries]
        place = self.place if self.place.numbers is None else Spot(self.place.source, numbers)
        files, labels = [self.files[entry] for entry in entries], [self.labels[entry] for entry in entries]
        return Rows(place, files, labels, [self.called[entry] for entry in entries] if self.called else [])


def rows_of(path: Path) -> Rows:
    """The lines of a list of `file label`, cut at the last blank or tab.  Raises `ZooError` with the line."""
    files, labels, numbers = [], [], array("l")
    for number, line in lines(path):
        name, _, label = line.rpartition("\t" if "\t" in line else " ")
        if not name:
            said = f"'{line}' is not a file and a label separated by a space"
            raise ZooError(said, place=f"{path}:{number}", given=line)
        files.append(name.strip())
        labels.append(label)
        numbers.append(number)
    return Rows(Spot(path, numbers), files, labels)


def said(name: str) -> str:
    """A class as one would say it: underscores as blanks; dashes stay, as in t-shirt."""
    return " ".join(name.replace("_", " ").split())


def numbered(rows: Mapping[str, Rows]) -> bool:
    """Whether the labels are whole numbers, and turns them into such.  Raises `ZooError` where only some are."""
    first: dict[bool, str] = {}
    for part in rows.values():
        known: dict[Any, tuple[Any, bool]] = {}
        for entry, label in enumerate(part.labels):
            key = (label.__class__, label if isinstance(label, str | int) else None)
            if key not in known:
                known[key] = read(label, part.place(entry))
                first.setdefault(known[key][1], f"{part.place(entry)} has {shown(label)}")
            part.labels[entry] = known[key][0]
    if len(first) == 2:
        said = f"some labels are numbers and some are names: {first[True]}, {first[False]}"
        raise ZooError(said, key="label", given=[first[True], first[False]], remedy="use one kind for all")
    return True in first


def read(label: Any, place: str) -> tuple[Any, bool]:
    """A label, and whether it is a whole number, which may be written as text.  Raises `ZooError`."""
    if isinstance(label, str) and label.strip():
        word = label.strip()
        return (int(word), True) if word.isascii() and word.isdigit() else (word, False)
    if isinstance(label, int) and not isinstance(label, bool) and label >= 0:
        return label, True
    way = "a label should be a whole number, 0 or more, or the name of a class"
    raise ZooError(f"the label is {shown(label)}", place=place, key="label", given=label, remedy=way)


def classes_of(rows: Mapping[str, Rows], names: Names | None) -> tuple[list[str], dict[str, Sequence[int]], bool]:
    """The classes, each picture's place among them, and whether the classes have names.

    Numbers, from any on, are counted over all splits; words are the classes that `train` has, in order of the alphabet.
    `names` are the names of all classes in order, or say some classes otherwise (as written -> as said).
    Raises `ZooError` for a label that is not a class, two numbers for one class, two names for one number.
    """
    if any(part.called for part in rows.values()):
        classes, index = paired(rows), None
        named = True
    elif numbered(rows):
        ids = sorted({label for part in rows.values() for label in part.labels})
        classes, index, named = of_numbers(ids, names, rows)
    else:
        classes, index = of_words(rows, names)
        named = True
    index = index or {label: place for place, label in enumerate(sorted({i for p in rows.values() for i in p.labels}))}
    classes = [said(name) for name in classes]
    if isinstance(names, Mapping):
        otherwise = {said(name): one for name, one in names.items()}
        for name in otherwise:
            if name not in classes:
                raise ZooError(f"'names' has '{name}', which is not a class", key="names", given=name, possible=classes)
        classes = [otherwise.get(name, name) for name in classes]
    for name, count in Counter(classes).items():
        if count > 1:
            way = "give them different names with data.names"
            raise ZooError(f"two classes are called '{name}'", key="data.names", given=name, remedy=way)
    return classes, {part: array("l", (index[label] for label in one.labels)) for part, one in rows.items()}, named


def paired(rows: Mapping[str, Rows]) -> list[str]:
    """The classes of lists that have a number and a name for each picture."""
    numbered(rows)
    name_of: dict[Any, tuple[str, str]] = {}
    label_of: dict[str, tuple[Any, str]] = {}
    for part in rows.values():
        for entry, (label, name) in enumerate(zip(part.labels, part.called, strict=True)):
            if label not in name_of:
                here = part.place(entry)
                if name in label_of:
                    other, there = label_of[name]
                    twice = f"'{name}' has the label {label}, but {other} in {there}"
                    raise ZooError(twice, place=here, key="label", given=label, remedy="a class should have one label")
                name_of[label], label_of[name] = (name, here), (label, here)
            elif name_of[label][0] != name:
                other, there = name_of[label]
                twice = f"label {label} is '{name}', but '{other}' in {there}"
                raise ZooError(twice, place=part.place(entry), key="label", given=name)
    return [name_of[label][0] for label in sorted(name_of)]


def of_numbers(
    ids: list[int], names: Names | None, rows: Mapping[str, Rows]
) -> tuple[list[str], dict[Any, int] | None, bool]:
    """The classes of numbers; where names are fewer than numbers, or numbers leave gaps, each has to fit."""
    if isinstance(names, Mapping) and all(str(one) in names for one in ids):
        return [str(one) for one in ids], {one: place for place, one in enumerate(ids)}, True
    if names is None or isinstance(names, Mapping):
        return [str(one) for one in ids], None, bool(names)
    if len(names) == len(ids):
        return list(names), None, True
    if ids[-1] < len(names):
        return list(names), {one: one for one in ids}, True
    part, entry = next((p, p.labels.index(i)) for i in reversed(ids) for p in rows.values() if i in p.labels)
    raise ZooError(
        f"label {part.labels[entry]} is not a class; there are {len(names)} names, for labels 0 to {len(names) - 1}, "
        f"but {len(ids)} labels in the lists",
        place=part.place(entry), key="label", given=part.labels[entry],
    )  # fmt: skip


def of_words(rows: Mapping[str, Rows], names: Names | None) -> tuple[list[str], dict[Any, int]]:
    """The classes of words: those of `names` where it is a list, else those that are trained on."""
    given = names is not None and not isinstance(names, Mapping)
    classes = list(names or ()) if given else sorted(set(rows["train"].labels))
    index = {name: place for place, name in enumerate(classes)}
    for part in rows.values():
        for entry, label in enumerate(part.labels):
            if label not in index:
                of = "'names' has no such class" if given else "no training picture has it"
                raise ZooError(
                    f"'{label}' is not a class: {of}",
                    place=part.place(entry),
                    key="label",
                    given=label,
                    possible=classes,
                )
    return classes, index
