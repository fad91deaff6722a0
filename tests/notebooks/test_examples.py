"""The example notebooks: kept as they were run, and begun by a cell that changes nothing that is loaded."""

import json
import re
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from graft.own_wheel import own_wheel

PROJECT = Path(__file__).parents[2]
EXAMPLES = sorted((PROJECT / "notebooks").glob("*.ipynb"))
LOCAL = re.compile(r"(?<![\w.:/])/(home|root|tmp|var|usr|work|private|Users|mnt|opt)/|[A-Z]:\\\\|site-packages")
"""What paths of a machine look like; ``/content`` and ``/kaggle`` are where everybody's notebook runs."""
KERNEL = """
import sys
{loads}
names = {{"__name__": "__main__"}}
for turn in range({turns}):
    exec(compile(open(sys.argv[1]).read(), "cell", "exec"), names)
for name in {names!r}:
    print(name, __import__("importlib.metadata").metadata.version(name))
"""


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def first(path: Path) -> str:
    return next(source(cell) for cell in cells(path) if cell["cell_type"] == "code")


def test_there_is_one_for_each_kind_of_item():
    assert [path.stem for path in EXAMPLES] == ["photos", "recordings", "texts"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_what_is_kept_was_run_from_top_to_bottom_and_holds_nothing_of_a_machine(path):
    coded = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in coded] == list(range(1, len(coded) + 1))
    outputs = [output for cell in coded for output in cell["outputs"]]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert not LOCAL.search(json.dumps(outputs))
    assert path.stat().st_size < 80_000


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_its_metadata_name_no_machine(path):
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert not any(cell["metadata"] for cell in told["cells"])


def test_their_cells_are_formatted_as_all_code_is():
    pytest.importorskip("ruff", reason="it formats them: pip install ruff")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "notebooks"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_begin_with_the_same_cell_but_for_the_extras():
    begun = {re.sub(r'EXTRAS = "[\w,-]+"', "", first(path)) for path in EXAMPLES}
    assert len(begun) == 1
    assert first(EXAMPLES[0]).startswith('GRAFT = "graft-learn"')


class Kernel:
    """A Python that has all packages of this one but Graft, and those that are installed into it."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        self.python, self.wheels = folder / "venv" / "bin" / "python", folder / "wheels"
        others = folder / "others"
        for made in (self.wheels, others):
            made.mkdir()
        for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if "graft" not in path.name and path.suffix != ".pth":
                (others / path.name).symlink_to(path)
        own = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        packages = Path(
            subprocess.run([self.python, "-c", own], capture_output=True, text=True, check=True).stdout[:-1]
        )
        (packages / "others.pth").write_text(f"{others}\n")
        self.environment = {"PATH": "", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "HOME": str(folder)}

    def wheel(self, name: str, release: str, *needed: str) -> Path:
        """A wheel with a module of its name in it."""
        path = self.wheels / f"{name}-{release}-py3-none-any.whl"
        about = f"{name}-{release}.dist-info"
        needs = "".join(f"Requires-Dist: {one}\n" for one in needed)
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(f"{name}.py", f"__version__ = {release!r}\n")
            extras = "Provides-Extra: collect\nProvides-Extra: export\nProvides-Extra: tune\n"
            packed.writestr(
                f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n{needs}{extras}"
            )
            packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            packed.writestr(f"{about}/RECORD", "")
        return path

    def install(self, wheel: Path) -> None:
        """As its owner did before."""
        command = [self.python, "-m", "pip", "install", "--quiet", wheel]
        subprocess.run(command, env=self.environment, check=True)

    def run(self, graft: Path, *, loads: str, names: tuple[str, ...], turns: int = 1) -> tuple[int, str, str]:
        """The first cell where these modules are loaded: exit code, the versions of ``names`` after it, errors."""
        cell = self.wheels / "cell.py"
        cell.write_text(first(EXAMPLES[0]).replace('GRAFT = "graft-learn"', f"GRAFT = {str(graft)!r}"))
        loading = "".join(f"import {name}\n" for name in loads.split())
        code = KERNEL.format(loads=loading, turns=turns, names=names)
        done = subprocess.run([self.python, "-c", code, cell], env=self.environment, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def kernel(tmp_path):
    return Kernel(tmp_path)


def test_the_first_cell_installs_graft_beside_what_is_loaded_and_a_second_time_nothing(kernel, tmp_path):
    code, said, wrong = kernel.run(own_wheel(tmp_path), loads="numpy PIL", names=("numpy", "pillow"), turns=2)
    assert code == 0, wrong
    release = version("graft-learn")
    assert said.splitlines() == [f"Graft {release}"] * 2 + [f"{n} {version(n)}" for n in ("numpy", "pillow")]


def test_the_first_cell_never_changes_what_is_loaded_and_says_so(kernel):
    kernel.install(kernel.wheel("loadedlib", "1.0"))
    kernel.wheel("loadedlib", "2.0")
    needy = kernel.wheel("graft", "1.0", "loadedlib>=2")
    code, _, wrong = kernel.run(needy, loads="loadedlib", names=())
    assert code == 1
    assert "loadedlib" in wrong
    assert "nothing that the kernel has loaded was changed" in wrong
    assert "restart the kernel" in wrong
    assert "%pip install" in wrong
    # What is not loaded may change, for nobody holds the old one.
    assert kernel.run(needy, loads="", names=("loadedlib",))[1].splitlines() == ["Graft 1.0", "loadedlib 2.0"]
