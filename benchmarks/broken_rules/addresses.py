"""Rules of data at addresses, and of notebooks that are run: what is read, what is named, what stays hidden."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

_KEYS = "src/graft/buckets/keys.py"
_LISTING = "src/graft/buckets/odd_keys.py"
_HUB = "src/graft/hub_data/bringing.py"
_HIDING = "src/graft/notebooks/hiding.py"
_CLUSTERS = "src/graft/duplicates/clusters.py"
_COPIES = "src/graft/duplicates/copies.py"
_BUCKETS = "tests/test_buckets.py::"
_EXECUTED = "tests/notebooks/test_executed.py::"
_SPLIT = "tests/data/test_split.py::"

ADDRESSES = (
    Rule(
        "a key with a dot part is no file's name",
        _KEYS,
        'part in ("", ".", "..")',
        'part in ("",)',
        _BUCKETS + "test_a_key_that_is_no_name_of_a_file",
    ),
    Rule(
        "keys that are called alike do not lie side by side",
        _KEYS,
        "        elif alike in kept:\n",
        "        elif False:\n",
        _BUCKETS + "test_what_is_called_alike_is_named_and_the_rest_is_read",
    ),
    Rule(
        "a signed listing follows no redirect",
        _LISTING,
        "build_opener(NoRedirect)",
        "build_opener()",
        _BUCKETS + "test_a_signed_request_is_sent_nowhere_else",
    ),
    Rule(
        "pictures of the hub are taken undecoded",
        _HUB,
        "(decode=False)",
        "(decode=True)",
        "tests/data/test_hub_data.py::test_one_bad_item_is_one_named_item",
    ),
    Rule(
        "a secret is hidden in base64 and in addresses too",
        _HIDING,
        'quote(raw, safe=""), quote(raw), quote_plus(raw), base64.b64encode(raw).decode().rstrip("="),',
        "",
        _EXECUTED + "test_a_secret_is_found_as_it_is_sent_too",
    ),
    Rule(
        "a secret that is cut in two is found",
        _HIDING,
        "                return size\n",
        "                return 0\n",
        _EXECUTED + "test_a_secret_is_found_wherever_it_is_cut",
    ),
    Rule(
        "an inverse by halves is that of the whole",
        _CLUSTERS,
        "first + corner @ mixed.T",
        "first",
        _SPLIT + "test_whitened_cosines_are_those_of_the_shrunk_covariance",
    ),
    Rule(
        "where there are more items than numbers the cosines are whitened alike",
        _CLUSTERS,
        "white, x = white * scales, x * scales",
        "white = white * scales",
        _SPLIT + "test_whitened_cosines_are_those_of_the_shrunk_covariance",
    ),
    Rule(
        "pictures on which embeddings cannot agree are not laid upon one another",
        _COPIES,
        "    likely = likely[(1 + agree(likely[:, :2])) / 2 >= AGREED]\n",
        "",
        "tests/model/test_copies.py::test_pairs_on_which_embeddings_cannot_agree_are_not_laid_upon_one_another",
    ),
    Rule(
        "what cannot be used is named by a retraining",
        "src/graft/retraining/retraining.py",
        "            skipped=material.dataset.skipped,\n",
        "",
        "tests/cli/test_retrain.py::test_what_cannot_be_used_is_named",
    ),
    Rule(
        "of too few items nothing is said",
        "src/graft/cli/monitor.py",
        "enough = found.n > LEAST_ITEMS and",
        "enough = found.n > 0 and",
        "tests/cli/test_monitor.py::test_of_few_items_it_says_that_nothing_is_said_yet",
    ),
)
