import numpy as np
import pytest

import contracts
from graft.data.dataset import Memory
from graft.encoders import encoder_for
from graft.encoders.cache import Cache
from graft.encoders.embed import chunks_of, embed
from graft.encoders.joined import JoinedEncoder
from graft.run import Run


@pytest.fixture(scope="module")
def joined() -> JoinedEncoder:
    """The same network twice, in two precisions: two encoders as far as any code can tell."""
    return JoinedEncoder((encoder_for("image", backend="openvino"), encoder_for("image", backend="onnxruntime")))


@pytest.fixture(scope="module")
def items():
    return [Memory(contracts.GOOD["image"](seed), f"picture {seed}") for seed in range(12)]


@pytest.mark.parametrize("check", contracts.ENCODER_CHECKS, ids=lambda check: check.__name__)
def test_encoders_that_are_joined_keep_the_contract_of_one(joined, check):
    check(joined)


def test_each_has_its_own_columns_and_its_own_entries_in_the_cache(joined, items, tmp_path):
    cache = Cache(tmp_path)
    first = embed(joined.members[0], items, Run(cache))
    together = embed(joined, items, Run(cache))
    assert together.x.shape == (12, 2 * 1752)
    assert np.array_equal(together.x[:, :1752], first.x)
    assert (together.hits, together.misses) == (0, 12)  # the second network had to run
    assert (again := embed(joined, items, Run(Cache(tmp_path)))).hits == 12
    assert np.array_equal(again.x, together.x)
    assert sum(cache.info().entries.values()) == 24


def test_a_bad_item_is_skipped_by_all(joined, items):
    found = embed(joined, [items[0], Memory(b"", "nothing"), items[1]])
    assert found.rows.tolist() == [0, 2]
    assert set(found.skipped) == {1}
    assert [chunk.embedded.x.shape for chunk in chunks_of(joined, items[:2])] == [(2, 2 * 1752)]
