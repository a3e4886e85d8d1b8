"""Stock gRPC as the client of our server (EchoService.cs): every check is a function, all run against one server.

usage: echo_client.py ADDRESS [--ca FILE] [--quick] [CHECK...]     prints "ok CHECK", or "FAILED CHECK" and a traceback; exit code 1 if any failed
"""
import sys
import threading
import time
import traceback

import grpc
from google.protobuf.wrappers_pb2 import BytesValue

address = sys.argv[1]
OWN_CONNECTION = ("grpc.use_local_subchannel_pool", 1)
arguments = sys.argv[2:]
if arguments[:1] == ["--ca"]:
    with open(arguments[1], "rb") as pem:
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(pem.read()))
    arguments = arguments[2:]
else:
    channel = grpc.insecure_channel(address)
CODES = {code.value[0]: code for code in grpc.StatusCode}
LIMIT = 4 * 1024 * 1024
checks = {}
quick = "--quick" in arguments
arguments = [argument for argument in arguments if argument != "--quick"]


def check(function):
    checks[function.__name__] = function
    return function


def method(kind, name, on=None, serialize=BytesValue.SerializeToString):
    return getattr(on or channel, kind)("/hem.test.Echo/" + name, serialize, BytesValue.FromString)


def unary(on=None, **kwargs):
    return method("unary_unary", "Unary", on, **kwargs)


def collect(**kwargs):
    return method("stream_unary", "Collect", **kwargs)


def repeat(**kwargs):
    return method("unary_stream", "Repeat", **kwargs)


def duplex(on=None):
    return method("stream_stream", "Duplex", on)


def message(value):
    return BytesValue(value=value)


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


@check
def every_kind_of_call():
    assert unary()(message(b"hello")).value == b"hello"
    assert collect()(message(b"%d" % i) for i in range(5)).value == b"01234"
    assert [m.value for m in repeat()(message(b"x"), metadata=[("count", "3")])] == [b"x"] * 3
    assert [m.value for m in duplex()(message(b"%d" % i) for i in range(5))] == [b"%d" % i for i in range(5)]
    assert list(duplex()(iter([]))) == []
    assert unary()(message(b"")).value == b""


@check
def every_status_code():
    for number, code in CODES.items():
        detail = "because %d: 100% ünïcödé \n\t✓"
        metadata = [("fail", str(number)), ("detail-bin", detail.encode())]
        if number == 0:
            assert failure(lambda: unary()(message(b""), metadata=metadata)).code() == grpc.StatusCode.UNKNOWN
            continue
        for call in (
            lambda: unary()(message(b""), metadata=metadata),
            lambda: collect()(iter([message(b"")]), metadata=metadata),
            lambda: list(repeat()(message(b""), metadata=metadata)),
            lambda: list(duplex()(iter([]), metadata=metadata)),
        ):
            error = failure(call)
            assert (error.code(), error.details()) == (code, detail), error
            trailers = dict(error.trailing_metadata())
            assert trailers["why"] == "asked" and trailers["why-bin"] == b"\x00\xff\n", trailers


@check
def failure_after_headers_is_told_in_trailers():
    error = failure(lambda: unary()(message(b""), metadata=[("x-a", "1"), ("fail", "9")]))
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert ("trailing-x-a", "1") in error.trailing_metadata() and ("why", "asked") in error.trailing_metadata()


@check
def metadata_of_both_kinds_comes_back():
    everything = bytes(range(256))
    sent = [("x-text", "a b~!"), ("x-many", "1"), ("x-many", "2"), ("x-all-bin", everything)]
    for size in range(1, 5):
        sent.append(("x-%d-bin" % size, everything[-size:]))
    response, call = unary().with_call(message(b"m"), metadata=sent)
    assert response.value == b"m"
    initial = [(key, value) for key, value in call.initial_metadata() if key.startswith("x-")]
    assert sorted(initial) == sorted(sent), initial
    trailing = [(key, value) for key, value in call.trailing_metadata()]
    assert sorted(trailing) == sorted(("trailing-" + key, value) for key, value in sent), trailing


@check
def deadline():
    for call in (
        lambda: unary()(message(b""), metadata=[("hang", "1")], timeout=0.1),
        lambda: list(duplex()(iter([]), metadata=[("hang", "1")], timeout=0.1)),
    ):
        started = time.monotonic()
        assert failure(call).code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - started < 5
    assert unary()(message(b"in time"), timeout=1e6).value == b"in time"


@check
def cancellation():
    future = unary().future(message(b""), metadata=[("hang", "1")])
    future.cancel()
    assert future.code() == grpc.StatusCode.CANCELLED

    stop = threading.Event()

    def requests():
        yield message(b"first")
        stop.wait()

    call = duplex()(requests())
    assert next(call).value == b"first"
    call.cancel()
    error = failure(lambda: next(call))
    stop.set()
    assert error.code() == grpc.StatusCode.CANCELLED


