"""Whether a page can be used by everybody, as axe-core judges it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

AXE = "4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
_RUN = """
const done = arguments[0];
const told = (node) => node.html + ' ' + node.failureSummary;
axe.run(document, {resultTypes: ['violations']})
  .then((result) => done(result.violations.map((found) => [found.impact, found.id, found.nodes.map(told)])));
"""


def axe_script() -> str:
    """The script of axe-core; the npm client brings it once into a cache of the tests."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graft-tests"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / f"axe-{AXE}.js"
    if not script.exists():
        if shutil.which("npm") is None:
            pytest.skip("axe-core comes from npm, and there is no npm client here")
        asked = ["npm", "pack", f"axe-core@{AXE}", "--silent", "--pack-destination", str(folder)]
        if subprocess.run(asked, capture_output=True, timeout=120, check=False).returncode:
            pytest.skip("the npm client did not bring axe-core: no registry can be reached")
        with tarfile.open(folder / f"axe-core-{AXE}.tgz") as packed:
            member = packed.extractfile("package/axe.min.js")
            assert member is not None
            script.write_bytes(member.read())
    content = script.read_bytes()
    assert hashlib.sha256(content).hexdigest() == AXE_SHA256, f"{script} is not axe-core {AXE}; delete it"
    return content.decode()


def serious_findings(browser: Any) -> list[Any]:
    """What is wrong with a page that has run ``axe_script`` already: how bad, what, and where."""
    found = browser.execute_async_script(_RUN)
    return [each for each in found if each[0] in ("serious", "critical")]
