# SPDX-License-Identifier: GPL-2.0-only
"""gateway.py PORT REQUESTS THREADS: the gateway of payment.c in Python, with OpenTelemetry's own SDK, which sends its spans
over OTLP/HTTP to 127.0.0.1:4318. Which span a thread is in is published by libpublish.so (publish.c) from the current folder,
as spans start and end: right for spans that end in the thread that they began in, innermost first, as those of `with` do."""
import ctypes
import os
import socket
import sys
import threading
import time

started = time.monotonic()
publish = ctypes.PyDLL(os.path.abspath('libpublish.so'))  # before the SDK: to be known by the time of the first request
publish.publish_begin.restype = ctypes.c_void_p
publish.publish_end.argtypes = [ctypes.c_void_p]
publish.publish_process(b'gateway')

from opentelemetry import propagate, trace  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402


class Publisher(SpanProcessor):
    def __init__(self):
        self.spans = {}

    def on_start(self, span, parent_context=None):
        c = span.get_span_context()
        self.spans[c.span_id] = publish.publish_begin(c.trace_id.to_bytes(16, 'big'), c.span_id.to_bytes(8, 'big'), c.trace_flags)

    def on_end(self, span):
        publish.publish_end(self.spans.pop(span.get_span_context().span_id))


def dial(port):
    for _ in range(1000):
        try:
            s = socket.create_connection(('127.0.0.1', port))
        except ConnectionRefusedError:
            time.sleep(0.02)  # until it listens
        else:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return s
    raise TimeoutError(f'nobody listens at port {port}')


def post(connection, path):
    """Both sides send a head and nothing else."""
    headers = {'Host': 'localhost', 'Content-Length': '0'}
    propagate.inject(headers)
    head = ''.join(f'{name}: {value}\r\n' for name, value in headers.items())
    connection.sendall(f'POST {path} HTTP/1.1\r\n{head}\r\n'.encode())
    answer = b''
    while b'\r\n\r\n' not in answer:
        got = connection.recv(512)
        if not got:
            raise ConnectionError(f'no answer to {path}')
        answer += got


def pay(connection):
    with tracer.start_as_current_span('POST /pay', kind=trace.SpanKind.SERVER):
        with tracer.start_as_current_span('POST /charge', kind=trace.SpanKind.CLIENT):
            post(connection, '/charge')


def client(port, turns):
    with dial(port) as connection:
        time.sleep(max(0, started + 3 - time.monotonic()))  # services have run for long when a request comes
        for _ in turns:
            pay(connection)


port, requests, threads = map(int, sys.argv[1:])
provider = TracerProvider(resource=Resource.create({'service.name': 'gateway', 'process.pid': os.getpid()}))
provider.add_span_processor(Publisher())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter('http://127.0.0.1:4318/v1/traces')))
tracer = provider.get_tracer('demo')
turns = iter(range(requests))  # of all threads: its next() is one step
clients = [threading.Thread(target=client, args=(port, turns)) for _ in range(threads)]
for c in clients:
    c.start()
for c in clients:
    c.join()
provider.shutdown()  # sends what has not been sent
