"""The program: the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

from reconciler.cli import tuning
from reconciler.cli.terminal import OutputClosedError, echo_err
from reconciler.errors import ConfigurationError, Exit, ReconcilerError
from reconciler.private import private_files

_PLAIN = {
    "apply": "reconciler.cli.noop",
    "history": "reconciler.cli.history_answer",
    "validate": "reconciler.cli.validation",
}
"""Commands that need no framework in their plain forms, and the module that carries each out.

It gives the exit code; or what it learnt for the command, where that has to be carried out by the framework.
"""


def run() -> None:
    """Runs the command line and ends the process."""
    _open_streams()
    stdout = sys.stdout
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what is written is UTF-8, whatever the locale says
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    tuning.for_a_command()
    try:
        with private_files():
            _work(sys.argv[1:])
    except ReconcilerError as error:
        echo_err(f"error: {error}")
        sys.exit(int(error.exit_code))
    except OutputClosedError:
        _die_of(signal.SIGPIPE)
    except SystemExit:
        if sys.stdout is not stdout:  # typer found it closed when it printed something by itself
            _die_of(signal.SIGPIPE)
        raise
    except OSError as error:
        echo_err(f"error: {_subject(error)}: {error.strerror}")
        _discard_output()
        sys.exit(int(Exit.UNAVAILABLE))
    except KeyboardInterrupt:
        echo_err("interrupted; what was in flight is settled by the next run")
        sys.exit(130)
    except Exception:  # noqa: BLE001 - told as the interpreter would tell it, without the secrets
        import traceback  # noqa: PLC0415 - only where this program is wrong

        echo_err(traceback.format_exc())
        sys.exit(int(Exit.ATTENTION))
    finally:
        _give_up_standard_error()
        tuning.for_the_end()


def _work(arguments: list[str]) -> None:
    """Carries out a command; in a plain form, before the framework for command lines is loaded."""
    name, rest = arguments[0] if arguments else "", arguments[1:]
    done = import_module(_PLAIN[name]).carried_out(rest) if name in _PLAIN else None
    if isinstance(done, Exit):
        sys.exit(int(done))
    _require_values(rest)  # the plain forms have no empty argument
    # the command-line framework is a third of what an `apply` with nothing to do would load
    from reconciler.cli.commands import command  # noqa: PLC0415

    command()(prog_name="reconciler", obj=done)


def _require_values(arguments: list[str]) -> None:
    """Refuses an empty argument, as by a variable of a script that is not set. Raises ConfigurationError."""
    before = ""
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if option.startswith("--") and equals and not value.strip():
            raise ConfigurationError(f"{option}: its value is empty; give one, or leave the option out")
        if not argument.strip():
            said = (
                f"the argument after {before}" if before.startswith("-") and before != "--" else "an argument"
            )
            raise ConfigurationError(f"{said} is empty; give it a value, or leave it out")
        before = option


def _open_streams() -> None:
    """Gives a process that was started without one of its streams an unusable one in its place.

    Otherwise the next file to be opened, such as the state, would be standard output.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _die_of(number: signal.Signals) -> None:
    """Ends the process as the signal would have, so that a shell sees what it sees of other tools."""
    _discard_output()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _subject(error: OSError) -> str:
    """What the system refused, for an error that may name no file."""
    if error.filename:
        return str(error.filename)
    try:
        sys.stdout.flush()  # what could not be written is still to be written
    except OSError:
        return "standard output"
    try:
        Path.cwd()
    except OSError:
        return "the current directory is gone or may not be entered, change to another one"
    return "a call of the operating system failed, check the limits of this process (ulimit -a)"


def _discard_output() -> None:
    """What could not be written is not tried again when the interpreter ends."""
    with contextlib.suppress(OSError):
        descriptor = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _give_up_standard_error() -> None:
    """What standard error does not take is lost: the interpreter would try again, and end with code 120."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
