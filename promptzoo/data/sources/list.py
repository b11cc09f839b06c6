"""Lists of one's own: csv, tsv, jsonl or txt, one for all splits or one a split."""

import csv
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from promptzoo.data.picture import FORMATS
from promptzoo.data.sources.labels import Names, Rows, rows_of
from promptzoo.data.sources.listed import ListedPictures
from promptzoo.data.sources.paths import Root, Spot
from promptzoo.data.sources.text import folder, json_of, lines, text
from promptzoo.errors import ZooError
from promptzoo.files import from_json
from promptzoo.names import from_cell

COLUMNS = {  # what a column may be called, the likeliest first
    "file": ("file", "path", "filename", "filepath", "file_name", "image", "impath", "img", "image_path", "picture"),
    "label": (
        "label",
        "class",
        "classname",
        "class_name",
        "category",
        "target",
        "species",
        "y",
        "label_id",
        "class_id",
    ),
    "split": ("split", "set", "subset", "partition", "fold"),
}
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val"}
SPLITS |= {"test": "test", "testing": "test"}
MARKS = (";", "\t", ",")  # what may stand between columns instead; Excel writes the first in half of Europe
Row = dict[str, Any]


class PictureLists(ListedPictures):
    """Pictures that list files name, with a label or the name of a class each.

    `lists` is one file, or one a split: `{train: a.csv, val: b.csv, test: c.csv}`; kinds are told by the ending: csv
    and tsv (commas, semicolons or tabs), jsonl, json (a list of objects), and any other as `path label`, cut at the
    last blank. Columns are found by their titles, or are `file`, `label` and `split_column`; a csv without titles has
    file and label first. Paths are below `root`, the folder of the list where it is left out; absolute ones too, those
    of another machine as far as their ends are found there.
    Where nothing is there to test on, `split` divides by a seed: `{val: 0.1, test: 0.2, seed: 0}`.
    `names` are the classes in order, or label -> name.
    Raises `ZooError` for anything wrong in a list, with the line.
    """

    def __init__(
        self,
        lists: str | dict[str, str],
        *,
        root: str | Path | None = None,
        file: str | None = None,
        label: str | None = None,
        split_column: str | None = None,
        names: list[str] | dict[str, str] | None = None,
        split: dict[str, float] | None = None,
    ) -> None:
        self.remarks = []
        wanted = {"file": file, "label": label, "split": split_column}
        files = {"": lists} if isinstance(lists, str) else lists
        base = Path(root).expanduser() if root is not None else None
        rows: dict[str, Rows] = {}
        for part, path in files.items():
            found = Path(path).expanduser()
            if base is not None and not found.exists() and (base / found).exists():
                found = base / found
            base = base or found.parent
            for name, one in self.read(found, wanted).items():
                name = word(part or name or "train", part or f"column of {path}")
                if name in rows:
                    twice = f"the split {name} is listed twice, in {rows[name].place.source} and in {found}"
                    raise ZooError(twice, key="lists", given=name, remedy="keep one of them")
                rows[name] = one
        if base is None:
            way = "give one file, or one per split, like {train: train.csv, test: test.csv}"
            raise ZooError("'lists' is empty", key="lists", given=lists, remedy=way)
        self.lay(Root(folder(base)), rows, names=checked(names), split=split)

    def read(self, path: Path, wanted: Mapping[str, str | None]) -> dict[str, Rows]:
        """The rows of a file by split; the split is '' where the file has no column for it."""
        kind = path.suffix.lower()
        if kind in (".csv", ".tsv"):
            return self.columns(path, table(path, "\t" if kind == ".tsv" else ","), wanted)
        if kind in (".jsonl", ".ndjson", ".json"):
            return self.columns(path, objects(path), wanted)
        return {"": rows_of(path)}

    def columns(
        self, path: Path, found: Iterator[tuple[int, Row]], wanted: Mapping[str, str | None]
    ) -> dict[str, Rows]:
        """Rows with titles."""
        parts: dict[str, tuple[Rows, array[int]]] = {}
        which: dict[str, str | None] = {}
        for number, row in found:
            if not which:
                which = {word: title(path, word, wanted[word], list(row)) for word in COLUMNS}
                self.remarks.append(f"{path.name}: file is '{which['file']}', label is '{which['label']}'")
            try:
                file, label = row[str(which["file"])], row[str(which["label"])]
                part = str(row[which["split"]]) if which["split"] is not None else ""
            except KeyError as error:
                raise ZooError(f"no {error} in this line", place=f"{path}:{number}", possible=row) from None
            if not isinstance(file, str) or not file:
                raise ZooError(
                    f"the file is {file!r}; it should be a path", place=f"{path}:{number}", key="file", given=file
                )
            if part not in parts:
                numbers = array("l")
                parts[part] = Rows(Spot(path, numbers)), numbers
            rows, numbers = parts[part]
            rows.files.append(file)
            rows.labels.append(label)
            numbers.append(number)
        if not parts:
            raise ZooError("the list is empty", place=path)
        return {part: rows for part, (rows, _) in parts.items()}


