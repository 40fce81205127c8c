#!/usr/bin/python3 -BES
# SPDX-License-Identifier: GPL-2.0-only
"""programs.py [--arch ARCH]: builds all programs that guest tests run, on this machine, for guests of that Debian architecture
(amd64, arm64); a compiler that runs in an emulator takes seconds for each. For a foreign one with its cross-compiler
and the libraries of tests/vm/userland.

Tests take theirs by name, from compiled(), which builds what is missing or not of today's sources and words; several at once
are safe. They lie in build/guest-MACHINE/, each with the command that made it (NAME.command) and what that read (NAME.d)."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import time
from collections import namedtuple

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, 'tests/guest')
MACHINES = {'amd64': 'x86_64', 'arm64': 'aarch64'}

PLAIN = ['-O2', '-g', '-fno-inline-functions', '-fno-optimize-sibling-calls', '-pthread']
FLAGS = [*PLAIN, '-fno-omit-frame-pointer']
# Programs that only unwind tables lead through.
UNWIND_FLAGS = [*PLAIN, '-fomit-frame-pointer', '-ldl']
# Programs that publish their context.
PUBLISHER = ['-O2', '-g', '-pthread', '-rdynamic', '-w', f'-I{TOP}/include']

# What may stand before a program's context (tests/guest/forms.test). name, compiler, how it is built; location's kind.
STATIC, DTV = 1, 2
FORM = ['-O2', '-w', '-pthread', f'-I{TOP}/include']
EXPORTED = '-Wl,--export-dynamic-symbol=otel_thread_ctx_v1'
SYMBOLIC = ['-Wl,-Bsymbolic']  # relocations without a symbol
NO_SURPLUS = {'GLIBC_TUNABLES': 'glibc.rtld.optional_static_tls=0'}
Form = namedtuple('Form', 'name compiler flags kind library opened environment', defaults=(False, False, None))


def forms(machine):
    """The publisher's variable in the program itself, in a library that it links to, or in one that it opens."""
    gnu2, gnu = (['-mtls-dialect=gnu2'], []) if machine == 'x86_64' else ([], ['-mtls-dialect=trad'])
    return (
        Form('pie', 'gcc', ['-rdynamic'], STATIC),
        Form('no-pie', 'gcc', ['-no-pie', '-rdynamic'], STATIC),
        Form('initial-exec', 'gcc', ['-fPIC', '-rdynamic'], STATIC),
        Form('stripped', 'gcc', ['-s', EXPORTED], STATIC),
        Form('static', 'gcc', ['-static'], STATIC),
        Form('static-pie', 'gcc', ['-static-pie', '-s', EXPORTED], STATIC),
        Form('musl', 'musl-gcc', ['-rdynamic'], STATIC),
        Form('musl-static', 'musl-gcc', ['-static'], STATIC),
        Form('ie', 'gcc', ['-ftls-model=initial-exec'], STATIC, True),
        Form('gd', 'gcc', gnu, DTV, True),
        Form('gd-symbolic', 'gcc', gnu + SYMBOLIC, DTV, True),
        Form('desc', 'gcc', gnu2, STATIC, True),
        Form('desc-symbolic', 'gcc', gnu2 + SYMBOLIC, STATIC, True),
        Form('dlopen-ie', 'gcc', ['-ftls-model=initial-exec'], STATIC, True, True),
        Form('dlopen-gd', 'gcc', gnu, DTV, True, True),
        Form('dlopen-gd-symbolic', 'gcc', gnu + SYMBOLIC, DTV, True, True),
        Form('dlopen-desc', 'gcc', gnu2, STATIC, True, True),
        Form('dlopen-desc-dynamic', 'gcc', gnu2, DTV, True, True, NO_SURPLUS),
        Form('musl-gd', 'musl-gcc', gnu, DTV, True),
        Form('musl-desc', 'musl-gcc', gnu2, STATIC, True),
        Form('musl-dlopen-gd', 'musl-gcc', gnu, DTV, True, True),
        Form('musl-dlopen-desc', 'musl-gcc', gnu2, DTV, True, True),
    )


# How the program of tests/guest/context.test is linked: library's flags, or None without one; program's flags.
def contexts(machine):
    trad, desc = (f'-mtls-dialect={word}' for word in {'x86_64': ('gnu', 'gnu2'), 'aarch64': ('trad', 'desc')}[machine])
    return {
        'program': (None, ['-DWHOLE', '-rdynamic']),
        'static': (None, ['-DWHOLE', '-static']),
        'initial': (['-ftls-model=initial-exec'], []),
        'descriptor': ([desc], []),
        'general': ([trad], []),
        'opened': ([desc], ['-DPLUGIN']),
        'opened-big': ([desc, '-DPAD=100000'], ['-DPLUGIN']),
        'opened-general': ([trad], ['-DPLUGIN']),
    }


Row = namedtuple('Row', 'name source words compiler needs', defaults=('gcc', None))


