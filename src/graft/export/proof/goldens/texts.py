"""Golden texts: messages of the samples, and every kind of writing at which tokenisers part."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import numpy as np

from graft.export.proof.goldens.golden import Golden

_MESSAGES = 12
_STRANGE = {
    "one letter": "a",
    "one mark": "?",
    "figures": "Order 40718: 3 x 19.99 EUR = 59,97 (+49 30 1234-567)",
    "capitals": "WHERE IS MY PARCEL???",
    "lines and tabs": "first line\n\n\tsecond line\r\nthird\u00a0line\u2003end  ",
    "composed accents": "Žluťoučký kůň, où est mon colis? Größe, naïve café",
    "decomposed accents": "Z\u030clut\u030couc\u030cky\u0301 ku\u030an\u030c, ou\u0300 est mon colis? cafe\u0301",
    "Chinese": "你好，我的包裹在哪里？我想退货。",
    "Japanese": "荷物はまだ届いていません。キャンセルできますか",
    "Korean": "배송이 언제 도착하나요?",
    "Arabic": "أين طردي؟ لم يصل بعد.",
    "Hindi": "मेरा पार्सल कहाँ है?",
    "Russian": "Где моя посылка? Ёлка не пришла.",
    "emoji": "thanks 😀👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️",
    "signs of no width": "pass\u200bword zero\u200djoin\ufeff soft\u00adhyphen",
    "control characters": "bell\x07 back\x08space null\x00 delete\x7f escape\x1b[31m red",
    "half a character": "broken \ufffd\ufffd sign",
    "names of marks": "[CLS] is no [SEP] and no [MASK] [UNK] [PAD]",
    "an address": "https://example.org/a_b?c=d&e=%20#f mail@example.org",
    "mathematics": "∑ x² ≤ ½ · 𝔸𝕓 ﬁne ＦＵＬＬ １２３ Ⅷ",
    "a word of 200 letters": "abcde" * 40,
    "a word of 100 letters": "x" * 100,
    "punctuation": "...!!!---???''\"\"«»„“‚‘—–…",
}


def draw_texts(seed: int) -> Iterator[Golden]:
    """All of them, from the plain to the strange."""
    messages = _messages()
    rng = np.random.default_rng([seed, 3])
    for row in rng.permutation(len(messages))[:_MESSAGES].tolist():
        yield _text(messages[row], "a message")
    for what, text in _STRANGE.items():
        yield _text(text, what)
    order = rng.permutation(len(messages)).tolist()
    yield _text(" ".join(messages[row] for row in order[:30]), "30 messages in one")
    yield _text("\n".join(messages[row] for row in order[:120]), "120 messages in one")


def _messages() -> list[str]:
    lines = resources.files("graft.samples").joinpath("messages.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[2] for line in lines[1:]]


def _text(text: str, what: str) -> Golden:
    return Golden("txt", text.encode(), what)
