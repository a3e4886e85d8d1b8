"""One update of HER's actor and critic (DDPG) in eager PyTorch, driven over standard input so that its rounds can take turns with another
program's.

Each line "VARIANT STEPS" is answered by a line of so many step times in seconds. VARIANT is how Adam walks the parameters: "single" (one tensor
after the other) or "foreach" (all at once). "quit" or the end of the input ends the program.
"""
import sys
import time

import torch
from torch import nn

BATCH, STATE, GOAL, ACTION, HIDDEN, LAYERS = 256, 10, 3, 3, 256, 5
DISCOUNT, LOW, HIGH, PENALTY = 0.98, -50.0, 0.0, 1.0


def make_network(inputs, outputs):
    widths = [inputs] + [HIDDEN] * LAYERS
    modules = []
    for i, o in zip(widths, widths[1:]):
        modules += [nn.Linear(i, o), nn.ReLU(inplace=True)]
    network = nn.Sequential(*modules, nn.Linear(HIDDEN, outputs))
    for module in network:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return network


def make_step(foreach):
    torch.manual_seed(1)
    policy, target_policy = make_network(STATE + GOAL, ACTION), make_network(STATE + GOAL, ACTION)
    critic, target_critic = make_network(STATE + GOAL + ACTION, 1), make_network(STATE + GOAL + ACTION, 1)
    policy_adam = torch.optim.Adam(policy.parameters(), lr=1e-3, foreach=foreach)
    critic_adam = torch.optim.Adam(critic.parameters(), lr=1e-3, foreach=foreach)
    policy_parameters = list(policy.parameters())
    inputs, next_inputs = torch.randn(BATCH, STATE + GOAL), torch.randn(BATCH, STATE + GOAL)
    actions, rewards = torch.rand(BATCH, ACTION) * 2 - 1, -torch.ones(BATCH, 1)

    def step():
        with torch.no_grad():
            next_actions = torch.tanh(target_policy(next_inputs))
            targets = (rewards + DISCOUNT * target_critic(torch.cat([next_inputs, next_actions], 1))).clamp_(LOW, HIGH)
        critic_adam.zero_grad(set_to_none=True)
        nn.functional.mse_loss(critic(torch.cat([inputs, actions], 1)), targets).backward()
        chosen = torch.tanh(policy(inputs))
        loss = -critic(torch.cat([inputs, chosen], 1)).mean() + PENALTY * chosen.square().mean()

        # The gradients of the policy's parameters alone: none are computed for the critic's.
        for parameter, gradient in zip(policy_parameters, torch.autograd.grad(loss, policy_parameters)):
            parameter.grad = gradient
        critic_adam.step()
        policy_adam.step()

    return step


def main():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    steps = {"single": make_step(False), "foreach": make_step(True)}
    for step in steps.values():
        for _ in range(20):
            step()
    print("ready", torch.__version__, flush=True)
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
