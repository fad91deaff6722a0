"""Altered copies of texts join; texts that only look alike do not."""

import csv
import random

import numpy as np
import pytest

from graft.duplicates import texts as near_texts
from graft.duplicates.texts import near_duplicate_texts

CHAIN = (
    "one of these words after another takes the place of what stood there before it",
    "but none that follows has very much in common with a text far down this row",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def read(shared, name, column="text"):
    with (shared / name / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row[column] for row in rows], [row["label"] for row in rows]


def mistyped(text, rng):
    place = rng.randrange(1, len(text) - 1)
    return rng.choice(
        [
            text[:place] + text[place + 1 :],
            text[:place] + rng.choice(LETTERS) + text[place:],
            text[:place] + rng.choice(LETTERS) + text[place + 1 :],
            text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :],
        ]
    )


def lengthened(text, rng):
    words = text.split()
    words.insert(rng.randrange(len(words) + 1), rng.choice(["please", "really", "just", "now", "hi", "maybe"]))
    return " ".join(words)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Yes", "yes!"),
        ("What is the top-up limit?", "what is the TOP UP limit"),
        ("Where is my refund for order 4711?", "Where is my refund for order 98-01?"),
        ("My card was declinned at the shop", "My card was declined at the shop"),
        ("Ina kwana, Jihar Ɓauchi", "INA KWANA JIHAR ƁAUCHI"),
        ("请问我的银行卡什么时候能寄到我家里来呢，谢谢你们", "请问我的银行卡什么时候能寄到我家里来呢 谢谢你们！"),
    ],
)
def test_the_same_text(a, b):
    assert near_duplicate_texts([a, "something else", b]).clusters.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("yes", "yet"),
        ("Room 12", "Room 13"),  # short texts must be equal
        ("!!!", "???"),
        ("", "..."),
        ("I lost my card, what should I do?", "I lost my phone, what should I do?"),
        ("Can I change my PIN at any cash machine?", "How do I unblock my PIN at a cash machine?"),
    ],
)
def test_another_text(a, b):
    assert near_duplicate_texts([a, b]).clusters.tolist() == [0, 1]


def test_no_texts():
    assert near_duplicate_texts([]).clusters.tolist() == []
    assert near_duplicate_texts(["", "", " "]).clusters.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("name", "wrong"), [("banking77", 40), ("trec6", 5), ("sms_spam", 0)])
def test_altered_copies_of_real_texts_join_and_others_do_not(shared, name, wrong):
    texts, labels = read(shared, name)
    rng = random.Random(0)
    chosen = rng.sample([row for row, text in enumerate(texts) if len(text) >= 25], 200)
    copies = {
        "shouted": ([texts[row].upper() + " !!" for row in chosen], 1.0),
        "mistyped": ([mistyped(texts[row], rng) for row in chosen], 0.9),
        "lengthened": ([lengthened(texts[row], rng) for row in chosen], 0.9),
    }
    altered = [text for group, _ in copies.values() for text in group]
    clusters = near_duplicate_texts(texts + altered).clusters
    found = (clusters[len(texts) :] == np.tile(clusters[chosen], len(copies))).reshape(len(copies), -1).mean(axis=1)
    assert (found >= [share - 0.01 for _, share in copies.values()]).all()

    clusters = near_duplicate_texts(texts).clusters
    pairs = set(zip(clusters.tolist(), labels, strict=True))
    assert len(pairs) - len(np.unique(clusters)) <= wrong


def test_long_texts_are_compared_by_a_sample():
    rng = random.Random(0)
    words = ["".join(rng.choices(LETTERS, k=rng.randrange(2, 9))) for _ in range(2000)]
    texts = [" ".join(rng.choices(words, k=800)) for _ in range(40)]
    copies = [mistyped(lengthened(text, rng), rng) for text in texts]
    assert near_duplicate_texts(texts + copies).clusters.tolist() == [*range(40), *range(40)]


def test_chains_do_not_swallow_the_data():
    words, other = CHAIN[0].split(), CHAIN[1].split()
    chain = [" ".join(other[:place] + words[place:]) for place in range(len(words))]
    texts = chain + [f"filler {number}" for number in range(60)]
    clusters = near_duplicate_texts(texts).clusters
    assert np.bincount(clusters).max() <= 12
    assert np.bincount(near_duplicate_texts(["the very same text again"] * 90).clusters).tolist() == [90]


def test_order_and_blocks_change_nothing(shared, monkeypatch):
    texts = read(shared, "sms_spam")[0][:800]
    whole = near_duplicate_texts(texts).clusters
    assert len(np.unique(whole)) < 790
    backwards = near_duplicate_texts(texts[::-1]).clusters[::-1]
    assert len(np.unique(backwards)) == len(np.unique(whole)) == len(np.unique(np.stack([whole, backwards]), axis=1).T)
    monkeypatch.setattr("graft.heads.ngrams._BLOCK", 1000)
    monkeypatch.setattr(near_texts, "_PAIRS", 7)
    assert (near_duplicate_texts(texts).clusters == whole).all()
