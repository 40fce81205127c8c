# SPDX-License-Identifier: GPL-2.0-only
"""What the guest tests share: verdict lines as tests/run reads them, compiling, running, reading pprof files."""
import atexit
import gzip
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from programs import compiled

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, 'tests/guest')
MACHINE = os.uname().machine
WORK = tempfile.mkdtemp(prefix='tickprof-test.')
os.chmod(WORK, 0o755)  # tests run programs as other users
atexit.register(shutil.rmtree, WORK, True)
# What the kernel calls its entry for system calls, and the vDSO its clock.
SYSCALL, VDSO_CLOCK = {'x86_64': ('do_syscall_64', '__vdso_clock_gettime'), 'aarch64': ('el0_svc', '__kernel_clock_gettime')}[MACHINE]
# How many times slower the kernel may be than a stock one: a factor for time limits, never for what is measured.
SLOW = int(os.environ.get('TICKPROF_SLOW', '1'))
# The same for a clock that leaps while the guest waits for this machine's files.
PATIENCE = SLOW * int(os.environ.get('TICKPROF_LEAP', '1'))
_failed = False


def check(name, good, why=''):
    """One verdict; why is printed with a failure, and with success after it, as the figure that was bound."""
    global _failed
    if good:
        print(f'ok {name}' + (f': {why}' if why else ''), flush=True)
    else:
        _failed = True
        print(f'not ok {name}: {why}', flush=True)
    return good


def within(name, value, low, high, unit=''):
    return check(name, low <= value <= high, f'{value:.6g}{unit}, bounds {low:.6g} to {high:.6g}')


def equal(name, value, wanted):
    return check(name, value == wanted, f'{value!r}' if value == wanted else f'{value!r}, wanted {wanted!r}')


def finish():
    sys.exit(1 if _failed else 0)


def want_loopback(name):
    """Ends the test, which needs TCP within the machine, where the kernel has none, as the debug kernels."""
    try:
        socket.socket().close()
    except OSError as error:
        print(f'skip {name}: no TCP in this kernel ({error})', flush=True)
        sys.exit(0)


def path(name):
    return os.path.join(WORK, name)


def local_copy(program, name=None):
    """A copy on the guest's own file system: starts faster, and may be deleted."""
    copy = path(name or os.path.basename(program))
    shutil.copy2(program, copy)
    return copy


def run(*command, **options):
    options.setdefault('timeout', 100 * PATIENCE)
    return subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, **options)


def find_module():
    """The file that the harness loaded, or what modprobe would take."""
    try:
        text = open('/run/vm/run.conf').read()
        found = next(line.split('=', 1)[1].strip().strip("' ") for line in text.splitlines() if line.startswith('module='))
    except (OSError, StopIteration):
        found = run('modinfo', '-n', 'tickprof').stdout.strip()
    return found if os.path.exists(found) else None


def start_busy(work, processes, nice=0):
    """`work busy`, once all its processes compute."""
    busy = subprocess.Popen([work, 'busy', str(processes), '1000'], preexec_fn=lambda: os.nice(nice))
    while int(open('/proc/loadavg').read().split()[3].split('/')[0]) < processes:  # that can run
        time.sleep(0.1)
    return busy


def cycle_counter():
    """What a sampler's time is charged in: cycles a second, and how many a CPU may save up or owe (kmod/arch_*.h)."""
    hz = int(run(compiled('cycles')).stdout)
    return hz, {'x86_64': 4 << 20, 'aarch64': hz >> 10}[MACHINE]


# Source lines and inlined calls, for which debug files are read, are for tests/unit and tests/golden.
RECORD = 'tickprof', 'record', '--no-lines'


