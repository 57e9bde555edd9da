"""The action `map` of the command line."""

import inspect
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import tutorial_lib as tl
from tutorial_lib.commands.executors import check_executor, open_executor
from tutorial_lib.commands.given import given, inputs_of, legend_of, sources_of
from tutorial_lib.commands.proofs import certificate_of

# Options that are given to `InferencePlan.write`.
WRITING = ("dtype", "resume", "cog", "compress")

__all__ = ["map_scene"]


def map_scene(options: Namespace) -> None:
    """Plan a map, print the plan, and write the map unless --dry-run is given."""
    from tutorial_lib.rasters.destinations import check_geotiff, check_not_input

    # Before the network is loaded, which takes seconds.
    check_executor(options)
    path = check_geotiff(options.path)
    check_not_input(path, [options.model, *inputs_of(options, "source")])
    plan = tl.plan_inference(**_planning(options))
    # A log file shows it before the hours of a long run, not after them.
    print(plan, flush=True)
    if "dry_run" in options:
        _print_costs(plan, options)
        return
    # A log file of a batch job would be filled with progress lines.
    progress, writing = sys.stderr.isatty(), given(options, *WRITING)
    with open_executor(options) as executor, _named_by_options():
        executing = {"executor": executor} if executor else {}
        print(plan.write(options.path, progress=progress, **writing, **executing))


def _planning(options: Namespace) -> dict:
    """The arguments of `plan_inference`."""
    keywords = inspect.signature(tl.plan_inference).parameters
    arguments = given(options, *keywords) | {
        "sources": sources_of(options),
        "legend": legend_of(options),
    }
    if "runner" in options:
        arguments["model"] = tl.load_predictor(options.model, runner=options.runner)
    if "certificate" in options:
        arguments["certificate"] = certificate_of(options.certificate)
    if arguments.get("nodata_rule") == "none":
        arguments["nodata_rule"] = None
    if "window" in options:
        from rasterio.windows import Window

        row, col, height, width = options.window
        arguments["window"] = Window(col, row, width, height)
    return arguments


def _print_costs(plan: "tl.inference.plan.InferencePlan", options: Namespace) -> None:
    """Print what a run would cost, and refuse what it would refuse."""
    from tutorial_lib.inference.values import background_in, map_type
    from tutorial_lib.rasters.destinations import check_not_input

    check_not_input(options.path, plan.inputs)
    if "dtype" in options:
        background_in(plan.format.background, map_type(options.dtype))
    print(plan.table().to_string())
    print(plan.estimate())
    if given(options, "workers", "dask"):
        print("This is the time of one process; workers share the tiles.")


@contextmanager
def _named_by_options() -> Iterator[None]:
    """Have what an error says about continuing a run name the option."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.args = tuple(map(_with_option, interrupt.args))
        raise
    except Exception as err:
        notes = getattr(err, "__notes__", [])
        notes[:] = map(_with_option, notes)
        raise


def _with_option(sentence: str) -> str:
    return sentence.replace("`resume=True`", "--resume")
