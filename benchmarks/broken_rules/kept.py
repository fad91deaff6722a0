"""Rules of what is kept, fetched and served: bundles, the cache, weights, the editor."""

from __future__ import annotations

from benchmarks.broken_rules.rule import Rule

KEPT = (
    Rule(
        "a file is replaced as a whole",
        "src/graft/files.py",
        "        temporary.replace(path)\n",
        "        path.write_bytes(temporary.read_bytes())\n",
        "tests/test_files.py::test_who_reads_the_old_file_reads_it_to_its_end",
    ),
    Rule(
        "the cache tells encoders apart",
        "src/graft/encoders/embed.py",
        'f"{encoder.fingerprint}:{digest}".encode()',
        'f"{encoder.name}:{digest}".encode()',
        "tests/encoders/test_embed.py::test_another_backend_has_entries_of_its_own",
    ),
    Rule(
        "the cache goes by content and not by name",
        "src/graft/encoders/embed.py",
        "contents[row] = item.read()",
        "contents[row] = item.name.encode()",
        "tests/encoders/test_embed.py::test_the_same_content_under_another_name_is_a_hit",
    ),
    Rule(
        "weights are the pinned ones",
        "src/graft/encoders/sources.py",
        "        if found == self.sha256:\n",
        "        if found:\n",
        "tests/encoders/test_weights.py::test_another_file_is_refused_by_its_hash",
    ),
    Rule(
        "a packed network is the pinned one",
        "src/graft/encoders/structures.py",
        "            return sha256_of(folder / WEIGHTS) == self.sha256 and ",
        "            return sha256_of(folder / WEIGHTS) != self.name and ",
        "tests/encoders/test_structures.py::test_what_is_damaged_is_written_anew",
    ),
    Rule(
        "a changed file of a bundle is noticed",
        "src/graft/bundle.py",
        "        if _sha256(data) != sha256:\n",
        "        if not sha256:\n",
        "tests/test_bundle.py::test_a_flipped_bit_anywhere_is_noticed",
    ),
    Rule(
        "a changed head is noticed by its own digest",
        "src/graft/tensors.py",
        "    if metadata[_DIGEST] != _digest(",
        "    if not _digest(",
        "tests/prediction/test_loading.py::test_a_flipped_bit_anywhere_in_the_head_is_noticed",
    ),
    Rule(
        "numbers that are not finite are refused",
        "src/graft/tensors.py",
        "& 0x7C00) == 0x7C00).any()",
        "& 0x7C00) == 0x7C01).any()",
        "tests/test_tensors.py::test_numbers_that_are_not_finite_are_neither_written_nor_read",
    ),
    Rule(
        "the editor is closed to those without its session",
        "src/graft/app/gate.py",
        'if not begins and not self.session.is_begun(headers.get("cookie", "")):',
        "if not begins and not headers:",
        "tests/app/test_server.py::test_without_the_address_nothing_is_answered",
    ),
    Rule(
        "a bundle fetches nothing unless told to",
        "src/graft/prediction/made_with.py",
        'with staying_here(f"{place} was made with", unless=allow_download):',
        'with staying_here(f"{place} was made with", unless=True):',
        "tests/model/test_broken_bundles.py::test_a_broken_bundle_is_refused_with_its_reason",
    ),
    Rule(
        "an entry of the cache is what was written",
        "src/graft/encoders/cache.py",
        "    if statistics[len(_CHECKSUM) : start] != _checksum(vector, statistics[start:]):\n",
        "    if not statistics:\n",
        "tests/encoders/test_cache.py::test_an_entry_that_is_not_what_was_written_is_missing",
    ),
    Rule(
        "an interrupt that was lost is heard at the next step",
        "src/graft/cli/output.py",
        "yield lambda *_: heed()",
        "yield lambda *_: None",
        "tests/cli/test_command_line.py::test_an_interrupt_that_was_lost_is_heard_at_the_next_step",
    ),
)
