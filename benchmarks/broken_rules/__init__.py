"""The rules that are broken on purpose: what stands in the code, what takes its place, the test that must fail."""

from __future__ import annotations

from benchmarks.broken_rules.addresses import ADDRESSES
from benchmarks.broken_rules.data import DATA
from benchmarks.broken_rules.exports import EXPORTS
from benchmarks.broken_rules.functions import FUNCTIONS
from benchmarks.broken_rules.jobs import JOBS
from benchmarks.broken_rules.judging import JUDGING
from benchmarks.broken_rules.kept import KEPT
from benchmarks.broken_rules.learning import LEARNING
from benchmarks.broken_rules.monitoring import MONITORING
from benchmarks.broken_rules.pages import PAGES
from benchmarks.broken_rules.publishing import PUBLISHING
from benchmarks.broken_rules.retraining import RETRAINING
from benchmarks.broken_rules.rule import Rule
from benchmarks.broken_rules.served_notebooks import SERVED_NOTEBOOKS
from benchmarks.broken_rules.serving import SERVING
from benchmarks.broken_rules.stopping import STOPPING
from benchmarks.broken_rules.training import FUNCTIONS_THAT_TRAIN

__all__ = ["RULES", "Rule"]

RULES = (
    *LEARNING,
    *JUDGING,
    *DATA,
    *KEPT,
    *EXPORTS,
    *FUNCTIONS,
    *FUNCTIONS_THAT_TRAIN,
    *JOBS,
    *PAGES,
    *PUBLISHING,
    *SERVING,
    *RETRAINING,
    *MONITORING,
    *SERVED_NOTEBOOKS,
    *ADDRESSES,
    *STOPPING,
)
