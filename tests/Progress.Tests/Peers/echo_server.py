"""Stock gRPC as the server: the methods of EchoService.cs, asked what to do by the same metadata.

usage: echo_server.py ADDRESS     prints "listening PORT", serves until its standard input closes
"""
import sys
import threading
from concurrent import futures

import grpc
from google.protobuf.wrappers_pb2 import BytesValue

CODES = {code.value[0]: code for code in grpc.StatusCode}


def begin(context):
    metadata = dict(context.invocation_metadata())
    echoed = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-")]
    if echoed:
        context.send_initial_metadata(echoed)
        context.set_trailing_metadata([("trailing-" + key, value) for key, value in echoed])
    if "crash" in metadata:
        raise RuntimeError(metadata["crash"])
    if "hang" in metadata:
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait()
        print("cancelled", flush=True)
    if "fail" in metadata:
        context.set_trailing_metadata([("why", "asked"), ("why-bin", b"\x00\xff\n")])
        context.abort(CODES[int(metadata["fail"])], metadata.get("detail-bin", b"").decode())
    return metadata


def unary(request, context):
    begin(context)
    return request


def collect(requests, context):
    begin(context)
    return BytesValue(value=b"".join(request.value for request in requests))


def repeat(request, context):
    for _ in range(int(begin(context).get("count", "1"))):
        yield request


def duplex(requests, context):
    begin(context)
    yield from requests


def garbage(request, context):
    return request


parse, serialize = BytesValue.FromString, BytesValue.SerializeToString
handlers = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary, parse, serialize),
    "Collect": grpc.stream_unary_rpc_method_handler(collect, parse, serialize),
    "Repeat": grpc.unary_stream_rpc_method_handler(repeat, parse, serialize),
    "Duplex": grpc.stream_stream_rpc_method_handler(duplex, parse, serialize),
    "Garbage": grpc.unary_unary_rpc_method_handler(garbage, parse, lambda _: b"\x0a\xff\xff"),
}
server = grpc.server(futures.ThreadPoolExecutor(max_workers=80))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("hem.test.Echo", handlers),))
port = server.add_insecure_port(sys.argv[1])
server.start()
print("listening", port, flush=True)
sys.stdin.read()
server.stop(None)