def checked(names: Names | None) -> Names | None:
    """Names as they are; raises `ZooError` where one is there twice."""
    if names is not None and not isinstance(names, Mapping):
        twice = [name for name in names if list(names).count(name) > 1] if len(set(names)) < len(names) else []
        if twice:
            places = [place for place, name in enumerate(names) if name == twice[0]]
            said = f"'names' has '{twice[0]}' at {' and '.join(map(str, places))}: two numbers for one class"
            raise ZooError(said, key="names", given=twice[0])
    return names


def word(part: str, where: str) -> str:
    """A split by its usual names.  Raises `ZooError`."""
    if part.strip().lower() not in SPLITS:
        raise ZooError(f"'{part}' ({where}) is not a split", key="split", given=part, possible=("train", "val", "test"))
    return SPLITS[part.strip().lower()]


def title(path: Path, word: str, asked: str | None, titles: Sequence[str]) -> str | None:
    """The column of a file, of a label or of a split; none has to be of a split.  Raises `ZooError`."""
    if asked is not None:
        if asked not in titles:
            raise ZooError(f"{path} has no column '{asked}'", key=f"data.{word}", given=asked, possible=titles)
        return asked
    lower = {one.strip().lower(): one for one in titles}
    found = next((lower[one] for one in COLUMNS[word] if one in lower), None)
    if found is None and word != "split":
        said = f"no column for the {word} found among {', '.join(titles[:8])}"
        raise ZooError(said, place=path, key=f"data.{word}", possible=titles, remedy=f"write data.{word}=COLUMN")
    return found


def table(path: Path, usual: str) -> Iterator[tuple[int, Row]]:
    """The lines of a csv or tsv; without titles, where the first line begins with a picture, file and label."""
    found = text(path).splitlines()
    first = next((line for line in found if line.strip()), "")
    reader = csv.reader(found, delimiter=next((mark for mark in (usual, *MARKS) if mark in first), usual))
    titles: list[str] = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if not titles:
            bare = Path(row[0].strip()).suffix.lower() in FORMATS
            titles = ["file", "label", *(f"column {i}" for i in range(3, len(row) + 1))] if bare else row
            if twice := [one for one, count in Counter(titles).items() if count > 1 and one.strip()]:
                raise ZooError(f"two columns are called '{twice[0]}'", place=path, key=twice[0], given=twice[0])
            if not bare:
                continue
        if len(row) < len(titles):
            said = f"{len(row)} values for the columns {', '.join(titles)}"
            raise ZooError(said, place=f"{path}:{reader.line_num}", given=len(row), possible=titles)
        yield reader.line_num, {one: from_cell(cell.strip()) for one, cell in zip(titles, row, strict=False)}


def objects(path: Path) -> Iterator[tuple[int, Row]]:
    """The lines of a jsonl, or the entries of a json."""
    whole = json_of(path) if path.suffix.lower() == ".json" else None
    if whole is not None and not isinstance(whole, list):
        raise ZooError('a JSON file should be a list, like [{"file": ..., "label": ...}, ...]', place=path, given=whole)
    for number, line in lines(path) if whole is None else enumerate(whole, 1):
        try:
            row = from_json(line) if whole is None else line
        except ValueError as error:
            said = getattr(error, "msg", error)
            raise ZooError(f"not JSON: {said}", place=f"{path}:{number}") from error
        if not isinstance(row, dict):
            said = 'each line should be an object, like {"file": ..., "label": ...}'
            raise ZooError(said, place=f"{path}:{number}", given=row)
        yield number, row
