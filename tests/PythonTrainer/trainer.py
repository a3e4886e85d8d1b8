"""A whole trainer in Python on stock gRPC. It learns nothing worth knowing, but keeps docs/trainer-contract.md.

What it does: one Report stream, opened again for ever (token and CA file read anew); trains only once granted; keeps reports until they are
acknowledged; obeys Stop, Save and SIGTERM; saves every checkpointSeconds, whole or not at all, with the reports that are not acknowledged;
leaves another trial's checkpoint alone (64); touches nothing and leaves with 143 when its attempt is over (FAILED_PRECONDITION).
What it leaves out: Checkpoints/Put and Get (without HEM_CHECKPOINT_DIR it saves nothing, and each attempt starts from zero) and an older
checkpoint to fall back to. progress.desc beside it: the descriptor of progress.proto.
HEM_TOY_SECONDS: how long an iteration takes.
"""
import json, os, pathlib, random, signal, sys, threading, time, types
import grpc
from google.protobuf import descriptor_pool, message_factory

pool = descriptor_pool.DescriptorPool()
pool.AddSerializedFile(pathlib.Path(__file__).with_name("progress.desc").read_bytes())
make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
TrainerMessage, HemMessage = (make(pool.FindMessageTypeByName("hem.v1." + name)) for name in ("TrainerMessage", "HemMessage"))

trial, folder = json.loads(os.environ["HEM_TRIAL"]), os.environ.get("HEM_CHECKPOINT_DIR")
hem = types.SimpleNamespace(granted=False, over=False, leave=False, save=False, done=False, acknowledged=0, tail=[])
changed = threading.Condition()  # guards hem.tail and numbers, and tells of changes


def report(**kind):
    with changed:
        hem.tail.append(TrainerMessage(**kind))
        changed.notify_all()


def requests(call):  # what a stream sends: Started; once granted, what is not acknowledged, numbered here; then it half-closes
    yield TrainerMessage(started={"trial": trial["name"], "attempt": os.environ["HEM_ATTEMPT"], "program": "toy 1"})
    while True:
        with changed:
            changed.wait_for(lambda: call.ended or hem.done or (call.granted and call.sent < hem.acknowledged + len(hem.tail)))
            if call.ended or hem.done:
                return
            message = TrainerMessage.FromString(hem.tail[call.sent - hem.acknowledged].SerializeToString())
            call.sent = message.sequence = call.sent + 1
        yield message


def obey(order, call):
    kind = order.WhichOneof("order")
    with changed:
        if kind in ("granted", "acknowledged"):
            up_to = order.granted.acknowledged_up_to if kind == "granted" else order.acknowledged.up_to
            if hem.granted and 0 <= up_to - hem.acknowledged <= len(hem.tail):
                del hem.tail[:up_to - hem.acknowledged]
            hem.acknowledged = up_to  # what is left is numbered from here, even where Hem's store was put back
        if kind == "granted":
            hem.granted, call.granted, call.sent = True, True, up_to
        hem.leave, hem.save = hem.leave or kind == "stop", hem.save or kind == "save"
        changed.notify_all()


def talk():  # connect, listen, connect again
    address, pause = os.environ["HEM_PROGRESS_ADDRESS"], 0.1
    while not hem.done and not hem.over:
        call = types.SimpleNamespace(granted=False, ended=False, sent=0)
        try:
            token, ca = open(os.environ["HEM_PROGRESS_TOKEN_FILE"]).read().strip(), os.environ.get("HEM_PROGRESS_CA_FILE")
            with (grpc.secure_channel(address[8:], grpc.ssl_channel_credentials(open(ca, "rb").read() if ca else None))
                  if address.startswith("https://") else grpc.insecure_channel(address.removeprefix("http://"))) as channel:
                stream = channel.stream_stream("/hem.v1.Progress/Report", TrainerMessage.SerializeToString, HemMessage.FromString)
                for order in stream(requests(call), metadata=[("authorization", "Bearer " + token)]):
                    obey(order, call)
                    pause = 0.1 if order.HasField("acknowledged") else pause
        except (grpc.RpcError, OSError) as error:
            hem.over = isinstance(error, grpc.Call) and error.code() == grpc.StatusCode.FAILED_PRECONDITION  # only this is final
            print("this attempt is over:" if hem.over else "trying again:", repr(error), file=sys.stderr)
        with changed:
            call.ended = True
            changed.notify_all()
        time.sleep(0 if hem.done else pause * random.uniform(0.5, 1))
        pause = min(2 * pause, 5)


