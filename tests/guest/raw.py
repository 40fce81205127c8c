# SPDX-License-Identifier: GPL-2.0-only
"""A client of the raw protocol, independent of the tool: netlink messages byte by byte, rings mapped and decoded.

Numbers come from the UAPI header's text, so that a new attribute or counter needs no change here.
"""
import ctypes
import errno
import mmap
import os
import re
import socket
import struct
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEVICE = '/dev/tickprof'
PAGE = mmap.PAGESIZE
HEADER = open(os.path.join(TOP, 'include/uapi/linux/tickprof.h')).read()


def _enum(prefix):
    """Names of one enum in order, without the prefix; a value that the header gives is the start."""
    names = re.findall(r'^\tTICKPROF_%s_(\w+)( = (\d+))?,' % prefix, HEADER, re.M)
    first = int(names[0][2] or 0)
    return {name: first + i for i, (name, _, _) in enumerate(names)}


A, CMD, COUNTER, KIND, RECORD, STATE = map(_enum, ('A', 'CMD', 'COUNTER', 'TARGET', 'RECORD', 'STATE'))
KIND = {name: number for name, number in KIND.items() if not name.startswith('_')}
F = {name: 1 << int(bit) for name, bit in re.findall(r'#define TICKPROF_F_(\w+)\s+\(1 << (\d+)\)', HEADER)}
F_DEFAULT = F['KSTACK'] | F['USTACK'] | F['EVENTS'] | F['INHERIT']
RECORD_NAME = {number: name for name, number in RECORD.items()}
COUNTER_NAME = {number: name for name, number in COUNTER.items()}
WAIT = {name: 1 << int(bit) for name, bit in re.findall(r'#define TICKPROF_WAIT_(\w+)\s+\(1 << (\d+)\)', HEADER)}
WAIT_STATE = [name.lower() for name in re.findall(r'^\tTICKPROF_WAIT_(\w+),', HEADER, re.M)]
SAMPLE_USER, SAMPLE_IDLE, SAMPLE_KTHREAD, SAMPLE_COMPAT, SAMPLE_CONTEXT = 1, 2, 4, 16, 64
NLM_REQUEST, NLM_ACK, NLM_DUMP = 1, 4, 0x300


def attr(number, data):
    size = 4 + len(data)
    return struct.pack('HH', size, number) + data + b'\0' * (-size % 4)


def u32(name, value):
    return attr(A[name] if isinstance(name, str) else name, struct.pack('I', value & 0xffffffff))


def u64(name, value):
    return attr(A[name] if isinstance(name, str) else name, struct.pack('Q', value))


def binary(name, data):
    return attr(A[name], data)


def string(name, text):
    return attr(A[name], text.encode() + b'\0')


def attrs(data):
    found = {}
    while len(data) >= 4:
        size, number = struct.unpack_from('HH', data)
        if size < 4:
            break
        found[number & 0x3fff] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


class Refused(OSError):
    """errno, the kernel's sentence in strerror, the offset of the attribute to blame in .offset or None."""


class Netlink:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.socket.bind((0, 0))
        for option in (10, 11):  # capped acks, extended acks
            self.socket.setsockopt(270, option, 1)
        self.socket.settimeout(10 * int(os.environ.get('TICKPROF_SLOW', '1')))
        self.sequence = 0
        reply = self.call(16, 3, attr(2, b'tickprof\0'))
        answer = attrs(reply[0][20:])
        self.family = struct.unpack('H', answer[1][:2])[0]
        self.group = struct.unpack('I', attrs(next(iter(attrs(answer[7]).values())))[2])[0]

    def send(self, family, command, payload=b'', flags=NLM_REQUEST | NLM_ACK):
        self.sequence += 1
        body = struct.pack('BBH', command, 1, 0) + payload
        self.socket.send(struct.pack('IHHII', 16 + len(body), family, flags, self.sequence, 0) + body)

    def receive(self):
        replies = []
        while True:
            data = self.socket.recv(1 << 16)
            while data:
                size, kind, flags = struct.unpack_from('IHH', data)
                if kind == 2:
                    self._judge(data[:size], flags)
                    return replies
                if kind == 3:  # the end of a dump carries its error, too
                    self._judge(data[:size], flags | 0x100, 20)
                    return replies
                replies.append(data[:size])
                data = data[(size + 3) & ~3:]

    @staticmethod
    def _judge(message, flags, start=36):
        error = struct.unpack_from('i', message, 16)[0]
        if not error:
            return
        if not flags & 0x100:
            start = 20 + (struct.unpack_from('I', message, 20)[0] + 3 & ~3)
        found = attrs(message[start:]) if flags & 0x200 else {}
        refused = Refused(-error, found.get(1, b'').rstrip(b'\0').decode())
        refused.offset = struct.unpack('I', found[2])[0] if 2 in found else None
        raise refused

    def call(self, family, command, payload=b'', flags=NLM_REQUEST | NLM_ACK):
        self.send(family, command, payload, flags)
        return self.receive()

    def do(self, command, payload=b'', flags=NLM_REQUEST | NLM_ACK):
        number = CMD[command] if isinstance(command, str) else command
        return [attrs(reply[20:]) for reply in self.call(self.family, number, payload, flags)]

    def info(self):
        answer = self.do('INFO')[0]
        return {'sessions': number(answer, 'SESSIONS'), 'memory': number(answer, 'MEMORY'),
                'tables': number(answer, 'TABLES'), 'table_memory': number(answer, 'TABLE_MEMORY'),
                'features': number(answer, 'FEATURES'), 'abi': number(answer, 'ABI')}

    def sessions(self):
        return self.do('SESSION_GET', flags=NLM_REQUEST | NLM_DUMP)


