# SPDX-License-Identifier: GPL-2.0-only
"""What the storms share: background noise that never stops, and the state that every storm must leave behind.

A storm prints verdicts as all tests do, and "tally NAME N" for what it did N times; tests/storm/run adds those up.
"""
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'guest'))

import raw  # noqa: E402
from lib import check, equal, find_module, local_copy, run  # noqa: E402
from programs import compiled  # noqa: E402
from state import set_online, vmalloc_bytes, wait_free  # noqa: E402

CPUS = os.cpu_count()
SCALE = float(os.environ.get('TICKPROF_STORM_SCALE', '1'))  # of all counts
work = local_copy(compiled())


def times(count):
    return max(3, round(count * SCALE))


def tally(name, count):
    print(f'tally {name} {count}', flush=True)


class Noise:
    """A child that repeats step(rng) until it is stopped."""

    def __init__(self, step, seed=1):
        read, write = os.pipe()
        self.pid, self.count = os.fork(), read
        if not self.pid:
            os.close(read)
            os.setpgid(0, 0)
            rng, rounds, going = random.Random(seed), 0, [True]
            signal.signal(signal.SIGTERM, lambda *_: going.clear())
            while going:
                step(rng)
                rounds += 1
            os.write(write, str(rounds).encode())
            os._exit(0)
        os.close(write)

    def stop(self):
        """How often it went round."""
        os.kill(self.pid, signal.SIGTERM)
        rounds = int(os.read(self.count, 64) or 0)
        os.close(self.count)
        os.waitpid(self.pid, 0)
        return rounds


def toggle_cpu(rng):
    """Any CPU but the first leaves and returns."""
    cpu = rng.randrange(1, CPUS)
    set_online(cpu, False)
    time.sleep(rng.uniform(0, 0.1))
    set_online(cpu, True)
    time.sleep(rng.uniform(0, 0.2))


def fork_storm(_):
    run(work, 'forks', 50)


def thread_storm(_):
    run(work, 'pthreads', 50)


def exec_storm(_):
    run(work, 'spawn', 10, work, 1)


def task_storm(rng):
    rng.choice((fork_storm, thread_storm, exec_storm))(rng)


def leaves_nothing(name):
    """No session, no reference, no memory; and the module can go and come back."""
    equal(f'{name}-no-session-left', raw.Netlink().info()['sessions'], 0)
    equal(f'{name}-no-reference-left', wait_free(), 0)
    equal(f'{name}-no-vmalloc-left', vmalloc_bytes(), 0)
    module = find_module()
    done = run('rmmod', 'tickprof')
    check(f'{name}-unloads', done.returncode == 0, done.stderr.strip() or 'gone')
    equal(f'{name}-loads-again', run('insmod', module).returncode, 0)


def busy(processes):
    return subprocess.Popen([work, 'busy', str(processes), '10000'], preexec_fn=lambda: os.nice(19))
