# SPDX-License-Identifier: GPL-2.0-only
"""Unwind tables byte by byte, right ones and wrong ones, from the text of the header that both sides share."""
import os
import re
import struct

from lib import MACHINE, TOP, run
from raw import F_DEFAULT, F

HEADER = open(os.path.join(TOP, 'include/uapi/linux/tickprof_table.h')).read()
CFA = re.findall(r'^\tTICKPROF_CFA_(\w+),', HEADER, re.M)
CFA = {name: i for i, name in enumerate(CFA) if not name.startswith('_')}
VERSION = int(re.search(r'#define TICKPROF_TABLE_VERSION\s+(\d+)', HEADER).group(1))
EM, SHIFT = {'x86_64': (62, 0), 'aarch64': (183, 2)}[MACHINE]
TABLES = F_DEFAULT | F['TABLES']


def rule(cfa, saved=0, offset=2, ra=-1, fp=-2):
    return struct.pack('BBHhh', CFA[cfa], saved, offset, ra, fp)


def key(inode=77, size=4096, device=(8, 1), build_id=b'', reserved=bytes(3)):
    """struct tickprof_file_key."""
    return struct.pack('QQIIB20s3s', inode, size, *device, len(build_id), build_id, reserved)


KEY = slice(16, 16 + len(key()))    # where it stands in a table


def table(rules=None, blocks=4, build_id=b'', inode=77, size=4096, device=(8, 1), **wrong):
    """A table in which every block begins with the next rule; "wrong" sets fields to what they should not be."""
    rules = rules or [rule('SP'), rule('FP')]
    parts = {'group': struct.pack(f'{blocks // 256 + 1}I', *(256 * i for i in range(blocks // 256 + 1))),
             'block': struct.pack(f'{blocks + 1}H', *(b % 256 for b in range(blocks + 1))),
             'row_rule': struct.pack(f'{blocks}H', *(b % len(rules) for b in range(blocks))), 'row_low': bytes(blocks)}
    parts.update({name: wrong.pop(name) for name in list(wrong) if name in parts})
    body = b''.join(rules) + b''.join(parts.values())
    field = {'magic': 0x54555054, 'version': VERSION, 'machine': EM, 'bytes': 88 + len(body) + -len(body) % 8, 'flags': 0, 'start': 0,
             'shift': SHIFT, 'rules': len(rules), 'blocks': blocks, 'rows': blocks, 'reserved': bytes(3), 'padding': b'\0'}
    wrong = {name.removeprefix('nr_'): value for name, value in wrong.items()}
    field.update(wrong)
    head = struct.pack('IHHII', *(field[n] for n in ('magic', 'version', 'machine', 'bytes', 'flags')))
    head += key(inode, size, device, build_id, field['reserved'])
    head += struct.pack('QIIII', *(field[n] for n in ('start', 'shift', 'rules', 'blocks', 'rows')))
    return head + body + field['padding'] * (-len(body) % 8)


def upload(session, data):
    """errno of the write, 0 if it was taken whole."""
    try:
        return 0 if os.write(session.fd, data) == len(data) else -1
    except OSError as error:
        return error.errno


def build_id(program):
    text = run('readelf', '-n', program).stdout
    return bytes.fromhex(re.search(r'Build ID: ([0-9a-f]+)', text).group(1))
