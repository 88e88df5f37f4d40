"""The `segwright` command: the list of verbs, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

import typer

from segwright._version import __version__
from segwright.core.errors import ConfigError, DependencyMissing, SegwrightError

# What only some commands need, by the extra that installs it.
EXTRAS = {"train": ("lightning", "onnx", "onnxscript", "safetensors", "tensorboard", "timm", "torch", "torchvision")}

# verb -> one line for `segwright --help`; the module of the same name is imported only when the verb is used
VERBS = {
    "demo": "The guide's worked example, end to end, offline.",
    "init": "Write a commented segwright.yaml for a folder of frames.",
    "split": "Divide frames into train, validation, calibration and test by a domain column.",
    "train": "Train a network as segwright.yaml says.",
    "evaluate": "Score predictions against truth: per class, per domain, with a report.",
    "calibrate": "Choose per-class thresholds on a hold-out; writes a new bundle.",
    "export": "Turn a run into an ONNX bundle, with a parity proof over the whole pipeline.",
    "predict": "Masks for image files.",
    "watch": "Inspect a folder of frames: verdicts, overlays, records.",
}


def build(verb: str | None) -> typer.Typer:
    """The application with every verb listed and only `verb` loaded: the others are their one line of help."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_root)
    for name, line in VERBS.items():
        function = getattr(import_module(f"segwright.cli.verbs.{name}"), name) if name == verb else _unloaded
        app.command(name, short_help=line)(function)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 1 a gate failed, 2 the user must change something."""
    given = sys.argv[1:] if arguments is None else arguments
    verb = next((word for word in given if not word.startswith("-")), None)
    try:
        if verb is not None and verb not in VERBS:
            raise _unknown_verb(verb)
        build(verb)(given)
    except SegwrightError as error:
        _fail(error, as_json="--json" in given)
    except ModuleNotFoundError as error:
        missing = _missing_extra(error, f"segwright {verb}")
        if missing is None:
            raise
        _fail(missing, as_json="--json" in given)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"segwright {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """From labelled frames to a watched segmentation model on the line, on your own machine."""


def _unloaded() -> None:
    """Stands for a verb that this call does not use."""


def _unknown_verb(verb: str) -> SegwrightError:
    close = get_close_matches(verb, VERBS, n=1)
    fix = f"did you mean '{close[0]}'?" if close else "segwright --help"
    return ConfigError.of("segwright", "has no such verb", allowed=", ".join(VERBS), found=verb, fix=fix)


def _missing_extra(error: ModuleNotFoundError, place: str) -> SegwrightError | None:
    package = (error.name or "").partition(".")[0]
    extra = next((extra for extra, packages in EXTRAS.items() if package in packages), None)
    if extra is None:
        return None
    return DependencyMissing.of(
        place, f"needs {package}, which is not installed", fix=f"pip install 'segwright[{extra}]'"
    )


def _fail(error: SegwrightError, *, as_json: bool) -> NoReturn:
    if as_json:
        rows = [{name: getattr(problem, name) for name in problem.__dataclass_fields__} for problem in error.problems]
        print(json.dumps({"error": type(error).__name__, "problems": rows}, ensure_ascii=False, indent=1))
    print(str(error), file=sys.stderr)
    sys.exit(error.exit_code)
