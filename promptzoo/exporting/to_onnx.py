"""A run as an ONNX file: `to_onnx`; and the same with weights of eight bits: `in_int8`."""

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from promptzoo.errors import ZooError
from promptzoo.exporting.facts import Facts
from promptzoo.exporting.program import Program
from promptzoo.extras import LackingError, installing
from promptzoo.noticed import noticing
from promptzoo.option import option
from promptzoo.training.seal import SEAL, digest_of

IMAGE, LOGITS = "image", "logits"  # what goes in and what comes out
UNSEALED = "0" * 64  # where the digest of a file's content comes to stand
LARGEST = 2**31 - 1  # bytes that a protobuf can have


def to_onnx(program: Program, facts: Facts) -> tuple[bytes, float]:
    """The content of an .onnx file, and how far what onnxruntime makes of it is from what the model gives.

    It takes `image` b 3 h w, normalised, and gives `logits` b c.
    Raises `ZooError` where an operation has no ONNX, or the file would be too large.
    """
    needed("onnx", "onnxscript", "onnxruntime")
    try:
        with noticing(), contextlib.redirect_stdout(io.StringIO()):
            made: Any = torch.onnx.export(
                program.program, dynamo=True, input_names=[IMAGE], output_names=[LOGITS], verbose=False
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = " ".join(str(error.__cause__ or error).split())[:300]
        raise ZooError(f"an operation of the model cannot be written as ONNX: {reason}") from error
    content = described(made.model_proto, facts)
    return content, program.difference(runner(content), "the .onnx file")


def described(proto: Any, facts: Facts) -> bytes:
    """The file's content, with what it says of itself, sealed."""
    if (size := proto.ByteSize()) > LARGEST:
        raise ZooError(
            f"the model has {size / 1e9:.1f} GB, but an .onnx file can hold only 2.1",
            remedy=f"use {option('to', 'pt2')}",
        )
    del proto.metadata_props[:]
    for word, text in {**facts.words(), SEAL: UNSEALED}.items():
        proto.metadata_props.add(key=word, value=text)
    return sealed(proto.SerializeToString(deterministic=True), UNSEALED)


def sealed(content: bytes, seal: str) -> bytes:
    """The file with the digest of all the rest in place of a `seal`, which is behind the weights."""
    before, _, behind = content.rpartition(seal.encode())
    return before + digest_of(before + UNSEALED.encode() + behind).encode() + behind


def in_int8(content: bytes, facts: Facts) -> bytes:
    """The same file with the matrices of linear maps in eight bits, each with a scale.

    onnxruntime's dynamic quantisation: what enters a map is rounded as it comes, so that no pictures are needed.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, noticing():
        whole, lower = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        whole.write_bytes(content)
        quantize_dynamic(whole, lower, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])
        return described(onnx.load(lower), facts)


def runner(content: bytes) -> Callable[[Tensor], Tensor]:
    """What onnxruntime makes of pictures, by a file's content."""
    session = opened(content)

    def run(image: Tensor) -> Tensor:
        return torch.from_numpy(session.run([LOGITS], {IMAGE: image.numpy()})[0])

    return run


def opened(content: bytes) -> Any:
    """A session of onnxruntime on the processor, with as many threads as torch has."""
    needed("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def needed(*packages: str) -> None:
    """Raises `ZooError` where a package of the extra `export` is not installed."""
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise LackingError(f"this needs {package}", key=package, remedy=installing("export"))
