"""One step on images in eager PyTorch, driven over standard input so that its rounds can take turns with another program's.

Two images a sample through one shared trunk, then five dense layers of 256, a 50-way cross-entropy, backward, Adam; batch 64. The bench starts a
process for each setting worth trying (OPENBLAS_CORETYPE; whether malloc keeps freed memory) and compares with the fastest. Each line
"SIZE-FORMAT STEPS" (FORMAT: nhwc, channels last, or nchw) is answered by a line of so many step times in seconds. "quit" or the end of the input ends the
program.
"""
import sys
import time

import torch
from torch import nn

BATCH, HIDDEN, LAYERS, ACTIONS = 64, 256, 5, 50
SIZES = [84, 48]


class Network(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 32, 8, 4), nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, 4, 2), nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, 2), nn.ReLU(inplace=True), nn.Flatten())
        features = self.trunk(torch.zeros(1, 3, size, size)).shape[1]
        widths = [2 * features] + [HIDDEN] * LAYERS
        dense = []
        for i, o in zip(widths, widths[1:]):
            dense += [nn.Linear(i, o), nn.ReLU(inplace=True)]
        self.dense = nn.Sequential(*dense, nn.Linear(HIDDEN, ACTIONS))
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, images):
        return self.dense(self.trunk(images).reshape(BATCH, -1))


def make_step(size, memory_format):
    torch.manual_seed(1)
    network = Network(size).to(memory_format=memory_format)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, foreach=True)
    # State and goal images as one batch of twice the size.
    images = torch.rand(2 * BATCH, 3, size, size).contiguous(memory_format=memory_format)
    actions = torch.randint(0, ACTIONS, (BATCH,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.nll_loss(nn.functional.log_softmax(network(images), dim=1), actions)
        loss.backward()
        optimizer.step()

    return step


def main():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    formats = {"nhwc": torch.channels_last, "nchw": torch.contiguous_format}
    steps = {f"{size}-{name}": make_step(size, layout) for size in SIZES for name, layout in formats.items()}
    for step in steps.values():
        for _ in range(2):
            step()
    print("ready", torch.__version__, "oneDNN" if torch.backends.mkldnn.is_available() else "", flush=True)
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
