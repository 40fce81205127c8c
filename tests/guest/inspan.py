# SPDX-License-Identifier: GPL-2.0-only
"""Programs whose ids tell whose they are (span.c), run under a session that knows where their context is; shared by the tests
of contexts."""
import json
import os
import struct
import subprocess
import time

from lib import SLOW, check, equal, run
from raw import F, F_DEFAULT, Session, Stream

CONTEXT = F_DEFAULT | F['CONTEXT']
KINDS = {'absent': 0, 'static': 1, 'dtv': 2}
LOOKS = ('READ', 'NONE', 'ABSENT', 'UNKNOWN', 'INVALID', 'FAULT')
MASK = (1 << 64) - 1


def mix(x):
    x ^= x >> 31
    x = x * 0x7fb5d329728ea185 & MASK
    x ^= x >> 27
    x = x * 0x81dadef4bc2dd44d & MASK
    return x ^ x >> 33


def owner(context):
    """(thread, count) that the ids tell; None if they do not fit together."""
    tid, count = struct.unpack('QQ', context['trace_id'])
    good = struct.unpack('Q', context['span_id'])[0] == mix((tid << 40 ^ count) & MASK) | 1
    return (tid, count) if good else None


def location(pid):
    """As the tool finds it, in the words of Session.context()."""
    done = run('tickprof', 'context', '--json', pid)
    found = json.loads(done.stdout)['processes'][0]['location']
    return {**found, 'kind': KINDS[found['kind']]}


def image(session, stream, pid, waits=False):
    """start_time and exec_id of a process that is sampled."""
    end = time.monotonic() + 20 * SLOW
    while time.monotonic() < end:
        stream.feed(session)
        for record in stream.waits if waits else stream.samples:
            if record['pid'] == pid:
                return record['start_time'], record['exec_id']
        time.sleep(0.02)
    raise RuntimeError('it was not sampled')


class Run:
    """A run of a program like span.c under a session that knows where its context is. environment: for it alone."""

    def __init__(self, nl, command, flags=CONTEXT, keys=b'', stdin=b'', rate=997, environment=None, **config):
        program = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env={**os.environ, **environment} if environment else None)
        self.pid = program.pid
        with Session(nl, flags=flags, rate=rate, ring_size=4 << 20, **config) as s:
            self.stream = Stream()
            s.map()
            s.target('PID', self.pid)
            s.start()
            program.stdin.write(b'a')
            program.stdin.flush()
            self.image = image(s, self.stream, self.pid, flags & F['WAITS'])
            self.location = location(self.pid)
            s.context(self.pid, *self.image, self.location, keys)
            output = program.communicate(b'x' + stdin, timeout=60 * SLOW)[0].decode()
            s.stop()
            self.stream.feed(s)
            self.counters = s.counters()
        self.status = program.returncode
        self.threads = {int(w[1]): (int(w[2]), int(w[3]), int(w[4])) for w in map(str.split, output.splitlines())}

    def looks(self):
        return {name: self.counters[f'CONTEXT_{name}'] for name in LOOKS}

    def inside(self):
        """Samples of threads while these were in a span."""
        for s in self.stream.samples:
            first, last, _ = self.threads.get(s['tid'], (0, 0, 0))
            if first <= s['time'] < last:
                yield s


def judge(name, run_, least=0.999):
    """Every sample in a span has ids, and they are its thread's own."""
    equal(f'{name}-status', (run_.status, run_.stream.errors), (0, 0))
    samples = list(run_.inside())
    read = [s for s in samples if s['context']]
    wrong = [s['tid'] for s in read if (owner(s['context']) or (0, 0))[0] != s['tid']]
    check(f'{name}-read', samples and len(read) >= least * len(samples),
          f'{len(read)} of {len(samples)} samples in a span have its ids, at least {least:.1%}')
    equal(f'{name}-own', wrong, [])
    return read
