# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel holds for the module and who uses it; CPUs on and off."""
import os
import time


def references():
    return int(open('/sys/module/tickprof/refcnt').read())


def wait_free(seconds=10):
    end = time.time() + seconds
    while references() and time.time() < end:
        time.sleep(0.01)
    return references()


def vmalloc_bytes():
    """What the module holds in vmalloc areas: rings and target bitmaps."""
    return sum(int(line.split()[1]) for line in open('/proc/vmallocinfo') if '[tickprof]' in line and 'load_module' not in line)


def slab_mib():
    """What the kernel holds in slabs that it cannot take back: samplers and sessions would be there."""
    return next(int(line.split()[1]) / 1024 for line in open('/proc/meminfo') if line.startswith('SUnreclaim'))


def set_online(cpu, online):
    open(f'/sys/devices/system/cpu/cpu{cpu}/online', 'w').write(str(int(online)))
