"""A trainer in Python on stock gRPC: honours docs/trainer-contract.md, learns nothing worth knowing.

Its messages come from progress.desc beside it, the descriptor of progress.proto; `protoc --python_out` does as well.
HEM_TOY_SECONDS: how long an iteration takes.
"""
import json, os, random, signal, sys, threading, time
import grpc
from google.protobuf import descriptor_pool, message_factory

here = os.path.dirname(os.path.abspath(__file__))
pool = descriptor_pool.DescriptorPool()
pool.AddSerializedFile(open(os.path.join(here, "progress.desc"), "rb").read())
make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
TrainerMessage, HemMessage = (make(pool.FindMessageTypeByName("hem.v1." + name)) for name in ("TrainerMessage", "HemMessage"))

trial, folder = json.loads(os.environ["HEM_TRIAL"]), os.environ["HEM_CHECKPOINT_DIR"]
changed, granted, leave, save_now = threading.Condition(), threading.Event(), threading.Event(), threading.Event()
tail, last = [], 0  # reports that are not acknowledged, and the last sequence number


def report(**kind):
    global last
    with changed:
        last += 1
        tail.append(TrainerMessage(sequence=last, **kind))
        changed.notify_all()


def requests(call):  # one stream: Started, then after Granted whatever is not acknowledged
    yield TrainerMessage(started={"trial": trial["name"], "attempt": os.environ.get("HEM_ATTEMPT", ""), "program": "toy 1"})
    sent = 0
    while not call["over"]:
        with changed:
            changed.wait(0.5)
            fresh = [message for message in tail if message.sequence > sent] if call["granted"] else []
        for message in fresh:
            yield message
            sent = message.sequence


def talk():  # for ever: connect, listen, connect again
    address = os.environ["HEM_PROGRESS_ADDRESS"]
    while True:
        call = {"over": False, "granted": False}
        try:
            metadata = []
            if os.environ.get("HEM_PROGRESS_TOKEN_FILE"):
                metadata.append(("authorization", "Bearer " + open(os.environ["HEM_PROGRESS_TOKEN_FILE"]).read().strip()))
            if address.startswith("https://"):
                channel = grpc.secure_channel(address[8:], grpc.ssl_channel_credentials(open(os.environ["HEM_PROGRESS_CA_FILE"], "rb").read()))
            else:
                channel = grpc.insecure_channel(address.removeprefix("http://"))
            with channel:
                stream = channel.stream_stream("/hem.v1.Progress/Report", TrainerMessage.SerializeToString, HemMessage.FromString)
                for order in stream(requests(call), metadata=metadata):
                    kind = order.WhichOneof("order")
                    with changed:
                        if kind in ("granted", "acknowledged"):
                            up_to = order.granted.acknowledged_up_to if kind == "granted" else order.acknowledged.up_to
                            tail[:] = [message for message in tail if message.sequence > up_to]
                        if kind == "granted":
                            call["granted"] = True
                            granted.set()
                        elif kind == "stop":
                            leave.set()
                        elif kind == "save":
                            save_now.set()
                        changed.notify_all()
        except (grpc.RpcError, OSError) as error:
            print("no connection, trying again:", getattr(error, "details", lambda: error)(), file=sys.stderr)
        call["over"] = True
        time.sleep(0.2)


def save(state):  # beside, synced, renamed: a crash leaves the previous one whole
    path = os.path.join(folder, "toy.json")
    with open(path + ".tmp", "w") as file:
        json.dump({**state, "tail": [message.SerializeToString().hex() for message in tail]}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)
    report(checkpointed={"iteration": state["iteration"], "bytes": os.path.getsize(path)})


def main():
    signal.signal(signal.SIGTERM, lambda *_: leave.set())
    threading.Thread(target=talk, daemon=True).start()
    while not granted.wait(0.1):  # before that the folder may be somebody else's
        if leave.is_set():
            return 143
    os.makedirs(folder, exist_ok=True)
    state = {"iteration": -1, "skill": 0.0}
    if os.path.exists(os.path.join(folder, "toy.json")):
        state = json.load(open(os.path.join(folder, "toy.json")))
        for message in map(TrainerMessage.FromString, map(bytes.fromhex, state.pop("tail"))):
            report(**{message.WhichOneof("report"): getattr(message, message.WhichOneof("report"))})
    while state["iteration"] < trial["parameters"]["iterations"]:
        if leave.is_set():
            save(state)
            return 143
        if save_now.is_set():
            save_now.clear()
            save(state)
        time.sleep(float(os.environ.get("HEM_TOY_SECONDS", "0")))
        i = state["iteration"] = state["iteration"] + 1
        state["skill"] += (1 - state["skill"]) * 0.1 * random.Random(trial["seed"] * 1000 + i).random()
        report(evaluated={"iteration": i, "trajectories": i, "success_rate": state["skill"], "loss": 1 - state["skill"]})
    report(finished={"iteration": state["iteration"]})
    while True:  # complete is complete only once Hem has it
        with changed:
            if changed.wait_for(lambda: not tail or leave.is_set(), 0.5):
                break
    if tail:
        save(state)
    return 143 if tail else 0


sys.exit(main())
