"""What each step really opens, as the kernel sees it, is what dvc.yaml declares."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.engines import STEPS, dvc_graph
from helpers.project import ROOT, Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace (Debian's package of that name)"),
]

CALLS = "open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,"
CALLS += "symlinkat,truncate,chmod,fchmodat,mknod,mknodat,connect,sendto,sendmsg,sendmmsg"


class Trace(NamedTuple):
    """What a command did to files in the repository, by paths relative to it, and to the network.

    Attributes:
        listed: folders that it opened.
        read: files that it opened only to read.
        written: files that it opened to write, made, renamed or removed.
        connections: the calls that connected to the network or sent something to it, or tried to.
    """

    listed: set[str]
    read: set[str]
    written: set[str]
    connections: list[str]


def trace(folder: Path, command: list[str], logs: Path) -> Trace:
    """Run a command in the project and see what it does."""
    logs.mkdir()
    strace = ["strace", "-ff", "--seccomp-bpf", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(logs / "log")]
    environment = Project(folder).environment()
    done = subprocess.run([*strace, *command], cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    result = Trace(set(), set(), set(), [])

    def inside(path: str) -> str | None:
        # The scripts and the data are those of the copy; the library is that of the environment, the working tree's.
        for root in (folder, ROOT):
            if (folder / path).is_relative_to(root):
                name = str((folder / path).relative_to(root))
                module = re.fullmatch(r"(.*)__pycache__/(\w+)\.cpython-\d+(\.opt-\d)?\.pyc", name)
                return f"{module[1]}{module[2]}.py" if module else name
        return None

    for log in logs.iterdir():
        for line in log.read_text().splitlines():
            if "sa_family=AF_INET" in line:
                result.connections.append(line)
            call = re.match(r"(\w+)\((.*)\) += \d+(?:<(.*)>)?$", line)
            if not call:  # it failed, or is no call
                continue
            name, arguments, opened = call.groups()
            if name in ("open", "openat", "openat2", "creat"):
                path = inside(opened)
                if path is None:
                    continue
                if "O_DIRECTORY" in arguments:
                    result.listed.add(path)
                elif name == "creat" or re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", arguments):
                    result.written.add(path)
                else:
                    result.read.add(path)
            elif "sa_family" not in arguments:
                paths = [inside(path) for path in re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)]
                result.written.update(path for path in paths if path is not None)
    return result


def undeclared(seen: Trace, inputs: list[str], outputs: list[str]) -> list[str]:
    """What a step did in the repository beyond its declaration, in words."""
    folders = {str(parent) for path in [*inputs, *outputs] for parent in Path(path).parents}

    def declared(path: str) -> bool:
        return any(path == given or path.startswith(f"{given}/") for given in inputs)

    def is_output(path: str) -> bool:
        # A file is written beside its place under a name of its own, and then renamed.
        part = re.fullmatch(r"(.*/)?\.([^/]+)\.[^./]+\.\d+\.tmp", path)
        place = f"{part[1] or ''}{part[2]}" if part else path
        return place in parents or any(place == given or place.startswith(f"{given}/") for given in outputs)

    parents = {str(parent) for path in outputs for parent in Path(path).parents}
    environment = (".venv/",)
    return sorted(
        [f"reads {path}" for path in seen.read if not declared(path) and not path.startswith(environment)]
        + [
            f"lists {path}"
            for path in seen.listed
            if path not in folders
            and not declared(path)
            and not is_output(path)
            and not f"{path}/".startswith(environment)
        ]
        + [f"writes {path}" for path in seen.written if not is_output(path)]
        + seen.connections
    )


@pytest.fixture(scope="module")
def tiny(trained: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return trained.copy(tmp_path_factory.mktemp("undeclared") / "project")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_opens_what_dvc_yaml_declares_and_nothing_else(tiny: Project, tmp_path: Path, step: str) -> None:
    stages = [(outputs, stage) for outputs, stage in dvc_graph(tiny).items() if stage["step"] == step]
    if step == "train":  # one of them without states
        outputs, stage = stages[-1]
        stages[-1] = (outputs, stage | {"command": [word for word in stage["command"] if word != "--stateful"]})
    assert stages
    for number, (outputs, stage) in enumerate(stages):
        seen = trace(tiny.folder, stage["command"], tmp_path / str(number))
        assert undeclared(seen, stage["inputs"], outputs.split()) == []
        # It has been seen at work: it has read its script, and written what it makes.
        assert f"workflow/scripts/{step}.py" in seen.read
        for output in outputs.split():
            assert any(path == output or path.startswith(f"{output}/") for path in seen.written)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("open('params.yaml').read()", "reads params.yaml"),
        ("open('results/other.txt', 'w')", "writes results/other.txt"),
        ("import os; os.mkdir('somewhere')", "writes somewhere"),
        ("import os; os.listdir('tests')", "lists tests"),
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))", "connect("),
        ("import socket; socket.socket(socket.AF_INET6).connect_ex(('::1', 9))", "connect("),
        ("import carryover.series.dataset", "reads src/carryover/series/dataset.py"),
        ("import os; os.remove('README.md')", "writes README.md"),
    ],
)
def test_what_is_not_declared_is_seen(project: Project, tmp_path: Path, code: str, message: str) -> None:
    seen = trace(project.folder, [sys.executable, "-I", "-B", "-c", code], tmp_path / "logs")
    assert any(message in line for line in undeclared(seen, ["README.md"], ["results/verdict.md"]))
