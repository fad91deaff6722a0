"""Functions that several tests look at, each exported once, and the runtime that calls them."""

import shutil
import stat

import pytest

import serverless
from graft.export.exporting import export_model
from graft.export.options import TargetOptions

PACKAGES = ("numpy", "onnxruntime", "pillow", "soundfile", "cffi", "typing_extensions")
OF_TRAINING = ("charset-normalizer", "click", "obstore", "rich", "safetensors", "threadpoolctl")


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory):
    """Wheels of every package, so that no index is asked."""
    return serverless.wheels(tmp_path_factory.mktemp("wheels"), (*PACKAGES, *OF_TRAINING))


@pytest.fixture(scope="session")
def exported_function(model, wheelhouse, tmp_path_factory):
    """The model of shapes as a function: what was said of it, and its folder. Nobody writes into it."""
    options = TargetOptions(wheels=wheelhouse, output_prefix="answers/")
    return export_model(model, "serverless", tmp_path_factory.mktemp("exports") / "shapes", options=options)


@pytest.fixture(scope="session")
def task(exported_function, tmp_path_factory):
    """The function without its packages, which are for another Python than this one: it takes those that are here."""
    return bare(exported_function.path, tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="session")
def texts_task(text_model, wheelhouse, tmp_path_factory):
    """The same of the model of messages."""
    folder = tmp_path_factory.mktemp("exports") / "texts"
    export_model(text_model, "serverless", folder, options=TargetOptions(wheels=wheelhouse))
    return bare(folder, tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="session")
def sounds_task(sound_model, wheelhouse, tmp_path_factory):
    """The same of the model of sounds."""
    folder = tmp_path_factory.mktemp("exports") / "sounds"
    export_model(sound_model, "serverless", folder, options=TargetOptions(wheels=wheelhouse))
    return bare(folder, tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="session")
def exported_trainer(model, wheelhouse, tmp_path_factory):
    """The model of shapes as a function that trains, too. Nobody writes into it."""
    options = TargetOptions(wheels=wheelhouse, output_prefix="answers/", train=True)
    return export_model(model, "serverless", tmp_path_factory.mktemp("exports") / "trainer", options=options)


@pytest.fixture(scope="session")
def training_task(exported_trainer, tmp_path_factory):
    """That function without its packages but for Graft."""
    return bare(exported_trainer.path, tmp_path_factory.mktemp("task"))


def bare(folder, place):
    """The files of a function, in a folder that nobody can write to."""
    for path in folder.iterdir():
        if path.is_file() and path.name != "function.zip":
            (place / path.name).write_bytes(path.read_bytes())
    for name in ("tokenizer", "weights"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, place / name)
    if (folder / "packages" / "graft").is_dir():
        shutil.copytree(folder / "packages" / "graft", place / "graft")
    place.chmod(stat.S_IRUSR | stat.S_IXUSR)
    return place


@pytest.fixture(scope="module")
def shapes_function(task, tmp_path_factory):
    """The function of shapes, running."""
    with serverless.function(task, tmp_path_factory.mktemp("tmp")) as running:
        yield running
