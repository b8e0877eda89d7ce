"""Where every file of ours lies. The one place that decides it; nothing here touches the disk.

`AIMO_HOME` moves everything below one folder. Without it, the conventions of the operating system decide: as platformdirs says,
which is asked itself only where its answer is not a matter of course, since its import takes longer than a cached read.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: The name under which browsers know the native host.
HOST_NAME = "com.aimo.host"

#: Folders for cache, config, state and data below the home folder, and the variables that move them.
_CONVENTIONS = {
    "linux": (".cache", ".config", ".local/state", ".local/share"),
    "darwin": ("Library/Caches", *("Library/Application Support",) * 3),
}
_VARIABLES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")


class HomeNotAbsoluteError(ValueError):
    """`AIMO_HOME` or the home folder is no absolute path, or there is none; guessing would scatter files."""

    def __init__(self, name: str, value: str) -> None:
        super().__init__(
            f"{name} must be an absolute path, not {value!r}."
            if value
            else "This user has no home folder: set HOME, or AIMO_HOME, to an absolute path."
        )


class Paths:
    """Paths of one installation, as plain strings (this is on the way of a cached read; pathlib is not worth its import)."""

    def __init__(self, *, home: str, cache_dir: str, config_dir: str, state_dir: str, data_dir: str) -> None:
        join = os.path.join
        self.home = home
        self.cache_dir = cache_dir
        self.config_dir = config_dir
        self.state_dir = state_dir
        self.data_dir = data_dir

        self.cache = join(cache_dir, "usage.json")
        self.salt = join(cache_dir, "salt")

        self.settings = join(config_dir, "settings.json")
        self.env = join(config_dir, ".env")

        self.refresh = join(state_dir, "refresh.json")
        self.attempts = join(state_dir, "attempts.json")
        self.ledger = join(state_dir, "ledger.jsonl")
        self.log = join(state_dir, "aimo.log")
        self.sessions = join(state_dir, "sessions.json")
        self.drift_dir = join(state_dir, "drift")
        self.locks_dir = join(state_dir, "locks")
        self.presence_dir = join(state_dir, "presence")
        self.bells_dir = join(state_dir, "bells")

        self.extension = join(data_dir, "extension")
        #: What native-messaging manifests name, and its sibling for people.
        self.launcher = join(data_dir, "bin", "aimo-host.bat" if sys.platform == "win32" else "aimo-host")
        self.command = join(data_dir, "bin", "aimo.bat" if sys.platform == "win32" else "aimo")

    def public(self) -> dict[str, str]:
        """What `aimo paths` prints."""
        return {
            "home": self.home,
            "cache": self.cache,
            "refresh": self.refresh,
            "settings": self.settings,
            "env": self.env,
            "ledger": self.ledger,
            "log": self.log,
            "extension": self.extension,
            "launcher": self.launcher,
        }


def find(environ: Mapping[str, str]) -> Paths:
    """The paths that `environ` asks for.

    Raises:
        HomeNotAbsoluteError: `AIMO_HOME` is set and relative; or it is not set, and there is no absolute home folder.
    """
    home = environ.get("AIMO_HOME")
    if home:
        if not os.path.isabs(home):
            raise HomeNotAbsoluteError("AIMO_HOME", home)
        home = os.path.normpath(home)
        cache, config, state, data = (os.path.join(home, name) for name in ("cache", "config", "state", "data"))
        return Paths(home=home, cache_dir=cache, config_dir=config, state_dir=state, data_dir=data)

    cache, config, state, data = _by_convention(environ) or _by_platformdirs()
    return Paths(home=data, cache_dir=cache, config_dir=config, state_dir=state, data_dir=data)


def home_folder(environ: Mapping[str, str]) -> str:
    """The person's own: HOME, and where that is not set what the system's list of users says.

    Raises:
        HomeNotAbsoluteError: HOME is relative, or nobody knows the folder.
    """
    home = environ.get("HOME", "")
    if not home and sys.platform == "win32":
        return os.path.expanduser("~")
    if not home:
        import pwd

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:  # a user by number only, as in containers
            pass
    if not os.path.isabs(home):
        raise HomeNotAbsoluteError("HOME", home)
    return home


def _by_convention(environ: Mapping[str, str]) -> list[str] | None:
    """The four folders where they are a matter of course: Linux and macOS."""
    below = _CONVENTIONS.get(sys.platform)
    if below is None or "ANDROID_ROOT" in environ:
        return None
    home = home_folder(environ)
    given = (environ.get(name, "") for name in _VARIABLES)
    chosen = (one if os.path.isabs(one) else os.path.join(home, usual) for one, usual in zip(given, below, strict=True))
    return [os.path.join(folder, "aimo") for folder in chosen]


def _by_platformdirs() -> list[str]:
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("aimo", appauthor=False)
    return [dirs.user_cache_dir, dirs.user_config_dir, dirs.user_state_dir, dirs.user_data_dir]


def bundled(name: str) -> str:
    """The folder `extension` or `manifests` that came with this code: inside the wheel, or beside the package in a clone."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "_bundled", name)
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), name)
