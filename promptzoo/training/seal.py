"""Facts as JSON that carries its own digest, so that a changed bit is found: `sealed`, `unsealed`."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptzoo.errors import DamagedError, ZooError
from promptzoo.files import from_json
from promptzoo.paths import regular

SEAL = "digest"


def digest_of(content: bytes) -> str:
    """sha256, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sealed(facts: Mapping[str, Any]) -> bytes:
    """The facts and their digest as a page of JSON."""
    text = json.dumps({**facts, SEAL: of(facts)}, indent=2, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")  # of a name that is no UTF-8


def content(file: Path) -> bytes:
    """What is in a file of a run.  Raises `DamagedError` where it cannot be read."""
    try:
        return regular(file).read_bytes()
    except (OSError, ZooError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DamagedError(f"its {file.name} cannot be read: {reason}") from error


def unsealed(file: Path) -> dict[str, Any]:
    """The facts of a file that `sealed` made.  Raises `DamagedError` for another one, or one that was changed since."""
    try:
        told = from_json(content(file))
    except DamagedError:
        raise
    except ValueError as error:
        raise DamagedError(f"its {file.name} cannot be read: it is not JSON") from error
    if not isinstance(told, dict) or SEAL not in told:
        raise DamagedError(f"its {file.name} was not written by promptzoo: it has no '{SEAL}'")
    seal = told.pop(SEAL)
    if seal != of(told):
        raise DamagedError(f"its {file.name} is damaged: it has changed since it was written")
    return told


def of(facts: Mapping[str, Any]) -> str:
    """The digest of facts, however they are laid out."""
    return digest_of(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode())
