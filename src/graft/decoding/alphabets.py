"""Encodings from before UTF-8, and the letters beyond ASCII of their languages, by which they are told apart."""

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
OLDER: dict[str, tuple[str, Callable[[str], bool]]] = {
    "cp1252": ("Windows-1252", _WESTERN),
    "cp1250": ("Windows-1250 (Central European)", _among("ąćęłńóśźżáčďéěíňřšťúůýžľĺŕôőűöüăâîşţäëß")),
    "cp1251": ("Windows-1251 (Cyrillic)", _CYRILLIC),
    "koi8_r": ("KOI8-R (Cyrillic)", _CYRILLIC),
    "cp1253": ("Windows-1253 (Greek)", _between(("\u03ac", "\u03ce"))),
    "cp1254": ("Windows-1254 (Turkish)", _among("çğıöşüâîû")),
    "cp1255": ("Windows-1255 (Hebrew)", _between(("\u05b0", "\u05ea"))),
    "cp1256": ("Windows-1256 (Arabic)", _between(("\u0621", "\u06d2"))),
    "cp1257": ("Windows-1257 (Baltic)", _among("āčēģīķļņšūžąęėįųõäöü")),
    "cp932": ("Shift JIS (Japanese)", _JAPANESE),
    "euc_jp": ("EUC-JP (Japanese)", _JAPANESE),
    "gb18030": ("GB 18030 (Chinese)", _CHINESE),
    "big5": ("Big5 (Chinese)", _CHINESE),
    "cp949": ("CP949 (Korean)", _between(("\uac00", "\ud7a3"))),
    "mac_roman": ("Mac Roman", _WESTERN),
    "cp850": ("code page 850 (DOS)", _WESTERN),
}
"""Encodings from before UTF-8, the likeliest first: what they are called, and which letters, in lower case, are written
every day."""


def share_of_own_letters(text: str, encoding: str) -> float:
    """How many of the characters beyond ASCII are letters of the languages that an encoding is for, from 0 to 1.

    A capital counts where it begins a word: a text that is read in the wrong encoding has them anywhere.
    """
    _, letters = OLDER[encoding]
    n, own = 0, 0
    for before, character in pairwise(" " + text):
        if character.isascii() or character in _SIGNS:
            continue
        n += 1
        own += letters(character) or (letters(character.lower()) and not before.isalpha())
    return own / n if n else 1.0
