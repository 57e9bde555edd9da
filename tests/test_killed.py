"""A killed run and a full disk: what was there stays, or what is new is whole."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from killing import COMMANDS

# Space of the small disk, in MB.
DISK_MB = 3

pytestmark = pytest.mark.thorough


class Server:
    """A process that runs commands in forks; see `killing`."""

    def __init__(self, repository, inputs):
        self.inputs = str(inputs)
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("killing.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": str(repository)},
        )

    def ask(self, job, **request):
        request = {"job": job, "inputs": self.inputs, **request}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in (answer if isinstance(answer, dict) else {}), answer
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server(repository, tmp_path_factory):
    server = Server(repository, tmp_path_factory.mktemp("killing") / "inputs")
    try:
        assert server.ask("prepare") == 0
        yield server
    finally:
        server.close()


# Half of the kills come anywhere, half of them where files get their names.
@pytest.mark.slow
@pytest.mark.parametrize("kills", [6, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_run_leaves_the_old_files_or_whole_ones(server, tmp_path, name, kills):
    answer = server.ask("killed", name=name, out=str(tmp_path), _kills=kills)
    assert answer["count"] > 20
    assert len(answer["kills"]) == kills
    for kill in answer["kills"]:
        assert kill["status"] in (0, 9), kill
        # `sample` makes nothing if all is there, so it may not come to the moment.
        assert set(kill["states"]) <= {"old", "absent", "whole"}, kill
    assert any(kill["status"] == 9 for kill in answer["kills"])
    assert (answer["code"], answer["parts"]) == (0, []), answer["said"]
    assert set(answer["final"]) <= {"old", "whole"}


@pytest.fixture(scope="session")
def small_disk(tmp_path_factory):
    """A disk of a few MB, and True; a folder and False where none can be mounted."""
    folder = tmp_path_factory.mktemp("small")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", folder]
    try:
        mounted = not subprocess.run(
            command, capture_output=True, check=False
        ).returncode
    except FileNotFoundError:
        mounted = False
    yield folder, mounted
    if mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_one_sentence_and_the_old_files_stay(server, small_disk, name):
    folder, mounted = small_disk
    out = folder / str(list(COMMANDS).index(name))
    out.mkdir()
    try:
        runs = server.ask("full", name=name, out=str(out), _fill=mounted)
    finally:
        shutil.rmtree(out)
    assert len(runs) == 2
    for run in runs:
        assert run["code"] == 1, run
        assert run["same"], run
        assert run["parts"] == []
        sentence = run["said"].strip()
        assert sentence.count("\n") == 0, run
        assert "could not be written" in sentence
        assert sentence.endswith((".", "`."))
        assert os.strerror(28) in sentence or not mounted, run
