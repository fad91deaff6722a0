"""``python -m benchmarks [NAME]``; without a name, all of them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import click

from benchmarks import (
    accuracy,
    browser,
    cancelling,
    choosing,
    cleaning,
    copies,
    decoders,
    embedder,
    exports,
    fit,
    forecast,
    gate,
    heads,
    labelling,
    memory,
    mutations,
    regression,
    resampling,
    retraining,
    search,
    serverless,
    serverless_train,
    serving,
    simulated,
    space,
    speech,
    speed,
    text,
    tuning,
    tuning_safety,
    views,
    watching,
    why,
    words,
    worth,
)
from benchmarks.draws import DRAWS

draws_option = click.option(
    "--draws", type=click.IntRange(1), default=DRAWS, show_default=True, help="Draws per data set."
)
peers_option = click.option("--peers/--no-peers", default=True, help="Whether the peers are measured too.")
time_limit_option = click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), help="Seconds of each tuning, in place of its own."
)


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure Graft on this machine: tables on stdout, JSON in benchmarks/results/."""
    if context.invoked_subcommand is None:
        speed.measure()
        memory.measure()
        accuracy.measure()
        fit.measure()
        text.measure()
        words.measure()
        speech.measure()
        copies.measure()
        cleaning.measure()
        worth.measure()
        labelling.measure()
        forecast.measure()
        regression.measure()
        search.measure()
        embedder.measure()
        heads.measure()
        gate.measure()
        views.measure()
        why.measure()
        decoders.measure()
        serving.measure()
        exports.measure()
        resampling.measure()
        retraining.measure()
        browser.measure()
        space.measure()
        serverless.measure()
        serverless_train.measure()
        tuning.measure()
        tuning_safety.measure()
        cancelling.measure()
        _honesty().measure()
        simulated.measure()


@main.command("fit")
@click.argument("data", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@draws_option
@click.option("--shots", type=click.IntRange(1), help="Photos of each class to learn from.")
@peers_option
def fit_command(data: tuple[Path, ...], draws: int, shots: int | None, peers: bool) -> None:
    """Time and accuracy of graft fit on photos beside the tutorial, logistic regression and fastai."""
    fit.measure(data, draws, shots, peers)


@main.command("why")
@click.option(
    "--photos", type=click.IntRange(0), default=why.PHOTOS, show_default=True, help="Of each set; 0: costs alone."
)
def why_command(photos: int) -> None:
    """Whether what speaks for an answer is found where it lies, by what squares are covered with, and what it costs."""
    why.measure(photos)


@main.command("text")
@click.argument("sets", nargs=-1)
@draws_option
@peers_option
@click.option("--setfit/--no-setfit", default=True, help="Whether SetFit is among the peers.")
@click.option("--steps", type=click.IntRange(1), default=text.STEPS, show_default=True, help="Of SetFit's training.")
def text_command(sets: tuple[str, ...], draws: int, peers: bool, setfit: bool, steps: int) -> None:
    """Time and accuracy of graft fit on texts beside SetFit and logistic regression; SETS are folders' names."""
    text.measure(sets, draws, peers, setfit, steps)


@main.command("speech")
@peers_option
def speech_command(peers: bool) -> None:
    """Time and accuracy of graft fit on recordings beside logistic regression."""
    speech.measure(peers)


@main.command("copies")
@click.argument("sets", nargs=-1)
def copies_command(sets: tuple[str, ...]) -> None:
    """Whether altered copies of pictures are found; SETS are folders' names."""
    copies.measure(sets)


@main.command("cleaning")
@click.argument("sets", nargs=-1)
@draws_option
@peers_option
def cleaning_command(sets: tuple[str, ...], draws: int, peers: bool) -> None:
    """Whether wrong labels are found, beside cleanlab, and how long it takes; SETS are folders' names."""
    cleaning.measure(draws, peers, sets)


@main.command("worth")
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), default=worth.DRAWS, show_default=True, help="Draws of each edit.")
def worth_command(sets: tuple[str, ...], draws: int) -> None:
    """Whether what edits are said to be worth is true; SETS are folders' names."""
    worth.measure(draws, sets)


@main.command("serve")
@click.option("--requests", type=click.IntRange(1), default=serving.REQUESTS, show_default=True, help="Broken ones.")
@click.option(
    "--rounds", type=click.IntRange(1), default=serving.ROUNDS, show_default=True, help="Of each measurement."
)
def serve_command(requests: int, rounds: int) -> None:
    """What graft serve costs beside the model in process, and what it does with too much and with broken requests."""
    serving.measure(rounds, requests)


