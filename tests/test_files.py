"""Writing files: a file is complete or absent, also after errors and kills."""

import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tutorial_lib.rasters import destinations, files, part_folders
from tutorial_lib.rasters.destinations import (
    check_destination,
    check_folder,
    check_not_input,
)
from tutorial_lib.rasters.files import (
    replacing,
    replacing_folder,
    replacing_together,
    write_bytes,
    write_text,
)
from tutorial_lib.rasters.write_errors import errors_named


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path):
    """A file that is there already."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    return path


# A file is complete or absent


def test_a_file_appears_when_it_is_complete(old):
    with replacing(old) as part:
        part.write_text("half")
        assert part.parent != old.parent
        assert part.name == old.name
        assert old.read_text() == "old"
        part.write_text("whole")
    assert old.read_text() == "whole"
    assert names(old.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_the_old_file_is_kept_and_nothing_is_left(old, error):
    with contextlib.suppress(error), replacing(old) as part:
        part.write_text("half")
        part.with_name("a.txt.aux.xml").write_text("of GDAL")
        raise error
    assert old.read_text() == "old"
    assert names(old.parent) == ["a.txt"]


def test_a_file_that_was_never_written_is_an_error_and_keeps_the_old_one(old):
    other = old.with_name("b.txt")
    with (
        pytest.raises(OSError, match=r"b.txt' could not be written: No such"),
        replacing_together([old, other]) as (part, _),
    ):
        part.write_text("new")
    assert old.read_text() == "old"
    assert names(old.parent) == ["a.txt"]


def test_files_that_belong_together_are_renamed_after_all_are_complete(
    old, monkeypatch
):
    seen = []
    monkeypatch.setattr(
        files, "flush", lambda path: seen.append((path.name, old.read_text()))
    )
    other = old.with_name("b.txt")
    with replacing_together([old, other]) as parts:
        # OGR and GDAL look for sidecar files beside a file.
        assert len({part.parent for part in parts}) == 1
        for part in parts:
            part.write_text("new")
    assert seen == [("a.txt", "old"), ("b.txt", "old")]
    assert (old.read_text(), other.read_text()) == ("new", "new")


def test_files_of_several_folders_are_written_together(tmp_path):
    paths = [tmp_path / "x" / "a.txt", tmp_path / "y" / "a.txt"]
    with replacing_together(paths) as parts:
        for number, part in enumerate(parts):
            part.write_text(str(number))
    assert [path.read_text() for path in paths] == ["0", "1"]
    assert [names(path.parent) for path in paths] == [["a.txt"], ["a.txt"]]


def test_two_files_with_the_same_path_are_refused(old):
    link = old.with_name("link.txt")
    link.symlink_to(old)
    with (
        pytest.raises(ValueError, match=r"same path, '.*a.txt'"),
        replacing_together([old, link]),
    ):
        pass
    assert old.read_text() == "old"


def test_text_is_written_in_utf8_and_bytes_as_they_are(tmp_path):
    assert write_text(tmp_path / "a", "é\n").read_bytes() == b"\xc3\xa9\n"
    assert write_bytes(str(tmp_path / "b"), b"\r\n").read_bytes() == b"\r\n"


def test_a_new_file_keeps_the_permissions_of_the_one_it_replaces(old):
    old.chmod(0o664)
    write_text(old, "new")
    assert old.stat().st_mode & 0o777 == 0o664


def refuse(code):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    return fail


def test_disks_without_permissions_and_flushing_are_written_too(old, monkeypatch):
    monkeypatch.setattr(files.shutil, "copymode", refuse(errno.EPERM))
    monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
    write_text(old, "new")
    assert old.read_text() == "new"


def test_a_disk_that_fails_when_it_is_flushed_keeps_the_old_file(old, monkeypatch):
    monkeypatch.setattr(os, "fsync", refuse(errno.ENOSPC))
    with pytest.raises(OSError, match=r"a.txt' could not be written: No space left"):
        write_text(old, "new")
    assert old.read_text() == "old"
    assert names(old.parent) == ["a.txt"]


# Names, links and working folders


def test_a_link_keeps_pointing_to_its_file(tmp_path):
    real = tmp_path / "disk" / "a.txt"
    real.parent.mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(real)
    for text in ("of a link that leads nowhere", "of a link to a file"):
        write_text(link, text)
        assert link.is_symlink()
        assert real.read_text() == text
    assert names(real.parent) == ["a.txt"]


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, f"a.{'x' * 253}", ".hidden"])
def test_names_may_be_as_long_as_the_system_allows(tmp_path, name):
    write_text(tmp_path / name, "new")
    with replacing_folder(tmp_path / "folder" / name) as part:
        (part / name).write_text("new")
    assert (tmp_path / name).read_text() == "new"
    assert names(tmp_path / "folder" / name) == [name]


def test_a_relative_path_means_the_working_folder_of_the_beginning(
    tmp_path, monkeypatch
):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    with replacing("new/a.txt") as part, replacing_folder("folder"):
        monkeypatch.chdir(there)
        part.write_text("new")
    assert (here / "new" / "a.txt").read_text() == "new"
    assert names(here) == ["folder", "new"]
    assert names(there) == []


# Folders


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "new" / "folder"
    for name in "ab":
        with replacing_folder(target) as part:
            assert names(part) == []
            (part / "in").mkdir()
            (part / "in" / name).write_text(name)
        assert names(target / "in") == [name]
    assert names(target.parent) == ["folder"]


def test_after_an_error_the_old_folder_is_kept(tmp_path, monkeypatch):
    target = tmp_path / "folder"
    target.mkdir()
    (target / "a").write_text("old")
    with contextlib.suppress(KeyboardInterrupt), replacing_folder(target):
        raise KeyboardInterrupt
    rename = Path.rename

    def fail_at_the_end(self, place):
        if self.parent.name == "new":
            raise OSError(errno.EIO, "the disk is broken")
        return rename(self, place)

    monkeypatch.setattr(Path, "rename", fail_at_the_end)
    with pytest.raises(OSError, match=r"folder' could not .* broken"):  # noqa: SIM117
        with replacing_folder(target) as part:
            (part / "a").write_text("new")
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["folder"]


def test_a_file_is_not_replaced_by_a_folder(old):
    with pytest.raises(OSError, match=r"a.txt' is not a folder"), replacing_folder(old):
        pass
    assert old.read_text() == "old"


# Parts of other processes


def another_process(code, *words, **options):
    """Start a Python that has the module `files`; it ends with the code."""
    code = f"import os, sys, time\nfrom tutorial_lib.rasters import files\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


WRITING = """
with files.replacing(sys.argv[1]) as part:
    part.write_text('half')
    print('writing', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(old):
    """A process that writes the old file anew, and does not come to the end."""
    process = another_process(WRITING, old)
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_part_of_a_living_process_is_left_alone(old, writer):
    write_text(old.with_name("b.txt"), "new")
    assert len(names(old.parent)) == 3
    os.kill(writer.pid, signal.SIGSTOP)
    write_text(old, "new")
    assert len(names(old.parent)) == 3


@pytest.mark.parametrize("end", ["killed", "killed and not yet waited for"])
def test_the_part_of_a_dead_process_is_removed_at_once(old, writer, end):
    writer.kill()
    if end == "killed":
        writer.wait()
    else:
        writer.stdout.read()
    assert len(names(old.parent)) == 2
    write_text(old.with_name("b.txt"), "new")
    assert names(old.parent) == ["a.txt", "b.txt"]
    assert old.read_text() == "old"


def part_of(folder, name):
    """A part folder with a file in it and this name, as a dead process leaves it."""
    part = folder / name
    (part / "new").mkdir(parents=True)
    (part / "new" / "a.txt").write_text("half")
    return part


def name_of_part(machine=None, process=1, token="0123abcd"):
    machine = machine or part_folders._this_machine()
    return f".part-{machine}-{process}-{token}"


@pytest.mark.parametrize(
    "process",
    [1, os.getpid(), os.getppid(), 4_000_000],
    # Numbers differ from run to run, and names of tests may not.
    ids=["the first", "this one", "its parent", "a free number"],
)
def test_the_number_of_a_dead_process_may_have_been_given_to_another(old, process):
    # In containers, every run has the same number.
    part_of(old.parent, name_of_part(process=process))
    write_text(old, "new")
    assert names(old.parent) == ["a.txt"]


def test_another_name_of_the_machine_is_the_same_machine(old, writer, monkeypatch):
    # Containers that share a disk share the locks, but each has another name.
    monkeypatch.setattr(socket, "gethostname", lambda: "container-2")
    part_folders._this_machine.cache_clear()
    write_text(old, "new")
    assert len(names(old.parent)) == 2
    writer.kill()
    writer.wait()
    write_text(old, "new")
    assert names(old.parent) == ["a.txt"]


@pytest.mark.parametrize("age_h", [1, 23, 25])
def test_parts_of_other_machines_are_removed_after_a_day_without_change(old, age_h):
    part = part_of(old.parent, name_of_part(machine="00000000"))
    then = time.time() - 3600 * age_h
    # A long run writes into a file, which does not change its folder.
    os.utime(part, (then - 10**6, then - 10**6))
    os.utime(part / "new", (then - 10**6, then - 10**6))
    os.utime(part / "new" / "a.txt", (then, then))
    write_text(old, "new")
    assert part.exists() == (age_h < 24)


def test_without_locks_parts_are_removed_after_a_day(old, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(part_folders.fcntl, "flock", no_locks)
    young = part_of(old.parent, name_of_part())
    aged = part_of(old.parent, name_of_part(token="aaaaaaaa"))
    then = time.time() - 25 * 3600
    for path in [*aged.rglob("*"), aged]:
        os.utime(path, (then, then))
    # The attempt to lock must not make it young again.
    write_text(old, "new")
    assert young.exists()
    assert not aged.exists()
    assert old.read_text() == "new"


def test_without_fcntl_the_number_of_the_process_is_asked(old, monkeypatch):
    monkeypatch.setattr(part_folders, "fcntl", None)
    living = part_of(old.parent, name_of_part(process=os.getpid()))
    dead = part_of(old.parent, name_of_part(process=2**22 + 1))
    write_text(old, "new")
    assert (living.exists(), dead.exists()) == (True, False)


def test_a_part_that_cannot_be_removed_does_not_keep_the_others(old, monkeypatch):
    parts = [part_of(old.parent, name_of_part(token=t * 8)) for t in "abc"]
    lock = part_folders._lock

    def not_mine(folder):
        if folder == parts[0]:
            raise PermissionError(errno.EACCES, "of another user")
        return lock(folder)

    monkeypatch.setattr(part_folders, "_lock", not_mine)
    write_text(old, "new")
    assert [part.exists() for part in parts] == [True, False, False]


def test_files_of_users_are_not_taken_for_parts(tmp_path):
    mine = [".part-mine", ".part-1-2-3", ".a.part-0123abcd-1-0123abcd", "part-x"]
    for name in mine:
        (tmp_path / name).mkdir()
    write_text(tmp_path / "a", "new")
    assert names(tmp_path) == sorted(["a", *mine])


def test_a_folder_is_put_back_if_its_writer_was_killed_between_two_steps(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    (target / "a").write_text("old")
    code = """
from pathlib import Path
rename = Path.rename
Path.rename = lambda a, b: os.kill(os.getpid(), 9) if a.parent.name == 'new' else \
rename(a, b)
with files.replacing_folder(sys.argv[1]) as part:
    (part / 'a').write_text('new')
"""
    with another_process(code, target) as process:
        assert process.wait() == -signal.SIGKILL
    assert not target.exists()
    write_text(tmp_path / "b", "new")
    assert names(tmp_path) == ["b", "folder"]
    assert (target / "a").read_text() == "old"


def test_a_newer_folder_is_not_replaced_by_the_one_that_was_put_aside(tmp_path):
    part = part_of(tmp_path, name_of_part())
    (part / "old" / "folder").mkdir(parents=True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("newer")
    write_text(tmp_path / "b", "new")
    assert names(tmp_path) == ["b", "folder"]
    assert names(tmp_path / "folder") == ["a"]


def test_a_part_removed_before_it_was_locked_is_made_again(old, monkeypatch):
    lock, attempts = part_folders._lock, []

    def after_a_cleaner(folder):
        attempts.append(folder)
        if len(attempts) == 1:
            folder.rmdir()
        if len(attempts) == 2:
            raise BlockingIOError
        return lock(folder)

    monkeypatch.setattr(part_folders, "_lock", after_a_cleaner)
    write_text(old, "new")
    assert len(set(attempts)) == 3
    assert old.read_text() == "new"


# Several writers


def test_of_two_writers_of_one_file_the_last_one_wins(old):
    with replacing(old) as first, replacing(old) as second:
        first.write_text("first")
        second.write_text("second")
    assert old.read_text() == "first"
    assert names(old.parent) == ["a.txt"]


def test_many_threads_write_whole_files(old):
    texts = [str(number) * 100_000 for number in range(8)]
    seen, errors = set(), []

    def write_often(text):
        try:
            for _ in range(20):
                write_text(old, text)
                seen.add(old.read_text())
        except Exception as err:
            errors.append(err)

    threads = [threading.Thread(target=write_often, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seen <= set(texts)
    assert names(old.parent) == ["a.txt"]


@pytest.mark.slow
def test_many_processes_write_whole_files(old):
    code = "for _ in range(40): files.write_text(sys.argv[1], sys.argv[2] * 200_000)"
    processes = [another_process(code, old, letter) for letter in "abcd"]
    seen = set()
    while any(process.poll() is None for process in processes):
        seen.add(old.read_text())
    for process in processes:
        with process:
            assert process.returncode == 0
    assert seen <= {"old", *(letter * 200_000 for letter in "abcd")}
    assert len(seen) > 2
    assert names(old.parent) == ["a.txt"]


def test_a_forked_child_that_ends_does_not_free_the_lock(old):
    with replacing(old) as part:
        part.write_text("new")
        child = another_process("files.write_text(sys.argv[1], 'child')", old)
        with child:
            assert child.wait() == 0
        assert part.exists()
    assert old.read_text() == "new"


# What cannot be written


@contextlib.contextmanager
def as_somebody():
    """Not as root, who may write everywhere; the checks ask for the real user."""
    if os.getuid():
        yield
        return
    os.setreuid(65534, 0)
    try:
        yield
    finally:
        os.setreuid(0, 0)


def open_to_all(tmp_path):
    """pytest's folders are for their owner only."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o111)


def test_what_may_not_be_written_is_refused_before_any_work(tmp_path):
    open_to_all(tmp_path)
    file, folder = tmp_path / "a.txt", tmp_path / "folder"
    file.write_text("old")
    file.chmod(0o444)
    folder.mkdir()
    folder.chmod(0o555)
    with as_somebody():
        with pytest.raises(PermissionError, match=r"a.txt' may not be changed"):
            check_destination(file)
        for path in (folder / "b.txt", folder / "new" / "b.txt"):
            with pytest.raises(PermissionError, match=r"folder' may not be written"):
                check_destination(path)
        with pytest.raises(PermissionError, match=r"folder' may not be written"):
            check_folder(folder / "new")
        with pytest.raises(PermissionError, match=r"folder' may not be written"):
            check_folder(folder)
    assert names(folder) == []


@pytest.mark.parametrize("check", [check_destination, check_folder])
@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/a.tif",
        "https://example.org/a.tif",
        "/vsimem/a.tif",
        "/vsis3/bucket/a.tif",
        # pathlib makes one slash of two.
        Path("s3://bucket/a.tif"),
        "file:///tmp/a.tif",
    ],
)
def test_addresses_are_refused(tmp_path, monkeypatch, check, address):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="of this machine"):
        check(address)
    assert names(tmp_path) == []


@pytest.mark.parametrize("check", [check_destination, check_folder])
@pytest.mark.parametrize("value", [None, 3, b"a.tif", ["a.tif"]])
def test_what_is_no_path_is_a_type_error(check, value):
    with pytest.raises(TypeError, match=r"Give the path of a file\."):
        check(value)


@pytest.mark.parametrize("check", [check_destination, check_folder])
@pytest.mark.parametrize("value", ["", "a\0b"])
def test_an_impossible_path_is_a_value_error(check, value):
    with pytest.raises(ValueError, match="Give the path"):
        check(value)


@pytest.mark.parametrize("check", [check_destination, check_folder])
@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("n" * 256, "File name too long"),
        ("circle", "Too many levels of symbolic links"),
        ("file/a.txt", r"file' is not a folder"),
        ("file/new/a.txt", r"cannot be made, because '[^']*file' is not a folder"),
    ],
)
def test_names_that_cannot_be_are_refused(tmp_path, check, name, match):
    (tmp_path / "file").write_text("")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(OSError, match=match):
        check(tmp_path / name)


def test_a_file_in_the_place_of_a_folder_is_named_once(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    sentence = f"'{file}' is not a folder. Choose another folder."
    for check, path in ((check_destination, file / "a.txt"), (check_folder, file)):
        with pytest.raises(NotADirectoryError, match=f"^{re.escape(sentence)}$"):
            check(path)


@pytest.mark.parametrize("check", [check_destination, check_folder])
@pytest.mark.parametrize("end", ["\n", "\r", "\u2028"])
def test_names_with_line_breaks_are_refused_in_one_line(tmp_path, check, end):
    with pytest.raises(ValueError, match=r"rename it\.$") as caught:
        check(tmp_path / f"a{end}b")
    assert len(str(caught.value).splitlines()) == 1


def test_folders_and_devices_are_no_files(tmp_path):
    for path in (tmp_path, f"{tmp_path}/new/", "."):
        with pytest.raises(ValueError, match="is a folder"):
            check_destination(path)
    with pytest.raises(ValueError, match="'/dev/null' is a device"):
        check_destination("/dev/null")


def test_a_folder_of_windows_is_no_address():
    assert destinations._ADDRESS.match("C:/data/a.tif") is None
    assert destinations._ADDRESS.match("vsimem/a.tif") is None
    assert destinations._ADDRESS.match("a:b.tif") is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_an_error_of_the_disk_names_the_file_and_the_cure(old, code):
    why = os.strerror(code)
    with (
        pytest.raises(OSError, match=rf"a.txt' could not be written: {why}\. .* space"),
        replacing(old),
    ):
        raise OSError(code, why)
    assert old.read_text() == "old"
    assert names(old.parent) == ["a.txt"]


def test_an_error_of_reading_stays_as_it_is(old):
    with (
        pytest.raises(FileNotFoundError, match=r"no\.txt") as caught,
        replacing(old),
    ):
        Path("no.txt").read_text()
    assert "could not be written" not in str(caught.value)


def test_an_error_is_explained_once(old):
    with pytest.raises(OSError, match="No space") as caught:  # noqa: SIM117
        with errors_named("b.txt"), replacing(old), errors_named(old):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value).count("could not be written") == 1
    assert str(caught.value).startswith(f"'{old}'")
    assert caught.value.__cause__ is not caught.value


# Inputs are not destroyed


def test_an_input_is_recognised_under_each_of_its_names(tmp_path, monkeypatch):
    source = tmp_path / "in" / "a.tif"
    source.parent.mkdir()
    source.write_text("")
    monkeypatch.chdir(tmp_path)
    for name, make in (("soft", "symlink_to"), ("hard", "hardlink_to")):
        getattr(tmp_path / name, make)(source)
    (tmp_path / "other_in").symlink_to(source.parent)
    for path in ("in/a.tif", "in/../in/a.tif", "soft", "hard", "other_in/a.tif", "in"):
        with pytest.raises(ValueError, match="is also an input"):
            check_not_input(path, [source])
        with pytest.raises(ValueError, match="is also an input"):
            check_not_input(source, ["b.tif", path])
    check_not_input("in/b.tif", [source])


@pytest.mark.parametrize(
    "name",
    [
        "/vsizip/{here}/a.zip/in/a.tif",
        "/vsizip//vsitar/{here}/a.zip/b.tar",
        "/vsigzip/{here}/a.zip",
        "/vsizip/a.zip/a.tif",
    ],
)
def test_an_archive_is_an_input(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"'a\.zip' is also an input"):
        check_not_input("a.zip", [name.format(here=tmp_path)])


def test_an_address_is_no_file_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_not_input("a.tif", ["https://example.org/a.tif", "s3://bucket/a.tif"])
