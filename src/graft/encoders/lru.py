"""An LRU of the encoders of this process, by how much memory their networks may take.

Each is made once, and its network is opened by the first batch that is not in the cache. When the networks take more
than ``GRAFT_ENCODERS_LIMIT`` bytes in all, those least recently used are evicted: whoever still has such an
encoder goes on with it, and its next batch opens it again.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakValueDictionary

from graft.contracts import Encoder
from graft.decoding.measures import MEASURES, MEASURES_OF_PICTURES
from graft.encoders.limits import bytes_allowed
from graft.encoders.runtime import Backend, choose_backend
from graft.encoders.tuned import NOTHING, TunedWeights
from graft.executors import renew_in_child

N = TypeVar("N")
T = TypeVar("T")
DEFAULT_LIMIT = 8_000_000_000
"""Bytes of weights; ``GRAFT_ENCODERS_LIMIT`` changes it."""
SMALLEST = {
    "image": b"P6\n1 1\n255\n\0\0\0",
    "text": b"a",
    "audio": b"RIFF\x44\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x20\0\0\0" + bytes(32),
}
"""One black pixel, one letter, and 2 ms of silence."""


@dataclass(frozen=True)
class LazyEncoder(Encoder, Generic[N]):
    """What encoders with a network share; each says what its embeddings depend on, and how its network is opened.

    Attributes:
        runs_on: Backend and precision.
        tuned: What stands in the place of pinned weights.
    """

    heavy: ClassVar[tuple[str, ...]] = ()
    """Attributes beside the network that are made on first use, and go with it."""

    runs_on: Backend = field(default_factory=choose_backend)
    tuned: TunedWeights = NOTHING
    _lock: Any = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A forked child finds the lock open, and opens a network of OpenVINO's again, whose threads it does not have.
        dropped: dict[str, None] = {"_opened": None} if self.runs_on.name == "openvino" else {}
        renew_in_child(self, _lock=threading.RLock, **dropped)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in another process opens its own network.
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        return partial(type(self), **given), ()

    @property
    def name(self) -> str:
        """The network's, and whether it was tuned."""
        return f"{self.pretrained}+tuned" if self.tuned else self.pretrained

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return sum(map(sum, self.stages))

    @property
    def backend(self) -> str:
        """What runs the network, and in which precision."""
        return str(self.runs_on)

    @cached_property
    def version(self) -> str:
        """Hash of all that an embedding depends on but backend and precision."""
        pretrained = hashlib.sha256(self._depends_on.encode()).hexdigest()[:16]
        if not self.tuned:
            return pretrained
        return hashlib.sha256(f"{pretrained}:{self.tuned.digest}".encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """``version``, backend, precision and what is measured: the cache's key."""
        measures = MEASURES_OF_PICTURES if self.modality == "image" else MEASURES
        return f"{self.name}:{self._edition}:{self.runs_on.key}:{measures}"

    def warm(self) -> None:
        """Open the network and run the smallest item through it, so that nobody waits for that later.

        Raises:
            EncoderError: The encoder cannot be had.
        """
        self.embed([self.prepare(SMALLEST[self.modality]).value])

    def evict(self) -> None:
        """Forget the network; batches that are in the middle of it end as they would have."""
        for name in ("_opened", *self.heavy):
            self.__dict__.pop(name, None)

    @property
    def _network(self) -> N:
        # Opened by the first batch that is not in the cache: a warm run needs neither weights nor runtime.
        network = self._once("_opened", self._open)
        LOADED.use(self)
        return network

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """What is made by the first thread that asks for it, and kept under this name until the encoder is evicted."""
        # No cached property: in Python 3.11 all encoders of a class would wait for the one whose part is being made.
        with self._lock:
            found: T | None = self.__dict__.get(name)
            if found is None:
                found = self.__dict__[name] = make()
        return found

    @property
    def pretrained(self) -> str:
        """The network's name, tuned or not."""
        raise NotImplementedError

    @property
    def megabytes(self) -> float:
        """Size of the weights."""
        raise NotImplementedError

    @property
    def _depends_on(self) -> str:
        """Weights, preprocessing and pooling, as a text."""
        raise NotImplementedError

    @property
    def _edition(self) -> str:
        """What tells its embeddings from those of its other editions."""
        return self.version

    def _open(self) -> N:
        raise NotImplementedError


class EncoderLRU:
    """Encoders in the order of their use, and by what they were asked for by.

    Args:
        limit: Bytes of weights; ``None`` leaves it to the environment.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._used: OrderedDict[int, Encoder] = OrderedDict()
        self._made: WeakValueDictionary[tuple[object, ...], Encoder] = WeakValueDictionary()
        self._making: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        renew_in_child(self, _lock=threading.Lock, _making=WeakValueDictionary)

    def made(self, name: str, rest: tuple[object, ...], make: Callable[[], Encoder]) -> Encoder:
        """The encoder of this name and ``rest``, made by whoever asks first; others that ask for the name wait."""
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        with making:
            if (encoder := self._made.get((name, *rest))) is None:
                encoder = self._made[name, *rest] = make()
        self.use(encoder)
        return encoder

    def forget(self, encoder: Encoder) -> None:
        """Evict one that has done its work; whoever asks it again opens its network anew."""
        with self._lock:
            self._used.pop(id(encoder), None)
        if isinstance(encoder, LazyEncoder):
            encoder.evict()

    def use(self, encoder: Encoder) -> None:
        """Note that it is used, and evict the least recently used until the rest may stay; never this one."""
        limit = bytes_allowed("GRAFT_ENCODERS_LIMIT", DEFAULT_LIMIT) if self._limit is None else self._limit
        with self._lock:
            if next(reversed(self._used), None) == id(encoder):  # as nearly always
                return
            self._used[id(encoder)] = encoder
            self._used.move_to_end(id(encoder))
            room = limit - sum(map(_size, self._used.values()))
            gone = []
            while room < 0 and len(self._used) > 1:
                _, oldest = self._used.popitem(last=False)
                room += _size(oldest)
                gone.append(oldest)
        for oldest in gone:
            if isinstance(oldest, LazyEncoder):
                oldest.evict()


def _size(encoder: Encoder) -> float:
    """Bytes of its weights, as far as it says."""
    return encoder.megabytes * 1e6 if isinstance(encoder, LazyEncoder) else 0.0


LOADED = EncoderLRU()
