# SPDX-License-Identifier: MIT
"""Plays that are lines of text, played by workers, made shorter when they fail: for `sequence` here and t/model/stories.

A Tool names how such lines are drawn, checked and played; main() of this module is the rest of the program.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback

from helpers import Cluster, Servers, prepare_environment
from shrink import shrink

HERE = os.path.dirname(os.path.abspath(__file__))
servers = tool = None  # of this worker
ignored = None  # a pattern: what is known already


class Violation(Exception):
    """What is wrong, a line each; the first says what it is about."""

    def __init__(self, lines):
        super().__init__("\n".join(lines))
        self.lines = lines

    @property
    def kind(self):
        return self.lines[0].split(":")[0]


class Tool:
    """What plays lines. name: the program, from the top of the tree; kinds: of worlds."""

    name, noun, plural, kinds = "", "", "", ()

    def draw(self, seed, number, kinds):
        """The line of that number."""
        raise NotImplementedError

    def check(self, text):
        """ValueError when the line is none."""
        raise NotImplementedError

    def play(self, text, folder, with_servers, say):
        """Violation when something is wrong."""
        raise NotImplementedError

    def needs_postgres(self, text):
        return False


def unknown(problems):
    """Those that nobody asked to ignore."""
    return [p for p in problems if not (ignored and ignored.search(p))]


def default_folder():
    """In memory where there is room for it."""
    shared = "/dev/shm"
    if os.path.isdir(shared) and os.access(shared, os.W_OK):
        info = os.statvfs(shared)
        if info.f_bavail * info.f_frsize > 1 << 30:
            return shared
    return os.environ.get("TMPDIR", "/tmp")


def leave(*_):
    """Told to end: workers first, which would go on to play all that is left."""
    for worker in multiprocessing.active_children():
        worker.terminate()
    sys.exit(143)


def begin_worker(build, base, numbers):
    global servers
    signal.signal(signal.SIGTERM, lambda *_: (servers and servers.end(), os._exit(143)))
    with numbers.get_lock():
        numbers.value += 1
        servers = Servers(build, base, numbers.value)
    multiprocessing.util.Finalize(None, servers.end, exitpriority=10)


def play(text, folder, say=None):
    """(kind of failure or None, what was said)."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        tool.play(text, folder, servers, say)
    except Violation as violation:
        return violation.kind, str(violation)
    except Exception:  # pylint: disable=broad-except
        return "broken", traceback.format_exc()
    return None, ""


def one(number, text, base, keep, whole):
    """In a worker: (number, text, kind, what was said, the short line)."""
    folder = os.path.join(base, f"{tool.noun}-{number}")
    kind, said = play(text, folder)
    short = None
    if kind and kind != "broken" and not whole:
        short = shrink(text, lambda t: play(t, folder + "-short")[0])
        if short:
            kept = []
            again = play(short, folder + "-short", kept.append)
            said = "\n".join(kept + [again[1] or said])
    if not (kind and keep):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder + "-short", ignore_errors=True)
    return number, text, kind, said, short


def tell(result, tap, whole):
    number, text, kind, said, short = result
    if kind is None:
        print(f"ok {number} - {text}" if tap else f"{number}: {text}: well", flush=True)
        return
    lines = [f"not ok {number} - {text}" if tap else f"{number}: {text}: FAILED: {kind}"]
    lines += ["# " + line for line in said.splitlines()]
    lines.append(f"# again: {tool.name} --play '{short or text}'")
    if not short and not whole:
        lines.append("# it did not fail when it was played again: threads met in another order")
    print("\n".join(lines), flush=True)


def kinds_of(text):
    kinds = text.split(",")
    if not set(kinds) <= set(tool.kinds):
        raise argparse.ArgumentTypeError(f"worlds are {', '.join(tool.kinds)}")
    return kinds


def parse_arguments(summary):
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help=f"number of the first {tool.noun} of the seed")
    parser.add_argument("--world", type=kinds_of, metavar="KIND,...", help="one or more of " + ", ".join(tool.kinds))
    parser.add_argument("--play", metavar=tool.noun.upper())
    parser.add_argument("--times", type=int, default=1, help="play it so often")
    parser.add_argument("--whole", action="store_true", help="do not look for the fewest steps")
    parser.add_argument("--stop", action="store_true", help="after the first that fails")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--ignore", type=re.compile, metavar="PATTERN", help="what is known already")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--folder", default=default_folder())
    build = os.path.join(HERE, "../../build")
    parser.add_argument("--build", default=os.environ.get("MIGRATE_BUILD", build))
    return parser.parse_args()


def texts_of(arguments):
    if arguments.play:
        return [(n, arguments.play) for n in range(1, arguments.times + 1)]
    numbers = range(arguments.first, arguments.first + arguments.count)
    return [(n, tool.draw(arguments.seed, n, arguments.world)) for n in numbers]


def play_all(arguments, texts, base):
    build, numbers = os.path.abspath(arguments.build), multiprocessing.Value("i", 0)
    failed = broken = 0
    with concurrent.futures.ProcessPoolExecutor(
        max_workers=max(1, min(arguments.jobs, len(texts))),
        initializer=begin_worker, initargs=(build, base, numbers),
    ) as pool:
        jobs = [pool.submit(one, n, t, base, arguments.keep, arguments.whole) for n, t in texts]
        for job in concurrent.futures.as_completed(jobs):
            result = job.result()
            failed += result[2] is not None
            broken += result[2] == "broken"
            tell(result, arguments.tap, arguments.whole)
            if failed and arguments.stop:
                pool.shutdown(wait=True, cancel_futures=True)
                break
    if not arguments.tap:
        print(f"{len(texts)} {tool.plural}, {failed} failed")
    return 2 if broken else 1 if failed else 0


def play_one(arguments, text, base):
    """By hand: what happens is said as it happens."""
    global servers
    servers = Servers(os.path.abspath(arguments.build), base, 1)
    folder = os.path.join(base, tool.noun)
    try:
        kind, said = play(text, folder, print)
    finally:
        servers.end()
    print(said if kind else "well")
    return 0 if kind is None else 2 if kind == "broken" else 1


def main(its_tool, summary):
    """The program: its exit status."""
    global tool, ignored
    tool = its_tool
    signal.signal(signal.SIGTERM, leave)
    arguments = parse_arguments(summary)
    ignored = arguments.ignore
    texts = texts_of(arguments)
    try:
        for _, text in texts:
            tool.check(text)
    except ValueError as problem:
        raise SystemExit(f"{os.path.basename(tool.name)}: {problem}") from None
    if arguments.list:
        print("\n".join(f"{n}: {t}" for n, t in texts))
        return 0
    prepare_environment(os.path.abspath(arguments.build))
    base = tempfile.mkdtemp(prefix=f"{tool.plural}-", dir=arguments.folder)
    cluster = Cluster(base) if any(tool.needs_postgres(t) for _, t in texts) else None
    try:
        if arguments.play and arguments.times == 1:
            return play_one(arguments, arguments.play, base)
        return play_all(arguments, texts, base)
    finally:
        if cluster:
            cluster.end()
        if arguments.keep:
            print(f"# kept: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)