def save(state):  # beside, synced, renamed, the folder synced: whatever happens, the previous one is whole
    hem.save, hem.saved = False, time.monotonic()
    state["seconds"] = hem.saved - hem.began
    if not folder or hem.over:
        return
    try:
        path = os.path.join(folder, "toy.json")
        with open(path + ".tmp", "w") as file, changed:
            json.dump({**state, "tail": [message.SerializeToString().hex() for message in hem.tail]}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".tmp", path)
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        report(checkpointed={"iteration": state["next"], "bytes": os.path.getsize(path)})
    except OSError as error:
        print("no checkpoint was saved, training goes on:", error, file=sys.stderr)


def load():
    state = {"trial": trial["name"], "format": 1, "next": 0, "skill": 0.0, "seconds": 0.0}
    if folder:
        os.makedirs(folder, exist_ok=True)
        path = pathlib.Path(folder, "toy.json")
        if path.exists():
            found = json.loads(path.read_text())
            if (found["trial"], found["format"]) != (state["trial"], state["format"]):
                sys.exit(f"{path} is of {found['trial']}, format {found['format']}: it is left alone")
            for message in found.pop("tail"):
                hem.tail.append(TrainerMessage.FromString(bytes.fromhex(message)))
            state = found
            print("resumed at iteration", state["next"], file=sys.stderr)
    hem.began, hem.saved = time.monotonic() - state["seconds"], time.monotonic()
    return state


def train(state):  # True once everything is told, False when it is to leave
    while state["next"] <= trial["parameters"]["iterations"] or hem.tail:
        if hem.save or hem.leave or time.monotonic() - hem.saved >= trial["trainer"]["checkpointSeconds"]:
            save(state)
        if hem.leave or hem.over:
            return False
        if state["next"] > trial["parameters"]["iterations"]:
            time.sleep(0.02)
            continue
        time.sleep(float(os.environ.get("HEM_TOY_SECONDS", "0")))
        i, seconds = state["next"], time.monotonic() - hem.began
        state["skill"] += (1 - state["skill"]) * 0.1 * random.Random(trial["seed"] * 1000 + i).random()
        state["next"] = i + 1
        report(evaluated={"iteration": i, "trajectories": i, "success_rate": state["skill"], "loss": 1 - state["skill"],
                          "wall_seconds": seconds})
        if i == trial["parameters"]["iterations"]:
            report(finished={"iteration": i, "wall_seconds": seconds})
    return True


def main():
    signal.signal(signal.SIGTERM, lambda *_: setattr(hem, "leave", True))
    connection = threading.Thread(target=talk, daemon=True)
    connection.start()
    while not hem.granted:  # before that the folder may be another attempt's
        if hem.leave or hem.over:
            return 143
        time.sleep(0.02)
    try:
        code = 0 if train(load()) else 143
    except (Exception, SystemExit) as error:
        code = 64 if isinstance(error, SystemExit) else 1
        print("failed:", repr(error), file=sys.stderr)
        report(failed={"reason": str(error), "permanent": code == 64})
    with changed:  # a moment for the last reports (a Failed says why to people), then half-close
        changed.wait_for(lambda: not hem.tail or hem.over, 2)
        hem.done = True
        changed.notify_all()
    connection.join(1)
    return code


sys.exit(main())
