"""scikit-learn's logistic regression, its strength chosen by five-fold cross-validation."""

from __future__ import annotations

import numpy as np
from protocol import Task
from sklearn.linear_model import LogisticRegressionCV

FOLDS = 5
FOR_UNIT_LENGTH = tuple(np.logspace(0, 2.5, 6))
"""C for embeddings of unit length."""
FOR_STANDARDISED = tuple(np.logspace(-4, 0, 5))
"""C for embeddings of which every column has variance 1."""


def accuracy_of(task: Task, train: np.ndarray, test: np.ndarray, strengths: tuple[float, ...]) -> float:
    """Fit on the training embeddings, score on the others; the chosen C is kept in the details.

    Args:
        task: Has the targets.
        train: ``(n, d)``.
        test: ``(m, d)``.
        strengths: The C to choose from.
    """
    model = LogisticRegressionCV(
        Cs=strengths,
        cv=FOLDS,
        max_iter=1000,
        n_jobs=-1,
        random_state=task.seed,
        scoring="accuracy",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )
    model.fit(train, task.train.targets)
    task.details["C"] = float(model.C_)
    return float((model.predict(test) == np.array(task.test.targets)).mean())