def rows(machine, folder):
    """All programs; one that needs another's file comes after it."""
    def here(name, words=FLAGS, source=None, *rest):
        return Row(name, os.path.join(HERE, source or name + '.c'), words, *rest)

    yield here('work')
    yield here('short', [*FLAGS, '-O1', '-static'], 'work.c')
    yield here('work-named', [*FLAGS, '-Wl,--build-id=0x0123456789abcdef'], 'work.c')
    yield here('work-nameless', [*FLAGS, '-Wl,--build-id=none'], 'work.c')
    yield here('waits', [*FLAGS, '-no-pie'])
    yield here('mixed', FLAGS, 'waits.c')
    for name, words in (('cold', UNWIND_FLAGS), ('cold-fp', FLAGS)):
        yield here(name, [*words, f'-I{TOP}/include', EXPORTED], 'cold.c')
    yield Row('cycles', os.path.join(TOP, 'tests/vm/cycles.c'), FLAGS)
    yield here('hostile', ['-O2', *(f'-I{TOP}/{folder}' for folder in ('tests/unit', 'tests/unit/kernel', 'include/uapi'))])
    for name in ('marks', 'span', 'spans'):
        yield here(name, PUBLISHER)
    yield Row('payment', os.path.join(TOP, 'tests/demo/payment.c'), PUBLISHER)
    yield here('known', UNWIND_FLAGS)
    yield here('unwind', UNWIND_FLAGS)
    yield here('unwind-debug', [*UNWIND_FLAGS, '-fno-asynchronous-unwind-tables', '-fno-unwind-tables'], 'unwind.c')
    yield here('unwind-nameless', [*UNWIND_FLAGS, '-Wl,--build-id=none'], 'unwind.c')
    yield here('unwind-throw', UNWIND_FLAGS, 'unwind_throw.cc', 'g++')
    for libc, compiler in (('glibc', 'gcc'), ('musl', 'musl-gcc')):
        yield here(f'unwind-static-{libc}', [*UNWIND_FLAGS, '-static', '-DSTATIC'], 'unwind.c', compiler)
    for leaf in ('plugin_one', 'plugin_two'):
        yield here(f'{leaf}.so', [*UNWIND_FLAGS, '-shared', '-fPIC', f'-DLEAF={leaf}'], 'unwind_plugin.c')
    for form in forms(machine):
        library = os.path.join(folder, f'libform-{form.name}.so')
        if not form.library:
            yield here(f'form-{form.name}', [*FORM, *form.flags], 'span.c', form.compiler)
            continue
        yield here(f'libform-{form.name}.so', [*FORM, '-shared', '-fPIC', '-Dmain=span_main', *form.flags], 'span.c', form.compiler)
        way = [f'-DLIBRARY="{library}"'] if form.opened else [library, f'-Wl,-rpath,{folder}']
        yield here(f'form-{form.name}', [*FORM, *way], 'forms.c', form.compiler, f'libform-{form.name}.so')
    if machine != 'aarch64':
        return
    yield here('arm64', [*FLAGS, '-mno-omit-leaf-frame-pointer', '-mbranch-protection=standard'])
    context = ['-O1', '-pthread', '-w', f'-I{TOP}/include']
    for name, (with_library, words) in contexts(machine).items():
        library = os.path.join(folder, f'libcontext-{name}.so')
        if with_library is None:
            yield here(f'context-{name}', [*context, *words], 'context.c')
            continue
        yield here(f'libcontext-{name}.so', [*context, '-DLIBRARY_PART', '-shared', '-fPIC', *with_library], 'context.c')
        way = [f'-DPLUGIN="{library}"'] if '-DPLUGIN' in words else [library, f'-Wl,-rpath,{folder}']
        yield here(f'context-{name}', [*context, *way], 'context.c', 'gcc', f'libcontext-{name}.so')


class Programs:
    """Those of one machine. prefix, options: of the cross-compiler."""

    def __init__(self, machine=os.uname().machine, prefix='', options=()):
        self.folder = os.path.join(TOP, 'build', f'guest-{machine}')
        self.rows = {row.name: row for row in rows(machine, self.folder)}
        self.prefix, self.options = prefix, list(options)
        os.makedirs(self.folder, exist_ok=True)

    def file(self, name):
        return os.path.join(self.folder, name)

    def compiler(self, row):
        """None where there is none."""
        return None if self.prefix and row.compiler.startswith('musl') else shutil.which(self.prefix + row.compiler)

    def current(self, name, told):
        """Was it made so, and no file that was read has changed? As a cross-compiler made it is as good."""
        try:
            if open(self.file(f'{name}.command')).read() != told:
                return False
            made = os.path.getmtime(self.file(name))
            read = open(self.file(f'{name}.d')).read().replace('\\\n', ' ').split(':', 1)[1].split()
            return all(os.path.getmtime(file) <= made for file in read if file.startswith((f'{TOP}/tests', f'{TOP}/include', f'{TOP}/kmod')))
        except OSError:
            return False

    def build(self, name):
        """Path of the program, or None where its compiler is not here. What the compiler says goes to our error output."""
        row, result = self.rows[name], self.file(name)
        if row.needs and not self.build(row.needs):
            return None
        told = ' '.join([row.compiler, *row.words, row.source])
        if self.current(name, told):
            return result
        if not self.compiler(row):
            return None
        half = f'{result}.{os.getpid()}.{time.time_ns()}'
        subprocess.run([self.prefix + row.compiler, *self.options, '-MD', '-MF', f'{half}.d', '-o', half, row.source, *row.words], check=True)
        with open(f'{half}.command', 'w') as file:
            file.write(told)
        for end in ('.d', '', '.command'):
            os.rename(half + end, result + end)
        return result


def compiled(name='work'):
    """Path of the program; None where its compiler is not here, which the caller tells."""
    return Programs().build(name)


def main():
    arch = sys.argv[2] if sys.argv[1:2] == ['--arch'] else subprocess.check_output(['dpkg', '--print-architecture'], text=True).strip()
    machine = MACHINES[arch]
    if machine == os.uname().machine:
        programs = Programs()
    else:
        root = subprocess.check_output([os.path.join(TOP, 'tests/vm/userland'), arch], text=True).strip()
        programs = Programs(machine, f'{machine}-linux-gnu-', [f'--sysroot={root}'])
    libraries = [name for name in programs.rows if re.search(r'\.so$', name)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for names in (libraries, [name for name in programs.rows if name not in libraries]):
            list(pool.map(programs.build, names))


if __name__ == '__main__':
    main()
