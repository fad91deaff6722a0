"""How credible labels are, as cleanlab scores them from given probabilities.

``python cleanlab_scores.py FOLDER``: the folder holds ``labels.npy`` ``(n,) int64`` and ``p.npy`` ``(n, k)``. For each
method its scores are written as ``METHOD.npy``, and which labels are issues as ``issues.npy``.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


def main(folder: Path) -> None:
    """Score the labels in the folder by every method; print which there are."""
    labels, p = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("labels", "p"))
    p = p.astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    names = []
    for method, adjusted in product(METHODS, (False, True)):
        if adjusted and method == "confidence_weighted_entropy":  # cleanlab refuses this pair
            continue
        name = f"{method}{', adjusted' if adjusted else ''}"
        scores = get_label_quality_scores(labels, p, method=method, adjust_pred_probs=adjusted)
        np.save(folder / f"{name}.npy", scores.astype(np.float64))
        names.append(name)
    np.save(folder / "issues.npy", find_label_issues(labels, p, n_jobs=1).astype(np.bool_))
    print(json.dumps({"methods": names, "versions": {"cleanlab": version("cleanlab")}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
