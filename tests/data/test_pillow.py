import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from graft.decoding.pillow import quiet, to_rgb

GREY = (np.add.outer(np.arange(100), np.arange(70)) * 1.5).astype(np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "I;16"])
def test_strips_come_to_the_same_as_the_whole(mode, monkeypatch):
    grey = Image.fromarray(GREY)
    image = Image.fromarray(GREY.astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    monkeypatch.setattr("graft.decoding.pillow._STRIP_PIXELS", 70 * 12)  # several strips, the last one shorter
    whole, shrunk = to_rgb(image), to_rgb(image, 4)
    assert (whole.mode, shrunk.mode) == ("RGB", "RGB")
    assert (whole.size, shrunk.size) == ((70, 100), (18, 25))
    np.testing.assert_allclose(np.asarray(shrunk, int), np.asarray(whole.reduce(4), int), atol=1)


def test_quiet_hides_pillows_warnings_only_and_only_inside():
    def warn(module):
        warnings.warn_explicit("look", UserWarning, "f.py", 1, module=module)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet():
            warn("PIL.TiffImagePlugin")
            warn("mine")
        warn("PIL.TiffImagePlugin")
    assert len(caught) == 2


def test_quiet_in_many_threads_leaves_the_filters_as_they_were():
    before = list(warnings.filters)
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(200):
            with quiet():
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
