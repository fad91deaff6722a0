"""Typical examples."""

import graft
import shapes


def test_typical_examples_are_right_and_of_copies_one(tmp_path):
    root = shapes.folders(tmp_path / "photos", {"circle": 8, "square": 8})
    for n in range(3):
        (root / "circle" / f"again{n}.png").write_bytes((root / "circle" / "000.png").read_bytes())
    report = graft.fit(root).report

    assert {judged.label for judged in report.typical} == {"circle", "square"}
    assert all(judged.label == judged.predicted and judged.confidence > 0.5 for judged in report.typical)
    assert all(judged.path.startswith(judged.label) for judged in report.typical)
    for label in ("circle", "square"):
        own = [judged.path for judged in report.typical if judged.label == label]
        assert 0 < len(own) <= 4
        copies = {"circle/000.png", *(f"circle/again{n}.png" for n in range(3))}
        assert len(copies.intersection(own)) <= 1
