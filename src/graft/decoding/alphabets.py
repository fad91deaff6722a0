"""Which letters beyond ASCII the languages write that an encoding is for; they tell encodings apart."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

_SIGNS = frozenset(
    "\u20ac\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2026\xab\xbb\xa1\xbf\xa3\xa7\xb0\xa0\u3001\u3002\uff0c"
)
"""Say nothing of the language."""


def _among(letters: str) -> Callable[[str], bool]:
    return frozenset(letters).__contains__


def _between(*ranges: tuple[str, str]) -> Callable[[str], bool]:
    return lambda character: any(first <= character <= last for first, last in ranges)


_WESTERN = _among("àâäáãåæçéèêëíìîïñóòôöõøœúùûüß")
_CYRILLIC = _between(("\u0430", "\u045f"))
_JAPANESE = _between(("\u3041", "\u30ff"), ("\u4e00", "\u9fff"))
_CHINESE = _between(("\u4e00", "\u9fff"))
_LETTERS: dict[str, Callable[[str], bool]] = {
    "cp1252": _WESTERN,
    "cp1250": _among("ąćęłńóśźżáčďéěíňřšťúůýžľĺŕôőűöüăâîşţäëß"),
    "cp1251": _CYRILLIC,
    "cp1253": _between(("\u03ac", "\u03ce")),
    "cp1254": _among("çğıöşüâîû"),
    "cp1255": _between(("\u05b0", "\u05ea")),
    "cp1256": _between(("\u0621", "\u06d2")),
    "cp1257": _among("āčēģīķļņšūžąęėįųõäöü"),
    "koi8_r": _CYRILLIC,
    "cp932": _JAPANESE,
    "euc_jp": _JAPANESE,
    "gb18030": _CHINESE,
    "big5": _CHINESE,
    "cp949": _between(("\uac00", "\ud7a3")),
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
}
"""By encoding: letters, in lower case, that are written every day."""


def share_of_own_letters(text: str, encoding: str) -> float:
    """How many of the characters beyond ASCII are letters of the languages that an encoding is for, from 0 to 1.

    A capital counts where it begins a word: a text that is read in the wrong encoding has them anywhere.
    """
    letters, n, own = _LETTERS[encoding], 0, 0
    for before, character in pairwise(" " + text):
        if character.isascii() or character in _SIGNS:
            continue
        n += 1
        own += letters(character) or (letters(character.lower()) and not before.isalpha())
    return own / n if n else 1.0
