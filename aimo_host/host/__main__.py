"""`aimo-host ORIGIN`: the program that the browser starts. Its stdout belongs to the protocol and to nothing else.

Exit 2 for a wrong or missing origin, before anything is read; exit 0 at the end of input, at once, whatever is under way.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time

from aimo_host.state import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from aimo_host.host.frames import Decoder
    from aimo_host.host.session import Session

_CHUNK = 65536
#: To take our sign and our bell down; who comes later removes them otherwise.
_FAREWELL_SECONDS = 0.2
_OK, _BAD_ARGUMENTS = 0, 2


class _Pipe:
    """Our end of the pipe to the browser. A browser that is gone is the end of this process, not an error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._writing = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        from aimo_host.host import frames

        try:
            frame = frames.encode(message)
        except frames.FrameTooLargeError:
            frame = frames.encode({"type": "error", "code": "too_large", "message": "This answer is too large for one frame."})
        with self._writing:
            view = memoryview(frame)
            while view:
                try:
                    view = view[os.write(self._descriptor, view) :]
                except OSError:
                    _end()


def _own_stdout() -> int:
    """Duplicate fd 1 for the frames, then point fd 1 at stderr, so that a library that prints cannot break a frame."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        msvcrt.setmode(1, os.O_BINARY)
    try:
        os.fstat(2)
    except OSError:  # no stderr at all, as on a Windows desktop; before dup, which would take the free number for the frames
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return descriptor


def _talk(pipe: _Pipe, environ: Mapping[str, str]) -> None:
    """Read frames until the end of input, or until a newer host is to take over."""
    from aimo_host.host.frames import Decoder, FrameTooLargeError
    from aimo_host.host.session import Session
    from aimo_host.routes import Context
    from aimo_host.state import paths

    door = _Door()
    session = Session(Context(paths.find(environ), environ, time.time), pipe.send, door.knock)
    decoder = Decoder()
    try:
        while True:
            if door.has_input():
                data = os.read(0, _CHUNK)
                if not data:
                    break
                decoder.feed(data)
                _handle(decoder, session, pipe)
            if session.makes_way() and not door.has_input(0):
                break
    except FrameTooLargeError:
        pipe.send({"type": "error", "code": "too_large", "message": "A frame may hold at most 1 MiB."})
    finally:
        # The bell's thread may be in the middle of a write that nobody reads; it is not worth waiting for.
        closing = threading.Thread(target=session.close, daemon=True)
        closing.start()
        closing.join(_FAREWELL_SECONDS)


def _handle(decoder: Decoder, session: Session, pipe: _Pipe) -> None:
    """Carry out every message that is complete."""
    from aimo_host.host.frames import BadFrameError

    while True:
        try:
            message = decoder.next()
        except BadFrameError:
            pipe.send({"type": "error", "code": "bad_message", "message": "This frame is not a JSON object."})
            continue
        if message is None:
            return
        session.handle(message)


class _Door:
    """What the main thread sleeps at: input from the browser, or a knock from another thread."""

    def __init__(self) -> None:
        self._inside, self._outside = os.pipe()

    def knock(self) -> None:
        os.write(self._outside, b"!")

    def has_input(self, timeout: float | None = None) -> bool:
        """Sleep until there is something to read (True), somebody knocked or `timeout` seconds have passed (False)."""
        if sys.platform == "win32":  # select knows no pipes there: a newer host's turn comes with the next frame
            return timeout is None
        ready = select.select([0, self._inside], [], [], timeout)[0]
        if self._inside in ready:
            os.read(self._inside, _CHUNK)
        return 0 in ready


def _end() -> NoReturn:
    """Now: threads may be waiting for a provider; the browser gives us two seconds and none of them is worth waiting for."""
    # A vault's program that waits would wait on without us. While the module is still being imported, nothing has been started.
    end_all = getattr(sys.modules.get("aimo_host.routes.children"), "end_all", None)
    try:
        if end_all is not None:
            end_all()
    finally:
        os._exit(_OK)


def _objection(arguments: list[str]) -> str | None:
    """Why this process must not start, if so."""
    from aimo_host.state.paths import HomeNotAbsoluteError, find

    if not arguments or arguments[0] != identity.ORIGIN:
        return "aimo-host is started by the browser, for the aimo extension only."
    try:
        find(os.environ)
    except HomeNotAbsoluteError as error:
        return str(error)
    return None


def main(argv: list[str] | None = None) -> NoReturn:
    """Talk to the browser until it hangs up."""
    objection = _objection(sys.argv[1:] if argv is None else argv)
    if objection is not None:
        try:
            os.write(2, f"{objection}\n".encode(errors="replace"))
        except OSError:
            pass  # no stderr, as on a Windows desktop, or nobody who reads it
        os._exit(_BAD_ARGUMENTS)
    os.umask(0o077)
    try:
        _talk(_Pipe(_own_stdout()), os.environ)
    except KeyboardInterrupt:
        pass  # Ctrl-C in the terminal that started the browser: its pipe ends us
    except OSError:
        pass  # stdin broke: the browser is gone
    _end()


if __name__ == "__main__":
    main()