class Recording:
    """A finished `tickprof record`: .profile, .status, .out, .err, and the numbers of its closing line."""

    def __init__(self, *arguments, name='p.pb.gz', **options):
        self.file = path(name)
        done = run(*RECORD, '-o', self.file, *arguments, **options)
        self._take(done.returncode, done.stdout, done.stderr)

    def _take(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        closing = re.search(r'captured (?:(\d+) samples)?(?:, )?(?:(\d+) waits)? \((\d+) lost, (\d+) truncated\)', err)
        self.samples, self.waits, self.lost, self.truncated = (int(n or 0) for n in closing.groups()) if closing else (0, 0, 0, 0)
        readable = closing and self.file.endswith('.gz')
        self.profile = Profile(self.file) if readable else None
        self.missed = self.comment(r'(\d+) ticks passed unserved')
        if status:
            print(f'    record ended with status {status}: {err.strip()}', flush=True)

    def comment(self, pattern):
        """The number that a comment of the profile tells, 0 if it tells none."""
        found = re.search(pattern, '\n'.join(self.profile.comments)) if self.profile else None
        return int(found.group(1)) if found else 0


class Background(Recording):
    """The same while it runs; stop() ends it with a signal and waits."""

    def __init__(self, *arguments, name='p.pb.gz'):
        self.file = path(name)
        self.process = subprocess.Popen([*RECORD, '-o', self.file, *map(str, arguments)], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def stop(self, number=2):
        if number:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60 * PATIENCE)
        self._take(self.process.returncode, out, err)
        return self


def wait_running(sessions=1, seconds=20):
    """Until so many sessions run."""
    end = time.time() + seconds * PATIENCE
    while time.time() < end:
        status = status_json()
        if sum(s['state'] == 'running' for s in status['sessions']) >= sessions:
            return status
        time.sleep(0.1)
    raise RuntimeError(f'{sessions} running sessions did not appear in {seconds} s')


def status_json():
    return json.loads(run('tickprof', 'status', '--json').stdout)


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _fields(data):
    """(number, value) of each field of a protobuf message: an int, or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        size, at = _varint(data, at)
        if key & 7 == 2:
            yield key >> 3, data[at:at + size]
            at += size
        else:
            yield key >> 3, size


def _numbers(value):
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(number)
    return found


class Sample:
    __slots__ = ('count', 'frames', 'labels')

    def __init__(self, count, frames, labels):
        self.count, self.frames, self.labels = count, frames, labels

    def has_chain(self, *names):
        """These functions in this order, root first, nothing between them."""
        down = self.frames[::-1]
        return any(down[i:i + len(names)] == list(names) for i in range(len(down) - len(names) + 1))


class Profile:
    """A pprof file: .samples (frames leaf first, '' where there is no name), .comments, .files of mappings."""

    def __init__(self, file):
        data = gzip.open(file).read()
        parts = {}
        for field, value in _fields(data):
            parts.setdefault(field, []).append(value)
        self.strings = [s.decode() for s in parts[6]]
        self.duration = parts.get(10, [0])[0]
        functions = {}
        for raw in parts.get(5, ()):
            message = dict(_fields(raw))
            functions[message[1]] = self.strings[message.get(2, 0)]
        self.comments = [self.strings[i] for value in parts.get(13, ()) for i in _numbers(value)]
        self.files = [self.strings[dict(_fields(raw)).get(5, 0)] for raw in parts.get(3, ())]
        locations = {}
        for raw in parts.get(4, ()):
            lines = [dict(_fields(value)) for field, value in _fields(raw) if field == 4]
            locations[dict(_fields(raw))[1]] = [functions.get(line.get(1), '') for line in lines] or ['']
        self.samples = [self._sample(raw, locations) for raw in parts.get(2, ())]

    def _sample(self, raw, locations):
        frames, labels, count = [], {}, None
        for field, value in _fields(raw):
            if field == 1:
                for number in _numbers(value):
                    frames += locations[number]
            elif field == 2 and count is None:
                count = _numbers(value)[0]
            elif field == 3:
                label = dict(_fields(value))
                labels[self.strings[label[1]]] = self.strings[label[2]] if 2 in label else label.get(3, 0)
        return Sample(count or 0, frames, labels)

    def count(self, wanted=lambda sample: True):
        return sum(s.count for s in self.samples if wanted(s))

    def comms(self, key='comm'):
        found = {}
        for s in self.samples:
            found[s.labels.get(key)] = found.get(s.labels.get(key), 0) + s.count
        return found


def share_error(share, n, sigmas=4.5):
    """Half the width of the interval in which the share of n samples lies, but once in 150,000 tries."""
    return sigmas * math.sqrt(share * (1 - share) / max(n, 1))


def proc_stat():
    """(busy, idle) seconds of all CPUs since boot."""
    ticks = list(map(int, open('/proc/stat').readline().split()[1:9]))
    hz = os.sysconf('SC_CLK_TCK')
    return (sum(ticks) - ticks[3] - ticks[4]) / hz, (ticks[3] + ticks[4]) / hz
