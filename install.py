"""Sets aimo up: `python3 install.py` builds a private environment, installs this checkout into it, and runs `aimo install`.

Standard library only. It must parse on Python 3.8, and does on 2.7 too, so that a person with an old Python reads a
sentence and not a traceback: no annotations (types stand in comments), no f-strings. Everything below `main` runs on 3.11+.
Whatever stops it - no network, no pip, Ctrl-C - it leaves nothing half-made behind, and a working older installation alone.
"""

from __future__ import print_function

import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable  # noqa: F401 - for the comments that hold types

NEEDED = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))
#: What the package is made of. When any of it changes, an environment with the same version number is still out of date.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "aimo_host", "extension", "manifests")
#: Lies in an environment: which folders were made for it, and, written last, the digest of what is in it, since it is whole then.
MARKER = "aimo-env.json"
#: What lies in any environment of Python's.
VENV = frozenset(("bin", "etc", "include", "Include", "lib", "Lib", "lib64", "pyvenv.cfg", "Scripts", "share"))
#: Extra of pyproject.toml -> the package that is there if somebody added it.
EXTRAS = (("mcp", "mcp"), ("prometheus", "prometheus_client"))
#: Variables that would send pip or the new interpreter elsewhere.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PIP_NO_DEPS")
#: What ends a process, SIGHUP where its terminal is closed; Windows has none.
ENDING = tuple(number for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)) if number is not None)
#: An interrupt that comes just before a sleep is heeded only at the end of it.
LOOK_SECONDS = 1.0
#: What is none of pip's business, nor of the packages that it builds.
SECRET = ("ZAI_API_KEY", "Z_AI_API_KEY", "OLLAMA_API_KEY", "AIMO_TOKEN", "BW_SESSION")
NO_PIP = re.compile(r"ensurepip is not\s+available|No module named '?(ensurepip|venv)")
OFFLINE = re.compile(
    "NewConnectionError|ConnectTimeout|ReadTimeout|timed out|name resolution|Name or service not known|nodename nor servname|"
    "getaddrinfo failed|ProxyError|Cannot connect to proxy|SSLError|Connection refused|Network is unreachable|Connection aborted"
)


class InstallError(Exception):
    """One sentence for the person, and the exit code (design section 10) that goes with it."""

    def __init__(self, sentence, code=1):
        # type: (str, int) -> None
        super(InstallError, self).__init__(sentence)
        self.code = code


def candidates(environ):
    # type: (dict[str, str]) -> list[str]
    """Paths that may be a newer Python, best first: on PATH, then where installers usually put one."""
    names = ["python3.%d" % minor for minor in range(14, NEEDED[1] - 1, -1)] + ["python3", "python"]
    home = os.path.expanduser("~")
    usual = ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/opt/local/bin", os.path.join(home, ".local", "bin")]
    folders = [folder for folder in environ.get("PATH", "").split(os.pathsep) if folder] + usual
    suffix = ".exe" if os.name == "nt" else ""
    found = [os.path.join(folder, name + suffix) for name in names for folder in folders]
    for pattern in (
        "/Library/Frameworks/Python.framework/Versions/3.*/bin/python3",
        os.path.join(home, ".pyenv", "versions", "3.*", "bin", "python3"),
        os.path.join(home, ".local", "share", "uv", "python", "cpython-3.*", "bin", "python3"),
        os.path.join(environ.get("LOCALAPPDATA", home), "Programs", "Python", "Python3*", "python.exe"),
    ):
        found += sorted(glob.glob(pattern), reverse=True)
    return [path for path in found if os.path.isfile(path) and os.access(path, os.X_OK)]


def is_new_enough(path):
    # type: (str) -> bool
    """Whether this program runs and is a Python of the version needed (a pyenv shim may be neither)."""
    program = "import sys; sys.exit(sys.version_info < (%d, %d))" % NEEDED
    try:
        with open(os.devnull, "r+") as nothing:
            return subprocess.call([path, "-I", "-c", program], stdin=nothing, stdout=nothing, stderr=nothing) == 0
    except OSError:
        return False