def number(answer, name):
    data = answer[A[name]]
    return int.from_bytes(data, sys.byteorder)


class Session:
    """One open /dev/tickprof; a keyword argument is an attribute of SESSION_CONFIGURE."""

    def __init__(self, netlink, configure=True, **config):
        self.nl = netlink
        self.fd = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        self.rings = []
        if configure:
            try:
                self.configure(**config)
            except OSError:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def do(self, command, payload=b''):
        return self.nl.do(command, u32('FD', self.fd) + payload)

    def configure(self, **config):
        self.do('SESSION_CONFIGURE', b''.join(u32(name.upper(), value) for name, value in config.items()))

    def target(self, kind, value, command='TARGET_ADD'):
        payload = string('TARGET_COMM', value) if kind == 'COMM' else u64('TARGET_ID', value)
        self.do(command, u32('TARGET_KIND', KIND[kind]) + payload)

    def context(self, pid, start_time, exec_id, location, keys=b''):
        """location: the attributes' names in lower case, with kind as a number."""
        payload = u32('CONTEXT_PID', pid) + u64('CONTEXT_START_TIME', start_time) + u64('CONTEXT_EXEC_ID', exec_id)
        for name, value in location.items():
            payload += u64('CONTEXT_OFFSET', value & (1 << 64) - 1) if name == 'offset' else u32(f'CONTEXT_{name.upper()}', value)
        self.do('CONTEXT_SET', payload + (binary('CONTEXT_KEYS', keys) if keys else b''))

    def start(self):
        self.do('START')

    def stop(self):
        self.do('STOP')

    def get(self):
        return self.do('SESSION_GET')[0]

    def counters(self):
        found = attrs(self.get()[A['COUNTERS']])
        return {name: struct.unpack('Q', found[i])[0] for name, i in COUNTER.items() if i in found}

    def map(self):
        size, cpus = number(self.get(), 'RING_SIZE'), number(self.get(), 'CPUS')
        self.rings = [Ring(self.fd, cpu, size) for cpu in range(cpus)]
        return self.rings

    def drain(self):
        """All records of all rings as (cpu, position, type name, flags, bytes)."""
        if not self.rings:
            self.map()
        for ring in self.rings:
            for position, kind, flags, data in ring.drain():
                yield ring.cpu, position, kind, flags, data

    def close(self):
        for ring in self.rings:
            ring.close()
        self.rings = []
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class Ring:
    def __init__(self, fd, cpu, size):
        self.cpu, self.size = cpu, size
        base = cpu << 32
        self.reader = mmap.mmap(fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=base)
        self.data = mmap.mmap(fd, PAGE + size, mmap.MAP_SHARED, mmap.PROT_READ, offset=base + PAGE)

    def head(self):
        return struct.unpack_from('Q', self.data)[0]

    def tail(self):
        return struct.unpack_from('Q', self.reader)[0]

    def set_tail(self, position):
        struct.pack_into('Q', self.reader, 0, position & (1 << 64) - 1)

    def drain(self):
        """Records between tail and head; raises ValueError where one does not add up."""
        position, head = self.tail(), self.head()
        found = []
        while position < head:
            at = PAGE + (position & self.size - 1)
            kind, flags, size = struct.unpack_from('HHI', self.data, at)
            if size < 8 or size % 8 or position + size > head or at + size > PAGE + self.size:
                raise ValueError(f'CPU {self.cpu}: record of {size} bytes at {position}, head {head}')
            if kind != RECORD['PAD']:
                found.append((position, RECORD_NAME.get(kind, str(kind)), flags, self.data[at:at + size]))
            position += size
        self.set_tail(position)
        return found

    def close(self):
        self.reader.close()
        self.data.close()


