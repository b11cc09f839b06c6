"""A model, or a step, as one graph that torch compiles: `compiled`, `one_graph`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from promptzoo.backbones.tower import Tower
from promptzoo.errors import ZooError
from promptzoo.model.inside import inside

BACKEND = "inductor"
SIZES = 64  # graphs of one module: sizes of batches, training and evaluation, pictures and features
OF_COMPILERS = ("torch._dynamo", "torch._inductor", "torch._functorch")


def how(device: str, sizes: bool | None = False) -> dict[str, Any]:
    """What torch.compile is told: one graph, random numbers as without it, on a GPU replayed as a CUDA graph.

    Every size of batch has a graph of its own, so that what a batch comes to does not depend on those before; with
    `sizes` None the second size makes one for all.
    """
    import torch._dynamo.config as graphs
    import torch._functorch.config as gradients

    graphs.cache_size_limit = max(SIZES, graphs.cache_size_limit)
    gradients.donated_buffer = False  # a rule may go back through a graph twice
    told: dict[str, Any] = {"backend": BACKEND, "fullgraph": True, "dynamic": sizes}
    if BACKEND == "inductor":
        told["options"] = {"fallback_random": True, "triton.cudagraphs": device == "cuda"}
    return told


def compiled(module: nn.Module, device: str, sizes: bool | None = False) -> None:
    """Lets a module run as one graph from its next call on; its names and tensors stay what they are."""
    for tower in (part for part in module.modules() if isinstance(part, Tower)):
        inside(tower)  # found before, so that no graph stands on its not being known
    module.compile(**how(device, sizes))
    if device == "cuda":
        module._compiled_call_impl = afresh(module._compiled_call_impl)


def afresh(run: Any) -> Callable[..., Any]:
    """A call after which what the call before gave in a CUDA graph is not needed any more."""

    def again(*given: Any, **named: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        return run(*given, **named)

    return again


@contextmanager
def one_graph(name: str, way: str) -> Iterator[None]:
    """Around what may be compiled: what cannot be one graph, or has no compiler here, is a sentence.

    `way` is how it runs as it is.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith(OF_COMPILERS):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = f"{name} cannot be compiled ({type(error).__name__}: {(lines or [''])[0][:300]})"
        raise ZooError(said, key="train.compile", remedy=f"{way} runs it uncompiled") from error
