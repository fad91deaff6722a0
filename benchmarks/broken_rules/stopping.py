"""Work that is stopped ends where it is."""

from benchmarks.broken_rules.rule import Rule

STOPPING_TESTS = "tests/tuning/test_stopping.py"
EXECUTORS = "tests/test_executors.py"

STOPPING = (
    Rule(
        "a batch of tuning ends between two layers",
        "src/graft/tuning/module.py",
        "            module.register_forward_hook(lambda _module, _given, output: heard(output))\n",
        "            pass\n",
        f"{STOPPING_TESTS}::test_a_batch_is_stopped_between_two_layers_on_the_way_forth_and_on_the_way_back",
    ),
    Rule(
        "a batch of recordings ends between two layers",
        "src/graft/tuning/speech.py",
        "x = heard(functional.conv2d(x, self._parameters[layer.weight], bias, padding=layer.padding))",
        "x = functional.conv2d(x, self._parameters[layer.weight], bias, padding=layer.padding)",
        f"{STOPPING_TESTS}::test_a_batch_is_stopped_between_two_layers_on_the_way_forth_and_on_the_way_back",
    ),
    Rule(
        "a step of tuning ends on the way back",
        "src/graft/tuning/module.py",
        "        output.register_hook(lambda _: checkpoint())\n",
        "        pass\n",
        f"{STOPPING_TESTS}::test_a_batch_is_stopped_between_two_layers_on_the_way_forth_and_on_the_way_back",
    ),
    Rule(
        "all of a tuning hears that it is stopped",
        "src/graft/tuning/tuning.py",
        "    with run.at_work():\n",
        "    if True:\n",
        f"{STOPPING_TESTS}::test_no_item_is_decoded_once_it_is_stopped",
    ),
    Rule(
        "what is computed is shared out by the run's executor",
        "src/graft/run.py",
        "return stopped_by(self.check, self.executor)",
        "return stopped_by(self.check)",
        f"{EXECUTORS}::test_what_a_run_computes_is_shared_out_by_its_executor_wherever_that_is",
    ),
)