def require_python(environ):
    # type: (dict[str, str]) -> None
    """Returns if this interpreter is new enough; else starts this script again with one that is, or raises InstallError."""
    if sys.version_info[:2] >= NEEDED:
        return
    for path in candidates(environ):
        if is_new_enough(path):
            command = [path] + sys.argv
            if os.name == "nt":  # exec there returns to the shell at once
                sys.exit(subprocess.call(command))
            os.execv(path, command)
    raise InstallError(
        "aimo needs Python %d.%d or newer, and only %d.%d was found: install a newer one (https://www.python.org/downloads/), "
        "then run this again." % (NEEDED + tuple(sys.version_info[:2]))
    )


def python_in(env):
    # type: (str) -> str
    """The interpreter of an environment."""
    return os.path.join(env, "Scripts", "python.exe") if os.name == "nt" else os.path.join(env, "bin", "python")


def clean_environ():
    # type: () -> dict[str, str]
    """This process's environment without our keys and what would lead pip astray (its index and proxy settings stay)."""
    environ = {name: value for name, value in os.environ.items() if name not in MISLEADING + SECRET}
    environ["PIP_USER"] = "0"
    return environ


def run(command, env=None, cwd=None):
    # type: (list[str], dict[str, str] | None, str | None) -> tuple[int, str]
    """Exit code and everything that was printed. Interrupted, it first ends the command with all its children."""
    nothing, pipe, both = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
    held = []  # type: list[int]
    # An interrupt between the start of the child and its first mention here would leave it behind.
    before = [(number, signal.signal(number, lambda got, _: held.append(got))) for number in (signal.SIGINT,) + ENDING]
    child = None
    try:
        try:
            child = subprocess.Popen(
                command, env=env, cwd=cwd, stdin=nothing, stdout=pipe, stderr=both, errors="replace", start_new_session=True
            )
        finally:
            for number, handler in before:
                signal.signal(number, handler)
        for got in held:
            signal.raise_signal(got)
        while True:
            try:
                output = child.communicate(timeout=LOOK_SECONDS)[0]
            except subprocess.TimeoutExpired:
                continue
            return child.returncode, output
    except BaseException:
        if child is not None:
            if os.name == "nt":
                child.kill()
            else:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        raise


def is_complete(env, digest):
    # type: (str, str) -> bool
    """Whether `env` was finished with this digest and its interpreter still runs (the Python below it may have been removed)."""
    try:
        with open(os.path.join(env, MARKER)) as file:
            finished = json.load(file)["digest"] == digest
    except (OSError, ValueError, KeyError, TypeError):
        return False
    try:
        return finished and run([python_in(env), "-I", "-c", "import aimo_host"])[0] == 0
    except OSError:
        return False


def build(env, digest, wanted):
    # type: (str, str, list[str]) -> None
    """A new environment at `env` with what `wanted` tells pip to install; all or nothing (then it raises InstallError)."""
    created = make_folder(env)
    try:
        make_venv(env)
        pip_install(env, wanted)
        mark(env, created, digest)
    except BaseException:
        remove(env)
        remove_empty(created)
        raise


def make_folder(env):
    # type: (str) -> list[str]
    """Makes `env` anew, private; returns the folders above it that did not exist, the outermost first."""
    if os.path.lexists(env) and not is_ours(env):
        raise InstallError("%s is none of aimo's environments: move it away, then run this again." % env)
    created = []  # type: list[str]
    parent = os.path.dirname(env)
    for other in glob.glob(os.path.join(glob.escape(parent), "env-*")):  # one of them by a run that was killed
        created += [folder for folder in created_for(other) if folder not in created]
    missing = []  # type: list[str]
    while not os.path.isdir(parent):
        missing.insert(0, parent)
        parent = os.path.dirname(parent)
    remove(env)
    for folder in missing + [env]:
        os.mkdir(folder, 0o700)
    created += [folder for folder in missing if folder not in created]
    mark(env, created, None)
    return created


def is_ours(env):
    # type: (str) -> bool
    """Whether this is an environment that was made here, or what a killed run or a hindered removal left of one."""
    if os.path.islink(env) or not os.path.isdir(env):
        return False
    return os.path.isfile(os.path.join(env, MARKER)) or VENV.issuperset(os.listdir(env))


def mark(env, created, digest):
    # type: (str, list[str], str | None) -> None
    """Notes down what was made for this environment and, if it is whole, what it holds."""
    with open(os.path.join(env, MARKER), "w") as file:
        json.dump({"digest": digest, "created": created}, file)


