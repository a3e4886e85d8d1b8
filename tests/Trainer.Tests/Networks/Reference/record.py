"""Records what PyTorch computes for a small network as ReferenceValues.cs beside this script.

    /usr/bin/python3 record.py > ReferenceValues.cs        (Debian 12: python3-torch 1.13)

The layout is Hem's: per layer the weights [inputs, outputs] row by row, then the biases.
"""
import torch

WIDTHS = [7, 9, 8, 5]
BATCH, STEPS = 6, 20
RATE, BETA1, BETA2, EPSILON = 0.01, 0.9, 0.999, 1e-8

torch.manual_seed(2024)
torch.set_num_threads(1)
weights = [(torch.randn(i, o) * (2 / i) ** 0.5).requires_grad_() for i, o in zip(WIDTHS, WIDTHS[1:])]
biases = [(torch.randn(o) * 0.1).requires_grad_() for o in WIDTHS[1:]]
parameters = [p for pair in zip(weights, biases) for p in pair]
inputs = torch.randn(BATCH, WIDTHS[0], requires_grad=True)
actions = torch.randint(0, WIDTHS[-1], (BATCH,))


def flat(tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def forward():
    x = inputs
    for w, b in zip(weights[:-1], biases[:-1]):
        x = torch.relu(x @ w + b)
    return x @ weights[-1] + biases[-1]


def loss_and_gradients():
    for t in [inputs, *parameters]:
        t.grad = None
    loss = torch.nn.functional.cross_entropy(forward(), actions)
    loss.backward()
    return loss.item()


def adam(step, moments):
    rate = RATE * (1 - BETA2 ** step) ** 0.5 / (1 - BETA1 ** step)
    with torch.no_grad():
        for p, (m, v) in zip(parameters, moments):
            m.mul_(BETA1).add_(p.grad, alpha=1 - BETA1)
            v.mul_(BETA2).addcmul_(p.grad, p.grad, value=1 - BETA2)
            p -= rate * m / (v.sqrt() + EPSILON)


def emit(name, values):
    values = [float(v) for v in values]
    print(f"    public static readonly float[] {name} =\n    [")
    for i in range(0, len(values), 8):
        print("        " + " ".join(f"{v:.9g}f," for v in values[i:i + 8]))
    print("    ];\n")


print("namespace Trainer.Tests.Networks.Reference;\n")
print(f"/// <summary>Recorded by record.py with PyTorch {torch.__version__}.</summary>")
print("internal static class ReferenceValues\n{")
print(f"    public static readonly int[] Widths = [{', '.join(map(str, WIDTHS))}];\n")
print(f"    public static readonly int[] Actions = [{', '.join(str(int(a)) for a in actions)}];\n")
emit("Inputs", inputs.detach().reshape(-1))
emit("Parameters", flat(parameters))
emit("Outputs", forward().detach().reshape(-1))
moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
losses = [loss_and_gradients()]
emit("Gradients", flat(p.grad for p in parameters))
emit("InputGradients", inputs.grad.reshape(-1))
for t in range(1, STEPS + 1):
    adam(t, moments)
    losses.append(loss_and_gradients())
print("    /// <summary>The loss before the first step of Adam (rate 0.01), and after each.</summary>")
emit("Losses", losses)
print(f"    /// <summary>The parameters after {STEPS} steps.</summary>")
print("    public static readonly float[] TrainedParameters =\n    [")
values = [float(v) for v in flat(parameters)]
for i in range(0, len(values), 8):
    print("        " + " ".join(f"{v:.9g}f," for v in values[i:i + 8]))
print("    ];\n}")
