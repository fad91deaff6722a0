import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tuning needs torch")

from graft.tuning.objectives import TEMPERATURE, contrastive, cross_entropy, mix  # noqa: E402


def test_contrastive_is_the_formula_of_its_paper() -> None:
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(7, 4)), np.array([0, 0, 1, 1, 1, 2, 0])
    z = x / np.linalg.norm(x, axis=1, keepdims=True)
    expected = 0.0
    for i in range(7):
        others = [j for j in range(7) if j != i]
        friends = [j for j in others if y[j] == y[i]]
        whole = sum(np.exp(z[i] @ z[j] / TEMPERATURE) for j in others)
        if friends:
            expected -= np.mean([np.log(np.exp(z[i] @ z[j] / TEMPERATURE) / whole) for j in friends])
    assert float(contrastive(torch.from_numpy(x), torch.from_numpy(y))) == pytest.approx(expected)


def test_items_that_are_alone_of_their_class_draw_nobody_and_harm_nothing() -> None:
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = contrastive(x, torch.arange(4))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.isfinite(x.grad).all()


def test_mixed_items_have_the_labels_of_both() -> None:
    generator = torch.Generator().manual_seed(3)
    batch = torch.arange(6.0)[:, None]
    mixed, others, share = mix(batch, 0.4, generator)
    assert 0.5 <= share <= 1.0
    torch.testing.assert_close(mixed, share * batch + (1 - share) * batch[others])
    logits, y = torch.randn(6, 3, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])
    expected = share * cross_entropy(logits, y) + (1 - share) * cross_entropy(logits, y[others])
    torch.testing.assert_close(cross_entropy(logits, y, mixed=(y[others], share)), expected)