class Stream:
    """Samples of a session with their tasks and stacks looked up, as the protocol tells; .errors counts what did not add up."""

    def __init__(self):
        self.held, self.errors, self.events, self.samples, self.lost = {}, 0, [], [], [0, 0, 0]
        self.waits = []

    def feed(self, session):
        for cpu, position, kind, flags, data in session.drain():
            if kind in ('TASK', 'STACK', 'CONTEXT'):
                self.held[cpu, position] = kind, data
            elif kind == 'SAMPLE':
                self._sample(cpu, position, flags, data)
            elif kind == 'WAIT':
                self._wait(cpu, position, flags, data)
            elif kind == 'LOST':
                self.lost = [a + b for a, b in zip(self.lost, struct.unpack_from('QQQ', data, 16))]
            else:
                self.events.append((kind, data))

    def _task(self, cpu, position, distance):
        """The parts of a TASK record that samples and waits share, or None."""
        found = self.held.get((cpu, position - distance))
        if not found or found[0] != 'TASK':
            self.errors += 1
            return None
        pid, tid = struct.unpack_from('II', found[1], 8)
        start_time, exec_id = struct.unpack_from('QQ', found[1], 24)
        return {'pid': pid, 'tid': tid, 'comm': text(found[1][56:72]), 'uid': struct.unpack_from('I', found[1], 48)[0],
                'start_time': start_time, 'exec_id': exec_id}

    def _frames(self, cpu, position, distance):
        """A stack's frames, [] if there is none."""
        if not distance:
            return []
        stack = self.held.get((cpu, position - distance))
        if not stack or stack[0] != 'STACK':
            self.errors += 1
            return []
        return list(struct.unpack_from('%dQ' % struct.unpack_from('I', stack[1], 8)[0], stack[1], 16))

    def _context(self, cpu, position, distance):
        """A span, None if there is none."""
        if not distance:
            return None
        found = self.held.get((cpu, position - distance))
        if not found or found[0] != 'CONTEXT':
            self.errors += 1
            return None
        flags, = struct.unpack_from('H', found[1], 2)
        attributes = found[1][32:len(found[1]) - (flags >> 8 & 7)]
        return {'trace_id': found[1][8:24], 'span_id': found[1][24:32], 'trace_flags': flags & 255, 'cut': bool(flags & 1 << 11),
                'attrs': attributes}

    def _sample(self, cpu, position, flags, data):
        time, ip, task, kernel, user, missed = struct.unpack_from('QQIIII', data, 8)
        found = self._task(cpu, position, task)
        if found:
            frames = [ip] + self._frames(cpu, position, kernel) + self._frames(cpu, position, user)
            context = struct.unpack_from('I', data, 40)[0] if flags & SAMPLE_CONTEXT else 0
            self.samples.append({'cpu': cpu, 'time': time, 'flags': flags, 'missed': missed, 'frames': frames,
                                 'context': self._context(cpu, position, context), **found})

    def _wait(self, cpu, position, flags, data):
        names = ('time', 'blocked', 'queued', 'ran', 'short_blocked', 'short_queued', 'short_nr', 'state', 'task', 'kernel',
                 'user', 'waker_pid', 'waker_tid', 'context', 'waker_comm', 'waker_context')
        wait = dict(zip(names, struct.unpack_from('6Q8I16sI', data, 8)))
        found = self._task(cpu, position, wait['task'])
        if found:
            wait.update(found, cpu=cpu, flags=flags, state=WAIT_STATE[wait['state']], waker_comm=text(wait['waker_comm']),
                        kernel=self._frames(cpu, position, wait['kernel']),
                        context=self._context(cpu, position, wait['context']),
                        waker_context=self._context(cpu, position, wait['waker_context']),
                        user=self._frames(cpu, position, wait['user']))
            self.waits.append(wait)


def text(data):
    return data.split(b'\0')[0].decode(errors='replace')


libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]


def try_mmap(fd, offset, length, protection, flags):
    """errno of mmap(), 0 if it succeeded."""
    at = libc.mmap(None, length, protection, flags, fd, offset)
    if at == ctypes.c_void_p(-1).value:
        return ctypes.get_errno()
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(length))
    return 0


def name(error):
    return errno.errorcode.get(error, str(error))
