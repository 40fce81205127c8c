# SPDX-License-Identifier: GPL-2.0-only
"""Whether user stacks reach the root of their process or thread, by one rule for whoever found them.

The rule knows the address of the outermost user frame, no flags and nobody's symbols. A stack is complete if that lies
  - in the first 64 bytes from the entry point (ELF e_entry) of a program or of the dynamic linker: _start; or
  - in a function of libc that begins threads or calls main (STARTS below), and is not the frame that was interrupted:
    nothing of the program is missing then. Walks by perf often end in __libc_start_call_main, two frames before _start.
The rule does not see frames that are missing in the middle, as walks by frame pointer leave out in code without them.
Samples without any user frame (threads of the kernel, a process before its first instruction) are counted apart."""
import collections
import os
import re
import subprocess

ENTRY_BYTES = 64
STARTS = ('clone', 'clone3', 'start_thread', '__libc_start_main_impl', '__libc_start_call_main')
KERNEL = 1 << 63
DEBUG = '/usr/lib/debug/.build-id'


def build_id(path):
    done = subprocess.run(['readelf', '-nW', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return re.search(r'Build ID: (\w+)', done.stdout).group(1)


class Elf:
    """Where a file's stacks may begin, as addresses in the file; and its executable segments."""

    def __init__(self, path):
        self.entry, self.starts, self.segments = [], [], []
        done = subprocess.run(['readelf', '-hlW', path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        if done.returncode:
            return
        entry = int(re.search(r'Entry point address:\s+(\S+)', done.stdout).group(1), 16)
        if entry:
            self.entry.append((entry, entry + ENTRY_BYTES))
        for line in re.findall(r'^\s+LOAD\s+(.*)$', done.stdout, re.M):
            offset, address, _, size = (int(word, 16) for word in line.split()[:4])
            self.segments.append((offset, offset + size, address))
        if os.path.basename(path).startswith('libc.so'):
            name = build_id(path)
            self.starts = self.libc_starts(f'{DEBUG}/{name[:2]}/{name[2:]}.debug')

    @staticmethod
    def libc_starts(debug):
        """Most are not exported: it takes libc6-dbg to know where they are."""
        symbols = subprocess.run(['nm', '-S', debug], stdout=subprocess.PIPE, text=True, check=True).stdout
        found = re.findall(rf'^(\w+) (\w+) [tTwW] ({"|".join(STARTS)})$', symbols, re.M)
        if {name for _, _, name in found} != set(STARTS):
            raise ValueError(f'{debug} does not have all of {STARTS}')
        return [(int(at, 16), int(at, 16) + int(size, 16)) for at, size, _ in found]

    def address(self, offset):
        """Of what is mapped from that offset of the file."""
        for first, end, address in self.segments:
            if first <= offset < end:
                return offset - first + address
        return None


_elves = {}


def elf(path):
    if path not in _elves:
        _elves[path] = Elf(path) if path.startswith('/') else None
    return _elves[path]


def is_root(path, address, leaf):
    found = elf(path)
    if not found or address is None:
        return False
    return any(low <= address < high for low, high in found.entry + ([] if leaf else found.starts))


class Count:
    def __init__(self):
        self.samples = self.user = self.complete = self.frames = 0
        self.ends = collections.Counter()   # of incomplete stacks: (object, name of the outermost frame)

    def add(self, frames):
        """frames: of the user, leaf first: (path, address in the file, name)."""
        self.samples += 1
        if not frames:
            return
        self.user += 1
        self.frames += len(frames)
        path, address, name = frames[-1]
        if is_root(path, address, len(frames) == 1):
            self.complete += 1
        else:
            self.ends[os.path.basename(path), name, 'leaf' if len(frames) == 1 else ''] += 1

    def percent(self):
        return 100 * self.complete / self.user if self.user else 0.0


def of_tickprof(tool, capture):
    """By `tickprof script`, which prints addresses as the file counts them."""
    count, frames = Count(), None
    with subprocess.Popen([tool, 'script', capture], stdout=subprocess.PIPE, text=True, errors='replace') as script:
        for line in script.stdout:
            if line[0] == '\t':
                address, name, path = re.match(r'\s+(\w+) (.*) \((.*)\)$', line).groups()
                # An inlined function has the address of the one that it is in.
                if int(address, 16) < KERNEL and path != 'inlined':
                    frames.append((path, int(address, 16), name))
            elif line == '\n':
                count.add(frames)
            else:
                frames = []
    if script.returncode:
        raise RuntimeError(f'tickprof script {capture}: status {script.returncode}')
    return count


def of_perf(data, depth, folder):
    """By `perf script`, which prints user addresses as offsets in the file. folder: perf's cache, for the vDSO."""
    count, frames = Count(), None
    command = ['perf', '--buildid-dir', folder, 'script', '-i', data, '--max-stack', str(depth), '--no-inline', '-F', 'pid,time,ip,sym,dso']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors='replace') as script:
        for line in script.stdout:
            frame = re.match(r'\s+(\w+) (.*) \((.*)\)$', line)
            if frame:
                offset, name, path = int(frame.group(1), 16), frame.group(2), frame.group(3)
                if offset < KERNEL:
                    file = elf(path)
                    frames.append((path, file.address(offset) if file else offset, name))
            elif line == '\n':
                count.add(frames)
                frames = None
            else:
                frames = []
    if script.returncode:
        raise RuntimeError(f'perf script {data}: status {script.returncode}')
    return count
