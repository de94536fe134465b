"""Carries out deploy/Dockerfile's own steps in a clean folder, without a container engine.

    .venv/bin/python tests/support/check_dockerfile.py [FOLDER]

What is read is the Dockerfile itself: every RUN, COPY, ENV, WORKDIR, USER, HEALTHCHECK, ENTRYPOINT and CMD in order;
each step says what was done, or why it could not be. The image's absolute paths lie below the folder (both stages in
the same one, for an environment does not move), the base image is this machine's own Python, and the user is taken by
setpriv, without an entry in /etc/passwd. Without FOLDER one is made and removed. It takes some minutes, for the whole
lock is installed.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWNED = ("/opt/octavo", "/var/lib/octavo", "/src")
"""The image's own folders: where these stand in an instruction, the folder's are meant."""

HEALTHY_WITHIN = 60.0
"""Seconds for `octavo listen` to answer; the image itself allows 20 on a machine that does nothing else."""


@dataclass
class Image:
    """What the instructions so far have made."""

    folder: Path
    workdir: Path
    environment: dict[str, str]
    user: int | None = None
    names: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def placed(self, text: str) -> str:
        """Text with the image's folders below this one."""
        for path in OWNED:
            text = re.sub(rf"(?<![\w.]){path}(?=[/\s:\"']|$)", f"{self.folder}{path}", text)
        return text

    def as_user(self, command: list[str]) -> list[str]:
        """The command under the image's user; only root can change to it."""
        if self.user is None or os.geteuid() != 0:
            return command
        return [
            "setpriv",
            f"--reuid={self.user}",
            f"--regid={self.user}",
            "--clear-groups",
            "--no-new-privs",
            *command,
        ]

    def run(self, command: list[str], seconds: float = 1800) -> subprocess.CompletedProcess[str]:
        """Runs a command as the image would."""
        return subprocess.run(
            self.as_user(command), cwd=self.workdir, env=self.environment, capture_output=True, text=True,
            timeout=seconds, check=False,
        )  # fmt: skip


class StepFailed(Exception):
    """An instruction that would break the build."""


def main() -> int:
    """Prints a line a step; 0 when every step that could be carried out succeeded."""
    if len(sys.argv) > 1:
        return check(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix="octavo-image-") as folder:
        Path(folder).chmod(0o755)
        return check(Path(folder))


