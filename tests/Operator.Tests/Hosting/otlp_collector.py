"""A collector of OTLP metrics: stock gRPC and Python's own HTTP server. Of the messages it knows as much as metrics need, by the field numbers of
opentelemetry-proto 1.x. It says where it listens (`grpc PORT`, `http PORT`), then one line of JSON for each metric that comes."""
import concurrent.futures, http.server, json, math, threading
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MESSAGES = {  # name: {field: (number, type, repeated)}
    "AnyValue": {"string": (1, "STRING", 0), "bool": (2, "BOOL", 0), "int": (3, "INT64", 0), "double": (4, "DOUBLE", 0)},
    "KeyValue": {"key": (1, "STRING", 0), "value": (2, "AnyValue", 0)},
    "Resource": {"attributes": (1, "KeyValue", 1)},
    "Scope": {"name": (1, "STRING", 0)},
    "Number": {"time": (3, "FIXED64", 0), "double": (4, "DOUBLE", 0), "int": (6, "SFIXED64", 0), "attributes": (7, "KeyValue", 1)},
    "Buckets": {"count": (4, "FIXED64", 0), "sum": (5, "DOUBLE", 0), "counts": (6, "FIXED64", 1), "bounds": (7, "DOUBLE", 1)},
    "Gauge": {"points": (1, "Number", 1)},
    "Sum": {"points": (1, "Number", 1), "temporality": (2, "INT32", 0), "monotonic": (3, "BOOL", 0)},
    "Histogram": {"points": (1, "Buckets", 1), "temporality": (2, "INT32", 0)},
    "Metric": {"name": (1, "STRING", 0), "unit": (3, "STRING", 0), "gauge": (5, "Gauge", 0), "sum": (7, "Sum", 0),
               "histogram": (9, "Histogram", 0)},
    "ScopeMetrics": {"scope": (1, "Scope", 0), "metrics": (2, "Metric", 1)},
    "ResourceMetrics": {"resource": (1, "Resource", 0), "scopes": (2, "ScopeMetrics", 1)},
    "Request": {"resources": (1, "ResourceMetrics", 1)},
}
file = descriptor_pb2.FileDescriptorProto(name="otlp.proto", package="otlp", syntax="proto3")
kinds = descriptor_pb2.FieldDescriptorProto
for name, fields in MESSAGES.items():
    message = file.message_type.add(name=name)
    for field, (number, kind, repeated) in fields.items():
        added = message.field.add(name=field, number=number, label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL)
        if kind in MESSAGES:
            added.type, added.type_name = kinds.TYPE_MESSAGE, ".otlp." + kind
        else:
            added.type = getattr(kinds, "TYPE_" + kind)
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
Request = make(pool.FindMessageTypeByName("otlp.Request"))
lock = threading.Lock()


def attributes(of):
    return {one.key: one.value.string or one.value.int or one.value.double or one.value.bool for one in of}


def number(value):
    return value if math.isfinite(value) else str(value)  # JSON has no words for the others


def take(body, way):
    for resource in Request.FromString(body).resources:
        whose = attributes(resource.resource.attributes)
        for metric in (metric for scope in resource.scopes for metric in scope.metrics):
            kind = next(kind for kind in ("gauge", "sum", "histogram") if metric.HasField(kind))
            points = [[attributes(p.attributes), number(p.double or p.int)] if kind != "histogram" else [{}, p.count, sum(p.counts), len(p.bounds)]
                      for p in getattr(metric, kind).points]
            with lock:
                print(json.dumps({"way": way, "resource": whose, "name": metric.name, "kind": kind, "points": points}, allow_nan=False), flush=True)
    return b""  # a response without a field


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/v1/metrics" and self.headers["Content-Type"] == "application/x-protobuf"
        answer = take(body, "http") if good else b""
        self.send_response(200 if good else 404)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()

    def log_message(self, *_):
        pass


server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    {"Export": grpc.unary_unary_rpc_method_handler(lambda body, _: take(body, "grpc"))}),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"grpc {port}\nhttp {web.server_address[1]}", flush=True)
web.serve_forever()
