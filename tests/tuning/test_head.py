import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tuning needs torch")

from graft.contracts import Linear  # noqa: E402
from graft.data.split import stratified_group_folds  # noqa: E402
from graft.heads.features import FEATURES, GIVEN, transform, width  # noqa: E402
from graft.learning.classifier import fit_classifier  # noqa: E402
from graft.recipe import Recipe  # noqa: E402
from graft.tuning.head import TrainableHead  # noqa: E402
from heads.blobs import blobs  # noqa: E402

STAGES = ((3, 4), (2, 5, 6))


def embeddings(n: int = 12) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(n, 20)).astype(np.float32)
    x[0, :3] = 0.0  # a stage of zeros
    return x


@pytest.mark.parametrize("features", FEATURES)
def test_features_are_those_of_the_fitted_head(features: str) -> None:
    linear = Linear(np.ones((width(STAGES, features), 2), np.float32), np.zeros(2, np.float32))
    found = TrainableHead(linear, STAGES, features).features(torch.from_numpy(embeddings()))
    np.testing.assert_allclose(found, transform(embeddings(), STAGES, features), atol=1e-6)


def test_given_columns_stay_as_they_are() -> None:
    head = TrainableHead(Linear(np.ones((20, 2), np.float32), np.zeros(2, np.float32)), GIVEN, "given")
    np.testing.assert_array_equal(head.features(torch.from_numpy(embeddings())), embeddings())


def test_tuning_starts_from_the_probabilities_of_the_fitted_classifier() -> None:
    x, y = blobs(60, 3, 12)
    folds = stratified_group_folds(y, np.arange(len(y)), 5, seed=0)
    classifier, _ = fit_classifier(x, y, 3, ((5, 7),), folds, Recipe())
    head = TrainableHead.of(classifier)
    with torch.no_grad():
        logits = head.logits(head.features(torch.from_numpy(x)))
    np.testing.assert_allclose(torch.softmax(logits, dim=1), classifier.probabilities(x), atol=1e-5)
    linear = Linear(head.weights.detach().numpy(), head.bias.detach().numpy())
    phi = transform(x, classifier.stages, classifier.features)
    np.testing.assert_allclose(linear.scores(phi), classifier.linear.scores(phi) / classifier.temperature, atol=1e-4)


def test_a_stage_of_zeros_has_a_finite_gradient() -> None:
    linear = Linear(np.ones((20, 2), np.float32), np.zeros(2, np.float32))
    head = TrainableHead(linear, STAGES, "even")
    x = torch.from_numpy(embeddings()).requires_grad_()
    head.logits(head.features(x)).square().sum().backward()
    assert torch.isfinite(x.grad).all()