def make_venv(env):
    # type: (str) -> None
    """An environment with pip in the folder `env`."""
    code, output = run([sys.executable, "-I", "-m", "venv", env], env=clean_environ())
    if code == 0:
        return
    if NO_PIP.search(output):
        default = os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3")
        package = "python3-venv" if default else "python%d.%d-venv" % sys.version_info[:2]
        step = "sudo apt install " + package if shutil.which("apt-get") else "install your system's packages for venv and pip"
        raise InstallError(
            "This Python (%s) cannot make an environment with pip: %s, then run this again." % (sys.executable, step)
        )
    raise InstallError("Python could not make an environment in %s: %s" % (env, reason(output)))


def pip_install(env, wanted):
    # type: (str, list[str]) -> None
    """Lets the pip of `env` install what `wanted` says; its noise is kept, and one line of it shown if it fails."""
    scratch = os.path.join(env, "tmp")  # pip, killed, would leave its folders in the system's
    os.mkdir(scratch, 0o700)
    environ = dict(clean_environ(), TMPDIR=scratch, TEMP=scratch, TMP=scratch)
    options = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--retries", "2"]
    command = [python_in(env), "-I", "-m", "pip", "install"] + options
    code, output = run(command + wanted, env=environ, cwd=ROOT)
    remove(scratch)
    if code == 0:
        return
    offline = OFFLINE.search(output)
    if offline:
        raise InstallError(
            "The package index could not be reached (pip says: %s): check the network, behind a proxy also HTTPS_PROXY, "
            "then run this again." % offline.group(0)
        )
    raise InstallError("pip could not install aimo's packages: " + reason(output))


def reason(output):
    # type: (str) -> str
    """The line of somebody else's noise that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error: ") and "subprocess-exited" not in line]
    return (errors or lines or ["nothing at all"])[-1][:300]


def remove(folder):
    # type: (str) -> None
    """Removes a tree of ours as far as that is possible."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_empty(folders):
    # type: (list[str]) -> None
    """Removes folders that were made for an environment, the innermost first, unless they came to hold something else."""
    for folder in reversed(folders):
        try:
            os.rmdir(folder)
        except OSError:
            return


