"""The `segwright` command: the list of verbs, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from inspect import signature
from keyword import iskeyword
from typing import NoReturn

import typer

from segwright._version import __version__
from segwright.core.errors import ArtefactError, ConfigError, DependencyMissing, SegwrightError

# What only some commands need, by the extra that installs it.
EXTRAS = {
    "train": ("lightning", "onnx", "onnxscript", "safetensors", "tensorboard", "timm", "torch", "torchvision"),
    "search": ("optuna",),
    "store": ("lance", "pyarrow"),
    "volumes": ("nibabel", "pydicom"),
    "geo": ("rasterio",),
}

INTERRUPTED = 130  # 128 + SIGINT, as a shell counts it

# Click's, of which newer Typers carry a copy under a private name: what is wrong with a command line.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

# verb -> one line for `segwright --help`; the module of the same name is imported only when the verb is used
VERBS = {
    "demo": "The guide's worked example, end to end, offline.",
    "import": "Put labelled frames of any format into a versioned store.",
    "init": "Write a commented segwright.yaml for a folder of frames.",
    "choose": "Say which task, network and encoder suit your frames, and why.",
    "lint": "Find what is wrong with labelled frames and their split.",
    "explain": "Tell what a lint rule does, why it matters, and the fix.",
    "split": "Divide frames into train, validation, calibration and test by a domain column.",
    "train": "Train a network as segwright.yaml says.",
    "evaluate": "Score predictions against truth: per class, per domain, with a report.",
    "calibrate": "Choose per-class thresholds on a hold-out; writes a new bundle.",
    "export": "Turn a run into an ONNX bundle, with a parity proof over the whole pipeline.",
    "predict": "Masks for image files.",
    "track": "Follow objects through predicted frames and count what crosses a line.",
    "watch": "Inspect a folder of frames: verdicts, overlays, records.",
    "distill": "Train a small network on a large one's answers; says what each class lost.",
    "assist": "Less annotation: objects from the masks that are there.",
    "data": "Labelled frames: numbers, versions, formats.",
    "benchmark": "What networks cost here: memory, operations, frames a second at your frame size.",
    "budget": "What more labelled frames would bring: the score against their number.",
}

# verb -> its subverbs, each with its line for `segwright VERB --help`: the module is cli/verbs/VERB/SUBVERB.py
GROUPS = {
    "assist": {
        "seeds": "Semantic masks become objects; what touches is told apart, what is unclear is shown.",
    },
    "data": {
        "stats": "What the frames hold: classes, objects, pictures, and how domains differ.",
        "log": "Who changed what in a store, when and why.",
        "show": "What a version of a store holds.",
        "diff": "What changed between two versions, pixel by pixel.",
        "tag": "Give a version a name.",
        "checkout": "Write a version as a plain folder to work in.",
        "export": "Write labelled frames in another format.",
        "restore": "Make an old version the newest again.",
        "relabel": "Merge, rename or void classes in a new version.",
        "compact": "Merge the small files of a store; every version stays.",
        "verify": "Find every damaged byte of a store.",
    },
}


def build(verb: str | None, subverb: str | None = None) -> typer.Typer:
    """The application with every verb listed and only the one asked for loaded: the others are their line of help."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_root)
    for name, line in VERBS.items():
        if name == verb and name in GROUPS:
            app.add_typer(_group(name, subverb), name=name, short_help=line)
        else:
            app.command(name, short_help=line)(_loaded(name) if name == verb else _unloaded)
    return app


def _group(verb: str, chosen: str | None) -> typer.Typer:
    """The verb as a group of subverbs, of which only `chosen` is loaded."""
    group = typer.Typer(rich_markup_mode=None, help=VERBS[verb])
    group.callback()(_nothing)
    for name, line in GROUPS[verb].items():
        group.command(name, short_help=line)(_loaded(verb, name) if name == chosen else _unloaded)
    return group


def _loaded(*words: str) -> Callable[..., None]:
    """The function of a verb or of a subverb: it is called as its module is, with `_` after a word of Python's own."""
    names = [f"{word}_" if iskeyword(word) else word for word in words]
    return getattr(import_module(".".join(("segwright.cli.verbs", *names))), names[-1])


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 1 a gate failed, 2 the user must change something, 130 interrupted."""
    given = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    words = _words_of(given)
    if given == words and words[-1] in GROUPS:
        given = [*given, "--help"]  # a group alone does nothing: show what it has
    place = "segwright"
    try:
        place = _known(words)
        code = build(*(words or [None]))(given, standalone_mode=False)
    except SegwrightError as error:
        _fail(error if place == "segwright" else _said_for(words, given, error), as_json=_answers_in_json(given))
    except KeyboardInterrupt:  # while a verb is being imported; Typer ends a verb with the same code
        code = INTERRUPTED
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


def _words_of(given: list[str]) -> list[str]:
    """The verb among the words of a command line, with its subverb where it is a group's."""
    bare = [word for word in given if not word.startswith("-")]
    return bare[: 2 if bare and bare[0] in GROUPS else 1]


def _known(words: list[str]) -> str:
    """`segwright VERB` or `segwright VERB SUBVERB`, as messages name it.

    Raises:
        ConfigError: no such verb, or no such subverb of the group.
    """
    place, names = "segwright", list(VERBS)
    for word in words:
        if word not in names:
            close = get_close_matches(word, names, n=1)
            fix = f"did you mean '{close[0]}'?" if close else f"{place} --help"
            raise ConfigError.of(place, "has no such verb", allowed=", ".join(names), found=word, fix=fix)
        place, names = f"{place} {word}", list(GROUPS.get(word, ()))
    return place


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


def _nothing() -> None:
    """Stands before the subverbs of a group: it makes one subverb alone a group too."""


def _unloaded() -> None:
    """Stands for a verb that this call does not use."""


def _misused(error: Exception, place: str) -> SegwrightError:
    """Click's sentence about the command line, as one of ours: with --json it is JSON like every other."""
    message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    rule = message[:1].lower() + message[1:].rstrip(".")
    return ConfigError.of(place, rule, fix=f"{place} --help")


def _said_for(words: list[str], given: list[str], error: SegwrightError) -> SegwrightError:
    """The error with fixes that name options of this very command."""
    if words[-1] in GROUPS or "option" not in signature(_loaded(*words)).parameters:
        return error
    from segwright.cli.typed_fixes import as_typed

    return as_typed(error, given)


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
