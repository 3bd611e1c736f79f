"""The plug-in package of the tests, built as a wheel and unpacked into a folder that can be put on a path.

That is what an installation leaves of it: the modules, and the metadata that names its distribution, version and entry
points.
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "plugin_package"
DISTRIBUTION, VERSION = "dataswarm-testing-plugins", "1.0.0"
BUILD = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"


def build_wheel(scratch: Path, version: str = VERSION) -> Path:
    """The wheel of the package, as if it were released as `version`; made below `scratch`, a folder."""
    copy = Path(shutil.copytree(SOURCE, scratch / f"source-{version}", ignore=shutil.ignore_patterns("__pycache__")))
    project = copy / "pyproject.toml"
    text = project.read_text()
    assert f'version = "{VERSION}"' in text
    project.write_text(text.replace(f'version = "{VERSION}"', f'version = "{version}"'))
    command = [sys.executable, "-c", BUILD, str(scratch)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return scratch / done.stdout.split()[-1]


def install(scratch: Path, version: str = VERSION) -> Path:
    """A new folder below `scratch` that holds the package as installed."""
    folder = scratch / f"installed-{version}"
    with zipfile.ZipFile(build_wheel(scratch, version)) as wheel:
        wheel.extractall(folder)
    return folder
