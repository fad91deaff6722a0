"""Collecting from outside: queries in, a folder per class and a manifest out."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graft.collecting.candidates import CandidateQueue
from graft.collecting.counts import Collected
from graft.collecting.found import Search
from graft.collecting.manifest import Manifest
from graft.collecting.pictures import check_head
from graft.collecting.providers import open_provider
from graft.contracts import Progress, silent
from graft.data.guard import Inputs
from graft.data.names import safe_name
from graft.errors import UsageError, needing
from graft.fetching.addresses import PORTS, Network
from graft.fetching.rate_limit import Limits, RateLimiter

if TYPE_CHECKING:
    import ssl


def collect(
    queries: Sequence[str],
    folder: str | Path,
    *,
    per_class: int = 100,
    provider: str | Search | None = None,
    source: str | Path | None = None,
    labels: Mapping[str, str] | None = None,
    region: str = "",
    safe_search: str = "moderate",
    licence: str = "",
    min_side: int = 64,
    delay: float = 0.5,
    time_limit: float | None = None,
    limits: Limits = Limits(),  # noqa: B008
    allow: Sequence[Network] = (),
    ports: Collection[int] = PORTS,
    trust: ssl.SSLContext | None = None,
    progress: Progress = silent,
) -> Collected:
    """Fetch pictures into a folder per class, with a manifest of where each came from.

    To run it again goes on where it ended: what is there, and what was refused for good, is not fetched again, and a
    picture that was deleted by hand does not come back.

    Args:
        queries: What to search for; where a list or saved pages are given, by default all that these hold.
        folder: New, or one that was collected into before.
        per_class: How many good pictures each class is to have.
        provider: A key of ``PROVIDERS``, or a provider of one's own.
        source: The list, page or folder that the provider reads.
        labels: What the class of a query is called; by default as the query. Several queries may share a class.
        region: Country and language of the web search, such as ``de-de``.
        safe_search: Of the web search: ``on``, ``moderate`` or ``off``.
        licence: Of the web search: ``public``, ``share``, ``share-commercially``, ``modify``, ``modify-commercially``.
        min_side: The least width and height of a picture in pixels.
        delay: Seconds between two requests to a host.
        time_limit: Seconds after which no more is fetched.
        limits: What one picture may cost.
        allow: Networks that may be asked though they are not public; for tests.
        ports: The ports that may be asked.
        trust: Whose certificates are believed; by default the system's.
        progress: Is told how many pictures are there.

    Raises:
        UsageError: A query has no name that a folder can have, or two of them the same one; the source has nothing of
            that name; or the provider is unknown.
        ProviderError: The provider is broken, and nothing was found at all.
        NothingToRead: The source holds nothing.
        DataError: The source cannot be read.
        OutputIsInput: The folder is the source, or holds it.
        OutputExists: The folder holds other files, or a link is in the place of the manifest or of a class.
        MissingExtra: The libraries of the extra ``collect`` are not installed.
    """
    started = time.monotonic()
    Inputs.of(source).check(folder, "model")
    name = ""
    if provider is None or isinstance(provider, str):
        options = {"region": region, "safe_search": safe_search, "licence": licence}
        name, provider = open_provider(provider, Path(source) if source is not None else None, **options)
    listed = provider.queries()
    queues = _queues(queries or listed, labels or {}, provider, name or type(provider).__name__)
    _check_queries(queries, listed, provider)
    with needing("collect", "Collecting pictures"):
        from graft.collecting.run import CollectionRun
        from graft.fetching.fetcher import Fetcher
    fetcher = Fetcher(limits, RateLimiter(delay), allow, ports, trust, check_head=check_head, accept="image/*")
    manifest = Manifest(Path(folder), [queue.label for queue in queues])
    try:
        end = started + time_limit if time_limit is not None else None
        run = CollectionRun(manifest, queues, fetcher, per_class, min_side, progress, end)
        run.go()
    finally:
        manifest.close()
    counts = run.counts()
    if run.problems and not any(own.kept for own in counts.values()):
        raise run.problems[0]
    seconds = time.monotonic() - started
    return Collected(manifest.folder, manifest.path, per_class, counts, run.problems, run.stopped, seconds)


def _queues(queries: Sequence[str], labels: Mapping[str, str], provider: Search, name: str) -> list[CandidateQueue]:
    """A queue of candidates for each class.

    Raises:
        UsageError: There is nothing to search for, a class has no name, or two have the same one.
    """
    if not queries:
        raise UsageError(
            "There is nothing to search for.", 'Say what: graft collect "open door" "closed door" -o doors/'
        )
    if strange := [query for query in labels if query not in queries]:
        raise UsageError(
            f"A label is given for {strange[0]!r}, which is no query.", f"There are: {', '.join(queries)}."
        )
    by_label: dict[str, list[str]] = {}
    named: dict[str, str] = {}
    for query in dict.fromkeys(queries):
        wanted = labels.get(query, query)
        label = safe_name(wanted)
        if not label:
            raise UsageError(f"The query {query!r} gives no name for a folder.", f"Give one: --label '{query}=NAME'.")
        if named.setdefault(label.casefold(), wanted) != wanted:
            raise UsageError(
                f"The classes {named[label.casefold()]!r} and {wanted!r} would have the same folder.",
                f"Give one of them another name: --label '{query}=NAME'.",
            )
        by_label.setdefault(label, []).append(query)
    return [CandidateQueue(label, own, provider, name) for label, own in by_label.items()]


def _check_queries(queries: Sequence[str], listed: Sequence[str], provider: Search) -> None:
    """Whether the provider has something for each query, where it says what it has.

    Raises:
        UsageError: It has not.
    """
    known = {query.casefold() for query in listed}
    for query in queries:
        # What has no label answers any query, beside those that are listed.
        if known and query.casefold() not in known and next(iter(provider.search(query)), None) is None:
            there = ", ".join(map(repr, listed[:20]))
            raise UsageError(f"There is nothing for {query!r} in the source.", f"There is: {there}.")
