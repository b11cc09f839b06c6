"""Names that others chose, made safe for where they go: a screen, bytes, a folder, a cell of a table."""

import codecs
import re
import unicodedata
import zlib
from collections.abc import Iterable
from itertools import count

# What a terminal obeys, or what turns the direction of a line: no part of a name that a person reads.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
LONGEST = 200  # bytes of a folder's name, of the 255 that most disks take
STREAM = "promptzoo"  # what an output does with signs that it cannot show


def on_screen(text: str) -> str:
    """The text with control characters, and bytes that are no UTF-8, as escapes: `\\x1b`, `\\xe9`."""
    return OBEYED.sub(lambda found: escaped(found[0]), text)


def escaped(sign: str) -> str:
    """A sign as Python writes it; one that stands for a byte (`surrogateescape`) as that byte."""
    code = ord(sign)
    code = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def replaced(error: UnicodeError) -> tuple[str, int]:
    """For an output that is not UTF-8: a question mark for each sign that it does not have."""
    assert isinstance(error, UnicodeEncodeError)
    signs = error.object[error.start : error.end]
    return "".join(escaped(sign) if OBEYED.match(sign) else "?" for sign in signs), error.end


codecs.register_error(STREAM, replaced)


def as_bytes(text: str) -> bytes:
    """UTF-8; of a file's name that is none, the bytes that the name has on the disk."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def as_folder(name: str) -> str:
    """A name for a folder, which leads nowhere else: no slashes, no control characters, not of dots alone."""
    clean = re.sub(r"[/\\]", "_", OBEYED.sub("_", name))
    return short(clean) if clean.strip(". ") else "run"


def as_row(name: str) -> str:
    """The name of a list's row for a folder: letters, digits, `+` and `-`."""
    return short(re.sub(r"[^\w+-]+", "_", name))


def short(name: str) -> str:
    """The name as a disk takes it, with room for an ending; one that is too long ends in a digest of the whole."""
    whole = as_bytes(name)
    if len(whole) <= LONGEST:
        return name
    return f"{whole[: LONGEST - 9].decode(errors='ignore')}-{zlib.crc32(whole):08x}"


def unlike(names: Iterable[str]) -> list[str]:
    """The same names, where a disk may not know capitals; one that is there before gets `-2`, `-3` behind it."""
    found: dict[str, str] = {}
    for name in names:
        whole = next(one for n in count(1) if (one := f"{name}-{n}" if n > 1 else name).casefold() not in found)
        found[whole.casefold()] = whole
    return [*found.values()]


def as_cell(value: object) -> object:
    """A cell of a table that a spreadsheet may open: words that it would take for a formula begin with a quote more."""
    if not isinstance(value, str) or number(value):
        return value
    return f"'{value}" if value.lstrip("'")[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def from_cell(text: str) -> str:
    """What `as_cell` made the cell of."""
    return text[1:] if text[:1] == "'" and as_cell(text[1:]) == text else text


def number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_word(name: str) -> str:
    """A name that a text tower, a file of weights and a page can hold: bytes that are no UTF-8 as escapes."""
    return re.sub("[\ud800-\udfff]", lambda found: escaped(found[0]), name)


def alike(names: Iterable[str]) -> list[str]:
    """The first names that look the same and are written otherwise, as escapes; nothing where there are none."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFC", name), name)
        if other != name:
            return [ascii(other), ascii(name)]
    return []
