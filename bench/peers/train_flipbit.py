"""hEM on flip bit in plain PyTorch: the peer of `hem-bench train-flipbit`.

The same algorithm, sizes, episodes and updates as trainer/Hem.Trainer/Algorithms/Hem.cs, written the way one would write it for speed in
PyTorch: all environments of an iteration are one tensor and take a step together, the replay is preallocated, relabelling is indexing,
evaluation records nothing, denormal numbers count as zero, Adam is either of PyTorch's two (--adam single, one tensor after the other, or
foreach, all at once). The bench that starts it tries both, each with every kind of OpenBLAS kernels (OPENBLAS_CORETYPE) that the machine
can run, and compares with the fastest.
Prints one line of JSON: the seconds of training (start-up not counted) and the success rates.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F


def make_policy(bits, layers=5, units=256):
    sizes = [2 * bits] + [units] * layers + [bits]
    modules = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        linear = nn.Linear(inputs, outputs)
        nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


class Replay:
    """Whole trajectories, first in first out: bits as bytes, one row a trajectory. Workers add in step and draw only their own."""

    def __init__(self, workers, capacity_per_worker, bits):
        self.workers, self.capacity = workers, capacity_per_worker
        self.states = torch.zeros(workers, capacity_per_worker, bits + 1, bits, dtype=torch.uint8)
        self.actions = torch.zeros(workers, capacity_per_worker, bits, dtype=torch.int64)
        self.lengths = torch.zeros(workers, capacity_per_worker, dtype=torch.int64)
        self.added = 0

    def add(self, states, actions, lengths):
        n = states.shape[0] // self.workers
        slots = torch.arange(self.added, self.added + n) % self.capacity
        self.states[:, slots] = states.view(self.workers, n, *states.shape[1:])
        self.actions[:, slots] = actions.view(self.workers, n, -1)
        self.lengths[:, slots] = lengths.view(self.workers, n)
        self.added += n

    def sample(self, batch_per_worker):
        shape = (self.workers, batch_per_worker)
        worker = torch.arange(self.workers)[:, None].expand(shape).reshape(-1)
        slot = torch.randint(min(self.added, self.capacity), (worker.numel(),))
        length = self.lengths[worker, slot]
        t = (torch.rand(slot.numel()) * length).long()
        future = t + 1 + (torch.rand(slot.numel()) * (length - t)).long()
        inputs = torch.cat([self.states[worker, slot, t], self.states[worker, slot, future]], 1).float()
        return inputs, self.actions[worker, slot, t]


@torch.inference_mode()
def rollout(policy, bits, count, epsilon):
    """count episodes at once; ended ones leave the batch. epsilon None: greedy, and only the successes are kept.

    A greedy episode that comes back to a state would go round for ever: it has failed and leaves the batch too.
    """
    recording = epsilon is not None
    states = actions = lengths = None
    if recording:
        states = torch.zeros(count, bits + 1, bits, dtype=torch.uint8)
        actions = torch.zeros(count, bits, dtype=torch.int64)
        lengths = torch.zeros(count, dtype=torch.int64)
    goal = torch.randint(2, (count, bits), dtype=torch.uint8)
    state = torch.randint(2, (count, bits), dtype=torch.uint8)
    if recording:
        states[:, 0] = state
        active = torch.arange(count)
    else:
        code = (state.long() << torch.arange(bits)).sum(1)
        seen = torch.zeros(count, bits + 1, dtype=torch.int64)
        seen[:, 0] = code
    successes = 0
    for t in range(bits):
        logits = policy(torch.cat([state, goal], 1).float())
        if epsilon is None:
            action = logits.argmax(1)
        else:
            action = torch.multinomial(F.softmax(logits, 1), 1).squeeze(1)
            uniform = torch.randint(bits, action.shape)
            action = torch.where(torch.rand(action.shape) < epsilon, uniform, action)
        state.scatter_(1, action[:, None], 1 - state.gather(1, action[:, None]))
        if recording:
            states[active, t + 1] = state
            actions[active, t] = action
            lengths[active] = t + 1
        ended = (state == goal).all(1)
        successes += int(ended.sum())
        if not recording:
            code = code ^ (1 << action)
            ended |= (seen[:, : t + 1] == code[:, None]).any(1)
            seen[:, t + 1] = code
        if ended.any():
            state, goal = state[~ended], goal[~ended]
            if recording:
                active = active[~ended]
            else:
                code, seen = code[~ended], seen[~ended]
            if state.shape[0] == 0:
                break
    return states, actions, lengths, successes


def train(bits, iterations, workers, n, batch, updates, buffer, episodes, epsilon=0.2, lr=1e-3, adam="foreach"):
    policy = make_policy(bits)
    optimizer = torch.optim.Adam(policy.parameters(), lr=lr, foreach=adam == "foreach")
    replay = Replay(workers, buffer // workers, bits)
    curve = [rollout(policy, bits, episodes, None)[3] / episodes]
    for _ in range(iterations):
        replay.add(*rollout(policy, bits, workers * n, epsilon)[:3])
        for _ in range(updates):
            inputs, actions = replay.sample(batch)
            loss = F.cross_entropy(policy(inputs), actions)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        curve.append(rollout(policy, bits, episodes, None)[3] / episodes)
    return curve


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, value in dict(bits=25, iterations=20, workers=1, n=20, batch=64, updates=40, buffer=20_000, episodes=200, seed=1).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--adam", choices=["single", "foreach"], default="foreach")
    options = vars(parser.parse_args())
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.pop("seed"))
    train(**{**options, "iterations": 1})  # warm up
    begin = time.perf_counter()
    curve = train(**options)
    print(json.dumps({"seconds": time.perf_counter() - begin, "curve": curve}))