def data_folder(environ):
    # type: (dict[str, str]) -> str
    """Where the installed aimo will keep what it needs."""
    from aimo_host.state import paths

    try:
        if os.name == "nt" and not environ.get("AIMO_HOME"):  # as platformdirs says, which is not installed yet
            return os.path.join(environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local"), "aimo")
        paths.home_folder(environ)  # below which browsers look for a host
        return paths.find(environ).data_dir
    except paths.HomeNotAbsoluteError as error:
        objection = InstallError(str(error), code=2)
    raise objection


def digest_of(names):
    # type: (tuple[str, ...]) -> str
    """One number for the content of these files and folders of the checkout, and for the Python that will run it."""
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
        files = [os.path.join(ROOT, name)] if os.path.isfile(os.path.join(ROOT, name)) else []
        for folder, folders, inside in os.walk(os.path.join(ROOT, name)):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            files += [os.path.join(folder, file) for file in sorted(inside)]
        for path in files:
            with open(path, "rb") as content:
                body = content.read()
            digest.update(("%s %d " % (os.path.relpath(path, ROOT), len(body))).encode() + body)
    return digest.hexdigest()


def environment(data, dry_run):
    # type: (str, bool) -> str | None
    """The environment with this checkout in it, built if need be; None if it would have to be built in a dry run."""
    from aimo_host import __version__

    digest = digest_of(SOURCES)
    plain = os.path.join(data, "env-" + __version__)
    # A changed checkout of the same version goes beside the one in use, which works until the launcher is switched.
    beside = plain + "-" + digest[:8]
    for env in (plain, beside):
        if is_complete(env, digest):
            return env
    env = beside if os.path.isdir(plain) and is_in_use(data, plain) else plain
    if dry_run:
        print("Would build %s with Python %d.%d, install aimo %s into it," % ((env,) + sys.version_info[:2] + (__version__,)))
        return None
    print("Installing aimo %s into %s (about half a minute) ..." % (__version__, env), file=sys.stderr)
    build(env, digest, [ROOT + extras(data)])
    return env


def extras(data):
    # type: (str) -> str
    """What was added to an older environment by hand, as an extra: it would be lost with that one."""
    below = os.path.join(glob.escape(data), "env-*", "Lib" if os.name == "nt" else "lib/python3*", "site-packages")
    wanted = [extra for extra, package in EXTRAS if glob.glob(os.path.join(below, package))]
    return "[%s]" % ",".join(wanted) if wanted else ""


def is_in_use(data, env):
    # type: (str, str) -> bool
    """Whether the launcher names this environment, so that a browser may be running it."""
    launcher = os.path.join(data, "bin", "aimo-host.bat" if os.name == "nt" else "aimo-host")
    try:
        with open(launcher, errors="replace") as file:
            return os.sep + os.path.basename(env) + os.sep in file.read()
    except OSError:
        return False


def remove_unused(data):
    # type: (str) -> None
    """Removes every environment of ours that the launcher does not name: older ones, or one that was never put to use."""
    for name in os.listdir(data):
        env = os.path.join(data, name)
        if os.path.isfile(os.path.join(env, MARKER)) and not os.path.islink(env) and not is_in_use(data, env):
            created = created_for(env)
            remove(env)
            remove_empty(created)


def created_for(env):
    # type: (str) -> list[str]
    """The folders above this environment that were made for it."""
    try:
        with open(os.path.join(env, MARKER)) as file:
            return list(json.load(file)["created"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def understood(arguments):
    # type: (list[str]) -> tuple[bool, list[str]]
    """Whether it is a dry run, and the browsers that it is about; bad arguments end it here, before anything is built."""
    from aimo_host.setup import SetupError, install
    from aimo_host.setup.system import System

    parser = install.parser("install.py", "Build a private environment for aimo, and register it with this machine's browsers.")
    options = parser.parse_args(arguments)
    try:  # it has to be told where our files would lie, or it would want platformdirs
        found = install.targets(options, System.of(dict(os.environ, AIMO_HOME=ROOT)))
    except SetupError as error:
        parser.exit(error.code, "%s\n" % error)
    return options.dry_run, [browser.label for browser in found]


def set_up(arguments):
    # type: (list[str]) -> int
    """Environment, registration, and away with what is no longer used; `arguments` are those of `aimo install`."""
    # The checkout's own code reads the arguments and knows the folders. It needs none of the packages for that.
    sys.dont_write_bytecode = True
    sys.path.insert(0, ROOT)
    data = data_folder(dict(os.environ))
    dry_run, browsers = understood(arguments)
    env = environment(data, dry_run)
    if env is None:
        print("and register it with: %s." % (", ".join(browsers) or "no browser, since none that aimo knows was found"))
        return 0
    try:
        return hand_over([python_in(env), "-I", "-m", "aimo_host", "install", "--link"] + arguments)
    finally:
        if not dry_run:
            remove_unused(data)


def hand_over(command):
    # type: (list[str]) -> int
    """The exit code of `aimo install`, which alone knows whether there is something to undo when it is to end."""
    children = []  # type: list[subprocess.Popen[bytes]]
    held = []  # type: list[int]

    def tell(number, _frame):
        # type: (int, object) -> None
        held.append(number)
        for child in children:
            child.send_signal(number)

    signal.signal(signal.SIGINT, lambda *_: None)  # the terminal tells it to both
    heed_ending(tell)
    with subprocess.Popen(command) as child:
        children.append(child)
        for number in held:  # before it was known here
            child.send_signal(number)
        code = child.wait()
    return code if code >= 0 else 128 - code


def heed_ending(handler):
    # type: (Callable[[int, object], object]) -> None
    """Sets the handler of what ends a process, unless that is ignored, as SIGHUP is under nohup."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def main():
    # type: () -> int
    """Returns the exit code of design section 10."""
    heed_ending(lambda number, _: sys.exit(128 + number))  # so that what was begun is cleared away
    try:
        require_python(dict(os.environ))
        return set_up(sys.argv[1:])
    except InstallError as error:
        print(error, file=sys.stderr)
        return error.code
    except (ImportError, OSError) as error:  # the former: this checkout is not complete
        print("aimo could not be installed: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
