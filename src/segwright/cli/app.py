"""The `segwright` command: the list of verbs, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import errno
import json
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

import typer

from segwright._version import __version__
from segwright.core.errors import ArtefactError, ConfigError, DependencyMissing, SegwrightError

# What only some commands need, by the extra that installs it.
EXTRAS = {"train": ("lightning", "onnx", "onnxscript", "safetensors", "tensorboard", "timm", "torch", "torchvision")}

# Click's, of which newer Typers carry a copy under a private name: what is wrong with a command line.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

# verb -> one line for `segwright --help`; the module of the same name is imported only when the verb is used
VERBS = {
    "demo": "The guide's worked example, end to end, offline.",
    "init": "Write a commented segwright.yaml for a folder of frames.",
    "lint": "Find what is wrong with labelled frames and their split.",
    "explain": "Tell what a lint rule does, why it matters, and the fix.",
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
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_root)
    for name, line in VERBS.items():
        function = getattr(import_module(f"segwright.cli.verbs.{name}"), name) if name == verb else _unloaded
        app.command(name, short_help=line)(function)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 1 a gate failed, 2 the user must change something."""
    given = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    verb = next((word for word in given if not word.startswith("-")), None)
    place = f"segwright {verb}" if verb in VERBS else "segwright"
    try:
        if verb is not None and verb not in VERBS:
            raise _unknown_verb(verb)
        code = build(verb)(given, standalone_mode=False)
    except SegwrightError as error:
        _fail(error, as_json=_answers_in_json(given))
    except UsageError as error:
        _fail(_misused(error, place), as_json=_answers_in_json(given))
    except OSError as error:
        _fail(_refused_by_system(error, place), as_json=_answers_in_json(given))
    except ModuleNotFoundError as error:
        missing = _missing_extra(error, place)
        if missing is None:
            raise
        _fail(missing, as_json=_answers_in_json(given))
    sys.exit(code)


def _answers_in_json(given: list[str]) -> bool:
    """Whether stdout is to be JSON: not where `--json` has a file to write to, and people read the rest."""
    if "--json" not in given:
        return False
    return not any(word.endswith(".json") for word in given[given.index("--json") + 1 :][:1])


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


def _misused(error: Exception, place: str) -> SegwrightError:
    """Click's sentence about the command line, as one of ours: with --json it is JSON like every other."""
    message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    rule = message[:1].lower() + message[1:].rstrip(".")
    return ConfigError.of(place, rule, fix=f"{place} --help")


def _refused_by_system(error: OSError, place: str) -> SegwrightError:
    """A file nobody could read or write and that no room spoke of in its own words."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return ArtefactError.of(
        str(error.filename or place),
        "cannot be written" if full else "cannot be read or written",
        found=error.strerror or str(error) or type(error).__name__,
        fix="free space, or choose another disk" if full else "check that the folder is there and that you may write",
    )


def _missing_extra(error: ModuleNotFoundError, place: str) -> SegwrightError | None:
    package = (error.name or "").partition(".")[0]
    extra = next((extra for extra, packages in EXTRAS.items() if package in packages), None)
    if extra is None:
        return None
    return DependencyMissing.of(
        place, f"needs {package}, which is not installed", fix=f"pip install 'segwright[{extra}]'"
    )


def _fail(error: SegwrightError, *, as_json: bool) -> NoReturn:
    """Say the error and exit: text on stderr; with --json the problems on stdout, and stderr stays JSON lines."""
    if as_json:
        from segwright.cli.face import error_row

        print(json.dumps(error_row(error), ensure_ascii=False, indent=1))
        print(json.dumps({"event": "error", "text": str(error)}, ensure_ascii=False), file=sys.stderr)
    else:
        print(str(error), file=sys.stderr)
    sys.exit(error.exit_code)
