"""Makes one adapter from the initial adapters, tensor by tensor, and stores it.

The result is an adapter of the store like any other, so it is served by a recipe whose basis is this adapter alone.
Making it again gives the same bytes, so nothing has to be remembered. Limits: the adapters have one signature, as those
of a basis do; one tensor of each adapter is in memory at a time.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from swarm_core import recipe
from swarm_core.errors import BadInputError
from swarm_core.recipe import Recipe
from swarm_trainer.lora import adapter, export, signature
from swarm_trainer.lora.signature import Signature
from swarm_trainer.rivals.rival_context import RivalContext, RivalError
from swarm_trainer.runtime import model_folders
from swarm_trainer.stores import tree

MergeTensors = Callable[[str, list[Tensor]], Tensor]
"""Makes one tensor from the tensors of this name of all adapters, in float32."""


def merge_initial(rival: RivalContext, merge: MergeTensors) -> Recipe:
    """Merge the initial adapters into one, store it, and return its recipe.

    Raises RivalError if the merged adapter is invalid, StoreError.
    """
    context, space = rival.context, rival.setup.space
    folders = [model_folders.unpack_adapter(context, digest) for digest in space.basis]
    context.cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="merge.", dir=context.cache))
    try:
        write_merged(folders, merge, scratch / "adapter")
        digest = tree.put_tree(context.store, scratch / "adapter")
    except BadInputError as error:
        raise RivalError(f"the initial adapters cannot be merged: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return recipe.build_single(space.base, digest, space.dtype)


def write_merged(folders: Sequence[Path], merge: MergeTensors, out: Path) -> None:
    """Write the merged adapter as a PEFT folder. Raises BadInputError if the adapters differ in form, or if a number is
    not finite."""
    common = signature.require_common((str(folder), adapter.read_signature(folder)) for folder in folders)
    export.save(out, iterate_merged(folders, merge, common), common)


def iterate_merged(folders: Sequence[Path], merge: MergeTensors, common: Signature) -> Iterator[tuple[str, Tensor]]:
    """Yield the merged tensors by name, in the order of the signature."""
    for name in common.tensors:
        yield name, merge(name, [read_tensor(folder, name) for folder in folders])


def read_tensor(folder: Path, name: str) -> Tensor:
    """Read one tensor of an adapter in float32."""
    with safe_open(folder / adapter.WEIGHTS_FILE, framework="pt") as file:
        found: Tensor = file.get_tensor(name).float()
    return found