@check
def size_limit():
    # A tag and a length of 4 bytes precede the bytes of a BytesValue this large.
    most = message(bytes(LIMIT - 5))
    assert most.ByteSize() == LIMIT
    assert unary()(most) == most
    assert list(duplex()(iter([most, most]))) == [most, most]
    assert unary()(most) == most
    over = message(bytes(LIMIT - 4))
    for call in (
        lambda: unary()(over),
        lambda: list(duplex()(iter([over]))),
        lambda: unary()(message(bytes(10 * LIMIT))),
    ):
        error = failure(call)
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error


@check
def unknown_methods():
    for path in ("/hem.test.Echo/Nothing", "/hem.test.Nobody/Unary", "/Nobody/x"):
        call = channel.unary_unary(path, BytesValue.SerializeToString, BytesValue.FromString)
        assert failure(lambda: call(message(b""))).code() == grpc.StatusCode.UNIMPLEMENTED
        call = channel.stream_stream(path, BytesValue.SerializeToString, BytesValue.FromString)
        assert failure(lambda: list(call(iter([message(b"")])))).code() == grpc.StatusCode.UNIMPLEMENTED


@check
def crashing_handler_tells_nothing():
    error = failure(lambda: unary()(message(b""), metadata=[("crash", "the secret")]))
    assert error.code() == grpc.StatusCode.UNKNOWN and "secret" not in error.details(), error


@check
def malformed_message():
    broken = {"serialize": lambda _: b"\x0a\xff\xff"}
    assert failure(lambda: unary(**broken)("")).code() == grpc.StatusCode.INTERNAL
    assert failure(lambda: collect(**broken)(iter([""]))).code() == grpc.StatusCode.INTERNAL


@check
def wrong_number_of_messages():
    # Our unary methods, called as if they took a stream.
    call = method("stream_unary", "Unary")
    assert failure(lambda: call(iter([]))).code() == grpc.StatusCode.UNIMPLEMENTED
    assert failure(lambda: call(iter([message(b"1"), message(b"2")]))).code() == grpc.StatusCode.UNIMPLEMENTED


@check
def compression_is_refused():
    with grpc.insecure_channel(address, [OWN_CONNECTION], compression=grpc.Compression.Gzip) as gzip:
        error = failure(lambda: unary(gzip)(message(bytes(10000))))
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
    assert unary()(message(b"plain")).value == b"plain"


@check
def streams_of_a_peer():
    """64 calls fill the peer's share: one more waits on the same connection and is refused on another."""
    release = threading.Event()

    def requests():
        yield message(b"open")
        release.wait()

    calls = [duplex()(requests(), metadata=[("authorization", "Bearer crowd")]) for _ in range(64)]
    for call in calls:
        assert next(call).value == b"open"
    waiting = failure(lambda: unary()(message(b""), timeout=0.2))
    assert waiting.code() == grpc.StatusCode.DEADLINE_EXCEEDED, waiting
    with grpc.insecure_channel(address, [OWN_CONNECTION]) as other:
        refused = failure(lambda: unary(other)(message(b""), metadata=[("authorization", "Bearer crowd")]))
        assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, refused
        assert unary(other)(message(b"me"), metadata=[("authorization", "Bearer other")]).value == b"me"
    release.set()
    for call in calls:
        assert list(call) == []
    assert unary()(message(b"again"), metadata=[("authorization", "Bearer crowd")], wait_for_ready=True).value == b"again"


@check
def slow_reader_is_cut_off():
    flood = method("unary_stream", "Flood")
    call = flood(message(bytes(10000)))
    # Nothing is read until the server has cut the call off, which the status shows without reading.
    assert call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, call
    assert unary()(message(b"others live")).value == b"others live"


@check
def long_stream():
    count = 10000 if quick else 100000
    started = time.monotonic()
    received = 0
    for answer in duplex()(message(b"message %d" % i) for i in range(count)):
        assert answer.value == b"message %d" % received, (answer.value, received)
        received += 1
    assert received == count, received
    print("rate %d messages/s each way" % (count / (time.monotonic() - started)))


def hold():
    """Streams until the server goes away or this process is killed (not part of the checks)."""
    def requests():
        number = 0
        while True:
            yield message(b"%d" % number)
            number += 1

    first = True
    try:
        for _ in duplex()(requests()):
            if first:
                print("streaming", flush=True)
                first = False
    except grpc.RpcError as error:
        print(error.code().name, flush=True)


if arguments == ["hold"]:
    hold()
    sys.exit(0)
failed = False
for name in arguments or checks:
    try:
        checks[name]()
        print("ok", name, flush=True)
    except Exception:
        failed = True
        print("FAILED", name, traceback.format_exc(), flush=True)
sys.exit(1 if failed else 0)
