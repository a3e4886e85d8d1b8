"""The least that a trainer must do, in Python on stock gRPC: docs/trainer-contract.md without checkpoints and without reconnecting. Each
attempt starts from zero, and a lost connection fails it. trainer.py is one that survives all of that; progress.desc beside it is the
descriptor of progress.proto."""
import json, os, pathlib, queue, random, signal, sys
import grpc
from google.protobuf import descriptor_pool, message_factory

pool = descriptor_pool.DescriptorPool()
pool.AddSerializedFile(pathlib.Path(__file__).with_name("progress.desc").read_bytes())
make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
TrainerMessage, HemMessage = (make(pool.FindMessageTypeByName("hem.v1." + name)) for name in ("TrainerMessage", "HemMessage"))


def connect(address):
    if not address.startswith("https://"):
        return grpc.insecure_channel(address.removeprefix("http://"))
    ca = os.environ.get("HEM_PROGRESS_CA_FILE")
    return grpc.secure_channel(address[8:], grpc.ssl_channel_credentials(open(ca, "rb").read() if ca else None))


def train(trial, report):  # stands for the learning: a success rate that creeps up, the same for the same seed
    iterations, skill, chance = trial["parameters"]["iterations"], 0.0, random.Random(trial["seed"])
    for iteration in range(iterations + 1):
        report(evaluated={"iteration": iteration, "trajectories": 20 * iteration, "success_rate": skill, "loss": 1 - skill})
        skill += (1 - skill) * 0.1 * chance.random()
    report(finished={"iteration": iterations})


def main():
    trial, reports = json.loads(os.environ["HEM_TRIAL"]), queue.Queue()
    token = open(os.environ["HEM_PROGRESS_TOKEN_FILE"]).read().strip()
    sent = 0

    def report(**kind):  # numbered from 1, without gaps
        nonlocal sent
        sent += 1
        reports.put(TrainerMessage(sequence=sent, **kind))

    with connect(os.environ["HEM_PROGRESS_ADDRESS"]) as channel:
        call = channel.stream_stream("/hem.v1.Progress/Report", TrainerMessage.SerializeToString, HemMessage.FromString)
        reports.put(TrainerMessage(started={"trial": trial["name"], "attempt": os.environ["HEM_ATTEMPT"], "program": "minimal 1"}))
        for order in call(iter(reports.get, None), metadata=[("authorization", "Bearer " + token)]):
            if order.HasField("granted"):  # before that, nothing: another attempt may still be alive
                train(trial, report)
            elif order.HasField("stop"):
                return 143
            elif order.HasField("acknowledged") and order.acknowledged.up_to == sent:
                reports.put(None)  # all is stored: half-close, and leave with 0
                return 0
    return 1


signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
sys.exit(main())
