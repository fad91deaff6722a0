"""The graph of a picture model answers as the model does."""

import numpy as np

from exports import Asked, pixels_of


def test_files_decoded_by_pillow_are_answered_as_by_the_model(model_in_f32, exported, photos):
    asked = Asked(exported / "model.onnx")
    files = sorted(photos.rglob("*.png"))[::4]
    for file, wanted in zip(files, model_in_f32.predict(files), strict=True):
        found = asked(pixels=pixels_of(file))
        assert asked.metadata["classes"][found["probabilities"][0].argmax()] == wanted.label
        np.testing.assert_allclose(found["probabilities"][0], list(wanted.scores.values()), atol=0.005)
        assert found["set"][0].tolist() == [label in wanted.set for label in model_in_f32.classes]
        assert (found["unknown_score"][0] > asked.metadata["unknown_threshold"]) == wanted.unknown
