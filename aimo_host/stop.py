"""SIGTERM, and the SIGHUP of a terminal that is closed, end a command as Ctrl-C does: it takes back what it made for a while."""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Self

_NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Stopped(KeyboardInterrupt):
    """Somebody wants the process to end; `code` is the exit code that shells give to that."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def as_by_an_interrupt(work: Callable[[], int]) -> int:
    """Do `work`, which is stopped by an exception. A signal that is ignored, as under nohup, stays so.

    Raises:
        Stopped: see there.
    """
    wanted = [one for name in _NAMES if (one := getattr(signal, name, None)) and signal.getsignal(one) is signal.SIG_DFL]

    def stop(number: int, _frame: object) -> None:
        # A closing terminal tells it twice; nothing may come between a process and its tidying up.
        for one in wanted:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    for one in wanted:
        signal.signal(one, stop)
    try:
        return work()
    finally:
        for one in wanted:
            if signal.getsignal(one) is stop:
                signal.signal(one, signal.SIG_DFL)


class Waking:
    """`woken` can be read from as soon as a signal has come: one that comes just before a sleep does not end it.

    with Waking() as waking:
        select.select([waking.woken], [], [])
        waking.heed()
    """

    woken: socket.socket

    def __enter__(self) -> Self:
        import socket  # only who sleeps needs it

        self._waker, self.woken = socket.socketpair()
        self._waker.setblocking(False)
        self.woken.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._waker.close()
        self.woken.close()

    def wake(self) -> None:
        """End the sleep from another thread, as a signal does; nothing is raised for it."""
        self._waker.sendall(b"\0")  # the number of no signal

    def heed(self) -> None:
        """Raise once more what the signals that came have raised: that was lost if it came in the middle of some callback.

        Raises:
            KeyboardInterrupt, Stopped: one of them was to end the process.
        """
        try:
            numbers = self.woken.recv(64)
        except BlockingIOError:
            return
        if signal.SIGINT in numbers:
            raise KeyboardInterrupt
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and number in numbers:
                raise Stopped(number)
