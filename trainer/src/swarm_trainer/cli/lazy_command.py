"""Commands that are imported when they are called, so that each needs only the packages that it uses itself."""

import argparse
import importlib
from dataclasses import dataclass
from typing import cast

from swarm_core.errors import BadInputError


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A function of a module: takes the parsed arguments and returns the exit code."""

    module: str
    function: str

    def __call__(self, arguments: argparse.Namespace) -> int:
        """Import the module and call the function. Raises BadInputError if a package of an extra is missing."""
        try:
            function = getattr(importlib.import_module(self.module), self.function)
            return cast(int, function(arguments))
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("swarm_"):
                raise
            message = f"this command needs the package {error.name}; run: pip install 'dataswarm[trainer]'"
            raise BadInputError(message) from error
