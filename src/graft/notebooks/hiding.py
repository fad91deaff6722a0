"""What may stand in no copy, event or log: values given as secrets; and paths, which say whose machine it was."""

from __future__ import annotations

import base64
import getpass
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"
_SECRET_WORDS = {
    "token", "key", "apikey", "password", "passwd", "passphrase", "pwd", "secret", "credential", "credentials",
}  # fmt: skip
MIN_SECRET = 4
"""A value of fewer characters is kept out of the cell that gives it, but is not looked for in outputs."""
_MIN_LINE = 12
"""A line of a secret of several lines, such as a private key, is looked for by itself if it is as long as this."""
_KERNEL_FILE = re.compile(r"(?:/[^\s:'\"/]+)+/ipykernel_\d+/\d+\.py")


def is_secret_name(name: str) -> bool:
    """Whether a parameter's last word says that its value is a secret: ``hf_token``, ``APIKey``, ``PASSWORD_2``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(words) and words[-1].lower() in _SECRET_WORDS


class Hiding:
    """Takes secrets and paths out of texts.

    Args:
        secrets: The values.
        folders: What is written for each of these paths.
    """

    def __init__(self, secrets: Iterable[str] = (), folders: Mapping[str, str] | None = None) -> None:
        forms = {form for value in secrets for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, self._forms))) if forms else None
        known = sorted((folders or {}).items(), key=lambda pair: -len(pair[0]))
        self._folders = dict(known)
        ends = r"(?![\w.-])"
        self._folder = re.compile("(" + "|".join(re.escape(path) for path, _ in known) + ")" + ends) if known else None

    @property
    def longest(self) -> int:
        """Characters of the longest form of a secret."""
        return len(self._forms[0]) if self._forms else 0

    def without_secrets(self, text: str) -> str:
        """The text without the secrets."""
        return text if self._secret is None else self._secret.sub(HIDDEN, text)

    def text(self, text: str) -> str:
        """The text without secrets and paths."""
        text = self.without_secrets(text)
        if "/ipykernel_" in text:
            text = _KERNEL_FILE.sub("cell", text)
        return self._folder.sub(lambda found: self._folders[found[1]], text) if self._folder is not None else text

    def value(self, value: Any) -> Any:
        """The same for every text in lists and dicts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(one) for key, one in value.items()}
        return value

    def may_begin(self, text: str) -> int:
        """How many characters at the end may be the beginning of a secret, and have to wait for what follows."""
        for size in range(min(len(text), self.longest - 1), 0, -1):
            end = text[-size:]
            if any(form.startswith(end) for form in self._forms):
                return size
        return 0


def folders_of(notebook: Path) -> dict[str, str]:
    """Paths that say whose machine it is, and what is written instead."""
    found = {str(Path(sys.prefix)): "<python>", str(Path(sys.base_prefix)): "<python>"}
    try:
        found[str(Path.home())] = "~"
        found[f"/home/{getpass.getuser()}"] = "~"
    except (OSError, RuntimeError, KeyError, ImportError):  # a user without a name or a home
        pass
    found[str(notebook.absolute().parent)] = found[str(notebook.resolve().parent)] = "."
    return {path: short for path, short in found.items() if path.count("/") >= 2 or path == "/root"}


def _forms(secret: str) -> set[str]:
    """How a secret may look in outputs: as it is, in quotes, in JSON, in an address, in base64, line by line."""
    if len(secret) < MIN_SECRET:
        return set()
    lines = {line for line in secret.splitlines() if len(line) >= _MIN_LINE}
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {
        secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(raw, safe=""), quote(raw), quote_plus(raw), base64.b64encode(raw).decode().rstrip("="),
    }  # fmt: skip
    return {form for form in forms if len(form) >= MIN_SECRET} | lines