@main.command("labelling")
@click.argument("sets", nargs=-1)
@draws_option
def labelling_command(sets: tuple[str, ...], draws: int) -> None:
    """Whether labels are better spent on what label-next chooses; SETS are folders' names."""
    labelling.measure(draws, sets)


@main.command("forecast")
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), default=forecast.DRAWS, show_default=True, help="Draws of each set.")
def forecast_command(sets: tuple[str, ...], draws: int) -> None:
    """How far the label budget forecast is off; SETS are folders' names."""
    forecast.measure(draws, sets)


@main.command("regression")
@click.argument("sets", nargs=-1)
@click.option(
    "--draws", type=click.IntRange(1), default=regression.DRAWS, show_default=True, help="Of each set and size."
)
@click.option("--seed", type=int, default=regression.SEED, show_default=True, help="Of the pictures.")
def regression_command(sets: tuple[str, ...], draws: int, seed: int) -> None:
    """Whether what is said of predicted numbers is true, on drawn pictures; SETS are discs, hand, bar."""
    regression.measure(draws, sets, seed=seed)


@main.command("gate")
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), default=gate.DRAWS, show_default=True, help="Draws of each set.")
def gate_command(sets: tuple[str, ...], draws: int) -> None:
    """How often the gate of tuning ships what is worse, and keeps back what is better; SETS are folders' names."""
    gate.measure(draws, sets)


@main.command("retraining")
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), default=retraining.DRAWS, show_default=True, help="Draws of each set.")
def retraining_command(sets: tuple[str, ...], draws: int) -> None:
    """What graft retrain ships and keeps back; SETS are folders' names, or none for the simulation alone."""
    retraining.measure(draws, sets)


@main.command("monitor")
@click.argument("parts", nargs=-1, type=click.Choice(watching.PARTS))
@click.option("--streams", type=click.IntRange(10), default=watching.STREAMS, show_default=True, help="Without change.")
def monitor_command(parts: tuple[str, ...], streams: int) -> None:
    """False alarms of graft monitor, how soon it finds a change, and its accuracy without labels."""
    watching.measure(parts, streams)


@main.command("views")
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), default=views.DRAWS, show_default=True, help="Draws of each set.")
def views_command(sets: tuple[str, ...], draws: int) -> None:
    """Whether a head gains by several views of each item; SETS are folders' names."""
    views.measure(draws, sets)


@main.command("decoders")
@click.argument("sets", nargs=-1)
@click.option("--photos", type=click.IntRange(1), default=decoders.PHOTOS, show_default=True, help="Asked of each set.")
def decoders_command(sets: tuple[str, ...], photos: int) -> None:
    """Whether a photo gets the same answer whether Graft or Pillow decodes it; SETS are folders' names."""
    decoders.measure(photos, sets)


@main.command("export")
@click.argument("sets", nargs=-1)
def export_command(sets: tuple[str, ...]) -> None:
    """Whether an exported graph answers as its model does; SETS are folders' names."""
    exports.measure(sets)


@main.command("resampling")
def resampling_command() -> None:
    """Whether recordings of other rates are answered alike beside an export."""
    resampling.measure()


@main.command("browser")
@click.argument("sets", nargs=-1)
def browser_command(sets: tuple[str, ...]) -> None:
    """Whether an exported page answers as its model does, in Chromium; SETS are folders' names."""
    browser.measure(sets)


@main.command("space")
@click.argument("sets", nargs=-1)
def space_command(sets: tuple[str, ...]) -> None:
    """What a Space needs in a fresh environment; SETS are folders' names."""
    space.measure(sets)


@main.command("serverless")
@click.argument("sets", nargs=-1)
def serverless_command(sets: tuple[str, ...]) -> None:
    """What a function weighs, and what its first answer costs; SETS are folders' names."""
    serverless.measure(sets)


@main.command("serverless_train")
def serverless_train_command() -> None:
    """Whether a function that trains makes the model that graft fit makes."""
    serverless_train.measure()


@main.command("tune")
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), default=tuning.DRAWS, show_default=True, help="Draws of each set.")
@peers_option
@time_limit_option
@click.option("--method", help="Of graft tune, in place of its default.")
@click.option("--force", is_flag=True, help="Judge tuned models that the gate keeps back too.")
def tune_command(
    sets: tuple[str, ...], draws: int, peers: bool, time_limit: float | None, method: str | None, force: bool
) -> None:
    """Time and accuracy of graft tune beside fastai and SetFit; SETS are folders' names."""
    tuning.measure(sets, draws, tuning.Choices(peers, time_limit, method, force))


