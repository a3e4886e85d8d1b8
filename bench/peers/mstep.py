"""One M-step of hEM in eager PyTorch, driven over standard input so that its rounds can take turns with another program's.

The bench starts one such process for each kind of OpenBLAS kernels that the machine can run (OPENBLAS_CORETYPE) and compares with the fastest.
Each line "VARIANT STEPS" is answered by a line of so many step times in seconds. VARIANT is how Adam walks the parameters: "single" (one tensor
after the other) or "foreach" (all at once). "quit" or the end of the input ends the program. The batches, which it takes in turns, are those of the
bench, from the file that HEM_BENCH_SAMPLES names: all inputs as floats, then all actions as 32-bit integers.
"""
import itertools
import os
import sys
import time

import torch
from torch import nn

BATCH, INPUTS, HIDDEN, LAYERS, ACTIONS = 64, 60, 256, 5, 50


def read_batches():
    with open(os.environ["HEM_BENCH_SAMPLES"], "rb") as file:
        data = bytearray(file.read())
    rows = len(data) // (4 * (INPUTS + 1))
    inputs = torch.frombuffer(data, dtype=torch.float32, count=rows * INPUTS).view(-1, BATCH, INPUTS)
    actions = torch.frombuffer(data, dtype=torch.int32, offset=4 * rows * INPUTS).view(-1, BATCH).long()
    return list(zip(inputs.unbind(), actions.unbind()))


def make_step(foreach, batches):
    torch.manual_seed(1)
    widths = [INPUTS] + [HIDDEN] * LAYERS
    modules = []
    for i, o in zip(widths, widths[1:]):
        modules += [nn.Linear(i, o), nn.ReLU(inplace=True)]
    network = nn.Sequential(*modules, nn.Linear(HIDDEN, ACTIONS))
    for module in network:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, foreach=foreach)
    turns = itertools.cycle(batches)

    def step():
        inputs, actions = next(turns)
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.nll_loss(nn.functional.log_softmax(network(inputs), dim=1), actions)
        loss.backward()
        optimizer.step()

    return step


def main():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    batches = read_batches()
    steps = {"single": make_step(False, batches), "foreach": make_step(True, batches)}
    for step in steps.values():
        for _ in range(50):
            step()
    print("ready", torch.__version__, torch.backends.cpu.get_cpu_capability()
          if hasattr(torch.backends, "cpu") and hasattr(torch.backends.cpu, "get_cpu_capability") else "", flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        variant, count = line.split()
        step, times = steps[variant], []
        for _ in range(int(count)):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(*times, flush=True)


main()
