"""Packs the files that run a model in a browser into the wheel: an installed Graft exports without a network."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REQUIRED = "GRAFT_WHEEL_RUNTIME"
"""``required``: a wheel without them is not built, as none may be that is published."""


class RuntimeHook(BuildHookInterface):  # type: ignore[misc]  # hatchling has no types here
    """Asks ``runtime.py`` for the files when a wheel is built; an editable install needs none."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them to the wheel."""
        if version == "editable":
            return
        runtime = load_runtime(Path(self.root))
        folder = Path(self.root) / "build" / f"{runtime.PACKAGE}-{runtime.VERSION}"
        try:
            runtime.read(folder)
        except runtime.RuntimeMissing as error:
            if os.environ.get(REQUIRED) == "required":
                raise
            self.app.display_warning(f"The wheel cannot export to browsers without a network: {error}")
            return
        packed = "graft/export/browser/packed"
        build_data["force_include"] |= {str(folder / file.name): f"{packed}/{file.name}" for file in runtime.FILES}


def load_runtime(root: Path) -> Any:
    """``runtime.py`` by its path: Graft's dependencies are not there while its wheel is built."""
    path = root / "src" / "graft" / "export" / "browser" / "runtime.py"
    spec = importlib.util.spec_from_file_location("graft_runtime_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
