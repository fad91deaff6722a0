"""The loop: ask a provider, fetch, judge, keep what is new, note everything, until each class has enough."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from graft.collecting.candidates import Candidate, CandidateQueue
from graft.collecting.counts import Counts
from graft.collecting.entry import ManifestEntry
from graft.collecting.found import as_text, is_inline
from graft.collecting.inline import read_file, read_inline
from graft.collecting.manifest import Manifest
from graft.collecting.pictures import Picture, judge
from graft.collecting.seen import SeenPictures
from graft.contracts import Progress
from graft.decoding.formats import USUAL_EXTENSION
from graft.errors import GraftError, ItemError
from graft.fetching.bounds import OutOfBounds
from graft.fetching.fetcher import Fetcher

CONCURRENT = 8
"""Connections at a time, to all hosts together."""

_AHEAD = 40


class CollectionRun:
    """One run: the state that the loop needs. All but fetching and judging happens in one thread."""

    def __init__(
        self,
        manifest: Manifest,
        queues: Sequence[CandidateQueue],
        fetcher: Fetcher,
        per_class: int,
        min_side: int,
        progress: Progress,
        end: float | None,
    ) -> None:
        self.problems: list[GraftError] = []
        self.stopped = False
        self._manifest, self._queues, self._fetcher, self._progress = manifest, queues, fetcher, progress
        self._per_class, self._min_side, self._end = per_class, min_side, end
        self._seen = SeenPictures(min_side, fetcher.limits.max_bytes)
        for line in manifest.outcomes.values():
            self._seen.add(line)
        there = manifest.counts()
        for queue in queues:
            queue.kept = there[queue.label]

    def counts(self) -> dict[str, Counts]:
        """What became of each class."""
        found = {queue.label: Counts(queue.kept, queue.new) for queue in self._queues}
        for line in self._manifest.outcomes.values():
            if line.state == "kept" or line.label not in found:
                continue
            counts = found[line.label]
            if line.state == "duplicate":
                same = line.of.partition("/")[0] == line.label
                counts.duplicates += same
                counts.elsewhere += not same
            else:
                reasons = counts.failed if line.state == "failed" else counts.refused
                reasons[line.reason] += 1
        return found

    def go(self) -> None:
        """Until every class has enough, nothing more is found, or time is up."""
        under_way: dict[Future[tuple[Picture, str]], Candidate] = {}
        self._tell()
        with ThreadPoolExecutor(CONCURRENT, thread_name_prefix="collect") as pool:
            try:
                while not self._time_is_up():
                    for candidate in islice(self._ready(), CONCURRENT - len(under_way)):
                        under_way[pool.submit(self._bring, candidate)] = candidate
                    if not under_way and not any(self._wants(queue) for queue in self._queues):
                        break
                    patience = self._patience() if len(under_way) < CONCURRENT else 1.0
                    if not under_way:
                        time.sleep(patience)
                        continue
                    for future in wait(under_way, patience, FIRST_COMPLETED).done:
                        self._settle(under_way.pop(future), future)
            finally:
                self._fetcher.stop()
        for future, candidate in under_way.items():  # time is up: what came in time counts
            if future.done() and not future.exception():
                self._settle(candidate, future)

    def _time_is_up(self) -> bool:
        self.stopped = self._end is not None and time.monotonic() >= self._end
        return self.stopped

    def _patience(self) -> float:
        """Seconds until the next host may be asked."""
        waiting = [candidate for queue in self._queues if self._wants(queue) for candidate in queue.waiting]
        pauses = [self._fetcher.rate_limiter.pause(candidate.place.host) for candidate in waiting if candidate.place]
        return min(1.0, max(0.01, min(filter(None, pauses), default=0.1)))

    def _wants(self, queue: CandidateQueue) -> bool:
        """Whether a class lacks pictures, and there may be more."""
        return queue.kept + queue.under_way < self._per_class and bool(queue.waiting or queue.searches)

    def _ready(self) -> Iterator[Candidate]:
        """Candidates whose host may be asked now, from each class in turn."""
        given = True
        while given:
            given = False
            for queue in self._queues:
                if self._wants(queue) and (candidate := self._next(queue)):
                    queue.under_way += 1
                    given = True
                    yield candidate

    def _next(self, queue: CandidateQueue) -> Candidate | None:
        """The first candidate of a class whose host may be asked."""
        rate_limiter = self._fetcher.rate_limiter
        for candidate in list(queue.waiting):
            host = candidate.place.host if candidate.place else ""
            if host and rate_limiter.pause(host) > self._fetcher.limits.max_rest:
                queue.waiting.remove(candidate)
                self._give_up(candidate, ItemError("busy", f"The host {host} asks for a long rest."))
            elif not host or rate_limiter.try_acquire(host):
                queue.waiting.remove(candidate)
                return candidate
        while queue.searches and len(queue.waiting) < _AHEAD and not self._time_is_up():
            try:
                drawn = queue.draw()
            except GraftError as error:
                self.problems.append(error)
                continue
            if drawn and self._is_new(drawn):
                if not drawn.place or rate_limiter.try_acquire(drawn.place.host):
                    return drawn
                queue.waiting.append(drawn)
        return None

    def _is_new(self, candidate: Candidate) -> bool:
        """Whether a picture has to be fetched; if not, its fate is noted."""
        found = candidate.found
        if not self._seen.see(candidate.queue.label, candidate.source):
            return False
        if fate := self._seen.fates.get(candidate.source):
            if fate.state == "refused":
                sizes = {"bytes": fate.bytes, "width": fate.width, "height": fate.height}
                self._note(candidate, "refused", reason=fate.reason, message=fate.message, **sizes)
            else:
                self._note(candidate, "duplicate", of=fate.file or fate.of, reason="same_address")
            return False
        if found.path is None and not is_inline(found.url):
            try:
                candidate.place = self._fetcher.locate(found.url)
            except ItemError as error:
                self._give_up(candidate, error)
                return False
        return True

    def _bring(self, candidate: Candidate) -> tuple[Picture, str]:
        """Fetch and judge a picture; it, and the address that it came from. Runs in several threads."""
        found, limit, url = candidate.found, self._fetcher.limits.max_bytes, ""
        if candidate.place:
            content, url = self._fetcher.fetch(candidate.place)
        else:
            content = read_file(found.path, limit) if found.path else read_inline(found.url, limit)
        return judge(content, self._min_side), url

    def _settle(self, candidate: Candidate, future: Future[tuple[Picture, str]]) -> None:
        queue = candidate.queue
        queue.under_way -= 1
        candidate.tries += 1
        try:
            picture, url = future.result()
        except Exception as raised:  # what others send goes through libraries that raise anything
            unexpected = ItemError("unexpected", f"{type(raised).__name__}: {as_text(raised)}")
            self._try_again_or_give_up(candidate, raised if isinstance(raised, ItemError) else unexpected)
            return
        facts = {
            "final_url": url if url != candidate.source else "",
            "sha256": picture.sha256,
            "bytes": len(picture.content),
            "width": picture.width,
            "height": picture.height,
        }
        of, reason = self._seen.original(picture)
        if of:
            self._note(candidate, "duplicate", of=of, reason=reason, **facts)
            return
        line = self._line(candidate, "kept", look=picture.look, **facts)
        self._seen.add(self._manifest.keep(line, picture.content, USUAL_EXTENSION[picture.kind]))
        queue.kept += 1
        queue.new += 1
        self._tell()

    def _try_again_or_give_up(self, candidate: Candidate, error: ItemError) -> None:
        limits = self._fetcher.limits
        if candidate.place and self._fetcher.may_pass(error) and candidate.tries < limits.tries:
            rest = limits.backoff * 2 ** (candidate.tries - 1) * random.uniform(0.5, 1.5)  # noqa: S311
            self._fetcher.rate_limiter.rest(candidate.place.host, rest)
            candidate.queue.waiting.append(candidate)
        else:
            self._give_up(candidate, error)

    def _give_up(self, candidate: Candidate, error: ItemError) -> None:
        state = "failed" if self._fetcher.may_pass(error) else "refused"
        facts = error.facts if isinstance(error, OutOfBounds) else {}
        self._note(candidate, state, reason=error.reason, message=error.message[:500], **facts)

    def _note(self, candidate: Candidate, state: str, **facts: Any) -> None:
        line = self._line(candidate, state, **facts)
        self._manifest.append(line)
        self._seen.add(line)

    def _line(self, candidate: Candidate, state: str, **facts: Any) -> ManifestEntry:
        found = candidate.found
        return ManifestEntry(
            state=state,
            label=candidate.queue.label,
            query=candidate.query,
            provider=candidate.queue.provider,
            url=candidate.source,
            page=as_text(found.page, 2000),
            title=as_text(found.title),
            licence=as_text(found.licence),
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            **facts,
        )

    def _tell(self) -> None:
        kept = sum(min(queue.kept, self._per_class) for queue in self._queues)
        self._progress("download", kept, self._per_class * len(self._queues))