def check(folder: Path) -> int:
    """Carries out the Dockerfile below a folder."""
    clean = {"PATH": f"{folder}/base:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder / "home"), "LANG": "C.UTF-8"}
    clean |= {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    image = Image(folder, folder, clean)
    steps = {
        "FROM": _from, "ENV": _env, "WORKDIR": _workdir, "RUN": _run, "COPY": _copy, "USER": _user,
        "HEALTHCHECK": _healthcheck, "ENTRYPOINT": _entrypoint, "CMD": _cmd, "EXPOSE": _nothing_to_do,
    }  # fmt: skip
    try:
        for name, value in instructions((ROOT / "deploy" / "Dockerfile").read_text()):
            started = time.monotonic()
            told = steps[name](image, value)
            print(f"{name} {value[:100]}\n    {told} ({time.monotonic() - started:.0f} s)", flush=True)
        for told in (_help(image), _runs(image), _cannot_write(image), _is_healthy(image)):
            print(told, flush=True)
    except StepFailed as error:
        print(f"    FAILED: {error}")
        return 1
    return 0


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile in order, continued lines joined, comments left out."""
    lines = "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [(name.upper(), value) for name, value in (line.split(maxsplit=1) for line in joined.splitlines())]


def _from(image: Image, value: str) -> str:
    """The system's own Python, since other users must be able to run it; the image calls it `python`."""
    image.user, image.workdir = None, image.folder
    wanted = re.search(r"python:(\d+\.\d+)", value)
    if wanted is None:
        raise StepFailed("the base image is no longer Python's: teach this script the new one")
    found = shutil.which(f"python{wanted[1]}", path="/usr/local/bin:/usr/bin")
    if found is None:
        raise StepFailed(f"this machine has no python{wanted[1]} of its own")
    (image.folder / "base").mkdir(exist_ok=True)
    (image.folder / "base" / "python").unlink(missing_ok=True)
    (image.folder / "base" / "python").symlink_to(found)
    return f"not pulled: {found} stands for it"


def _env(image: Image, value: str) -> str:
    for pair in shlex.split(image.placed(value)):
        name, _, content = pair.partition("=")
        image.environment[name] = content.replace("$PATH", image.environment["PATH"])
    return "set"


def _workdir(image: Image, value: str) -> str:
    image.workdir = Path(image.placed(value))
    image.workdir.mkdir(parents=True, exist_ok=True)
    if image.user is not None and os.geteuid() == 0:
        os.chown(image.workdir, image.user, image.user)
    return "made"


def _run(image: Image, value: str) -> str:
    """`useradd` would change this machine's /etc/passwd: its user is known by number instead."""
    commands = [command.strip() for command in image.placed(value).split("&&")]
    for command in commands:
        if added := re.search(r"^useradd .*--uid (\d+).* (\w+)$", command):
            image.names[added[2]] = added[1]
    left = [command for command in commands if not command.startswith("useradd ")]
    for name, number in image.names.items():
        left = [re.sub(rf"-o {name}\b", f"-o {number}", command) for command in left]
    done = image.run(["sh", "-c", " && ".join(left) or "true"])
    if done.returncode:
        raise StepFailed(f"exit code {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    not_run = "" if left == commands else "useradd not run, its number is used; the rest "
    return f"{not_run}run: {(done.stdout.strip().splitlines() or ['no output'])[-1][:160]}"


def _copy(image: Image, value: str) -> str:
    words = shlex.split(value)
    if words[0].startswith("--from="):
        same = words[1] == words[2] and Path(image.placed(words[1])).exists()
        if not same:
            raise StepFailed("an environment would be copied to where its scripts do not look for it")
        return "already there: both stages share the folder"
    *sources, target = words
    goal = (image.workdir / image.placed(target)).resolve()
    for source in sources:
        into = goal / Path(source).name if target.endswith(("/", ".")) else goal
        into.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / source, into)
    return f"copied to {goal.relative_to(image.folder)}"


def _user(image: Image, value: str) -> str:
    image.user = int(value)
    return "by setpriv from here on" if os.geteuid() == 0 else "not changed to: this is not run as root"


def _healthcheck(image: Image, value: str) -> str:
    image.health = json.loads(value.partition("CMD")[2])
    return "kept for below"


def _entrypoint(image: Image, value: str) -> str:
    image.entrypoint = json.loads(value)
    return "kept for below"


def _cmd(image: Image, value: str) -> str:
    image.command = json.loads(value)
    return "kept for below"


def _nothing_to_do(_image: Image, _value: str) -> str:
    return "says only what listens where"


def _help(image: Image) -> str:
    done = image.run([*image.entrypoint, "--help"])
    if done.returncode or "usage: octavo" not in done.stdout:
        raise StepFailed(f"{image.entrypoint} --help: {done.stderr[-1000:]}")
    return f"{' '.join(image.entrypoint)} --help, as user {image.user}: ok"


def _runs(image: Image) -> str:
    done = image.run([*image.entrypoint, *image.command])
    if done.returncode:
        raise StepFailed(f"{image.command}: exit code {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    return f"{' '.join([*image.entrypoint, *image.command])}: exit code 0\n{done.stdout.rstrip()}"


def _cannot_write(image: Image) -> str:
    if os.geteuid() != 0:
        return "whether the user can write to the environment: not looked at, for this is not run as root"
    done = image.run(["touch", f"{image.folder}/opt/octavo/written"])
    if done.returncode == 0:
        raise StepFailed("the user can write to /opt/octavo")
    return "the user cannot write to /opt/octavo: ok"


def _is_healthy(image: Image) -> str:
    """The health check fails before `octavo listen` is there, holds while it is, and fails after SIGTERM."""
    if image.run(image.health, 20).returncode == 0:
        raise StepFailed("something else answers on port 8400: stop it first")
    image.environment["OCTAVO_LISTEN_TOKEN"] = secrets.token_urlsafe(24)
    log = image.folder / "listen.log"
    with log.open("w") as output:
        listening = subprocess.Popen(
            image.as_user([*image.entrypoint, "listen", "--schema", "invoice"]), cwd=image.workdir,
            env=image.environment, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            until = time.monotonic() + HEALTHY_WITHIN
            while image.run(image.health, 20).returncode != 0:
                if listening.poll() is not None or time.monotonic() > until:
                    raise StepFailed(f"octavo listen does not get healthy: {log.read_text()[-1500:]}")
                time.sleep(0.5)
        finally:
            listening.terminate()
            code = listening.wait(60)
    if code != 0 or image.run(image.health, 20).returncode == 0:
        raise StepFailed(f"octavo listen ended with {code} on SIGTERM")
    return "octavo listen: the health check holds while it runs and fails after; SIGTERM ends it with exit code 0"


if __name__ == "__main__":
    sys.exit(main())