@main.command("tune-safety")
@click.argument("sets", nargs=-1)
@click.option("--each", type=click.IntRange(1), default=tuning_safety.EACH, show_default=True, help="Of each kind.")
@time_limit_option
def tune_safety_command(sets: tuple[str, ...], each: int, time_limit: float | None) -> None:
    """Whether graft tune ships what is worse where it can hardly help; SETS are folders' names."""
    tuning_safety.measure(sets, each, time_limit or tuning_safety.TIME_LIMIT)


@main.command("cancelling")
@click.argument("verbs", nargs=-1, type=click.Choice(cancelling.VERBS))
@click.option("--times", type=click.IntRange(1), default=cancelling.TIMES, show_default=True, help="On each set.")
@click.option("--set", "sets", multiple=True, type=click.Choice(list(cancelling.SETS)), help="By default all.")
def cancelling_command(verbs: tuple[str, ...], times: int, sets: tuple[str, ...]) -> None:
    """How long work goes on once it was stopped: embed, fit, clean, tune, or those of them that VERBS names."""
    cancelling.measure(verbs, times, sets)


@main.command("search")
@click.option("--many", type=click.IntRange(1), default=search.MANY, show_default=True, help="Vectors in the graph.")
def search_command(many: int) -> None:
    """Whether look-alikes are of one class, and how fast they are found."""
    search.measure(many)


@main.command("heads")
@click.option("--many", type=click.IntRange(1), default=heads.MANY, show_default=True, help="Heads that are held.")
def heads_command(many: int) -> None:
    """What a server pays for a head: time to load it, memory to keep it, modules to import."""
    heads.measure(many)


@main.command("words")
@click.argument("sets", nargs=-1)
@draws_option
def words_command(sets: tuple[str, ...], draws: int) -> None:
    """Bytes and accuracy of the words of heads in every size; SETS are folders' names."""
    words.measure(sets, draws)


@main.command("embedder")
@click.option("--rounds", type=click.IntRange(1), default=embedder.ROUNDS, show_default=True, help="In turns.")
def embedder_command(rounds: int) -> None:
    """What it costs to ask for texts one by one from many threads, against as many at once from one."""
    embedder.measure(rounds)


@main.command("accuracy")
@draws_option
def accuracy_command(draws: int) -> None:
    """Accuracy on the real sets of photos beside the project."""
    accuracy.measure(draws)


@main.command("honesty")
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), help="Draws of each set and size.")
def honesty_command(sets: tuple[str, ...], draws: int | None) -> None:
    """Whether intervals, calibration, prediction sets and unknown scores are true.

    SETS are folders' names; simulated are classes of which everything is known. Without any, all of them.
    """
    honesty = _honesty()
    real = [name for name in sets if name != "simulated"]
    if real or not sets:
        honesty.measure(draws or honesty.DRAWS, names=real)
    if "simulated" in sets or not sets:
        simulated.measure(draws or simulated.DRAWS)


@main.command("mutations")
@click.argument("names", nargs=-1)
def mutations_command(names: tuple[str, ...]) -> None:
    """Whether a test fails for each rule that is broken on purpose; NAMES are parts of the rules' names."""
    if not mutations.measure(names):
        raise SystemExit(1)


@main.command("choosing")
@click.argument("other", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("sets", nargs=-1)
@click.option("--draws", type=click.IntRange(1), default=choosing.DRAWS, show_default=True, help="Of each set.")
@click.option("--rounds", type=click.IntRange(1), default=choosing.ROUNDS, show_default=True, help="Fits of each draw.")
@click.option("--converged", is_flag=True, help="Choose among heads that are fitted to the end, too: slow.")
def choosing_command(other: Path, sets: tuple[str, ...], draws: int, rounds: int, converged: bool) -> None:
    """Whether OTHER, another version's checkout, chooses the same heads, and in what time; SETS are folders."""
    choosing.measure(other, draws, rounds, sets, converged)


@main.command("memory")
@click.option("--rows", type=click.IntRange(100), default=memory.ROWS, show_default=True, help="Of the matrix.")
@click.option("--columns", type=click.IntRange(2), default=memory.COLUMNS, show_default=True, help="Of the matrix.")
@click.option("--classes", type=click.IntRange(2), default=memory.CLASSES, show_default=True, help="Of its rows.")
def memory_command(rows: int, columns: int, classes: int) -> None:
    """The most memory that a fit of a large matrix holds."""
    memory.measure(rows, columns, classes)


@main.command("speed")
@click.option("--images", type=click.IntRange(100), default=speed.MANY, show_default=True, help="For the memory row.")
def speed_command(images: int) -> None:
    """Time of import, of embedding, of refits and of predictions, and memory of a large fit."""
    speed.measure(images)


def _honesty() -> ModuleType:
    # Imported last: it works within this process, whose memory a child inherits in what the system counts as its peak.
    from benchmarks import honesty

    return honesty


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
