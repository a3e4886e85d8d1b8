// The trainer's networks on libtorch, behind a few C functions: libtorch 1.13 to current, on the processor or a GPU. Functions that can
// fail return 0, or else 1 (2: the GPU's memory is full), with the reason in hem_torch_error. Parameters lie as in the managed backend:
// layer by layer, weights [inputs, outputs] (of a convolution [rows of the window, columns, channels, filters]), then biases.
#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#ifdef HEM_TORCH_CUDA
#include <optional>

#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

#define HEM_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int32_t kVersion = 2;

thread_local std::string last_error;

template <typename Body>
int32_t guarded(Body&& body) {
    try {
        body();
        return 0;
    } catch (const c10::OutOfMemoryError& e) {
        last_error = e.what_without_backtrace();
        return 2;
    } catch (const c10::Error& e) {
        last_error = e.what_without_backtrace();
    } catch (const std::exception& e) {
        last_error = e.what();
    }
    return 1;
}

}  // namespace

// As HemTorchNative.cs declares it.
extern "C" struct HemTorchConvolution {
    int32_t channels, filters, kernel, stride, pad_before, pad_after;
};

extern "C" struct HemTorchShape {
    int64_t inputs;           // numbers in a row
    int32_t images;           // at the start of a row; 0: no trunk
    int32_t image_size;
    int32_t convolution_count;
    int32_t width_count;      // of the dense layers: what goes in, ..., what comes out
    int32_t hidden_tanh;      // else relu
    const HemTorchConvolution* convolutions;
    const int64_t* widths;
};

namespace {

struct Network {
    std::vector<HemTorchConvolution> convolutions;
    std::vector<int64_t> widths;
    int64_t inputs, images, image_size;
    bool tanh;
    torch::Device device{torch::kCPU};
    torch::Tensor parameters;  // the leaf: all of them, flat
    torch::Tensor gradients;   // in their layout
    torch::Tensor first, second;
    torch::Tensor input, output;
    // Of a captured step: what it reads and writes, always at the same place, and on the host's side memory that the GPU can copy from.
    std::function<void()> step;
    torch::Tensor captured_input, captured_actions, captured_loss, staged_input, staged_actions;
    // What differs from step to step, on the device, so that a captured step can read it.
    torch::Tensor rate;
#ifdef HEM_TORCH_CUDA
    std::optional<c10::cuda::CUDAStream> stream;
    std::unique_ptr<at::cuda::CUDAGraph> graph;
#endif

    explicit Network(const HemTorchShape& shape)
        : convolutions(shape.convolutions, shape.convolutions + shape.convolution_count),
          widths(shape.widths, shape.widths + shape.width_count),
          inputs(shape.inputs), images(shape.images), image_size(shape.image_size), tanh(shape.hidden_tanh != 0) {}

    int64_t parameter_count() const {
        int64_t count = 0;
        for (const auto& c : convolutions) count += (int64_t(c.kernel) * c.kernel * c.channels + 1) * c.filters;
        for (size_t i = 0; i + 1 < widths.size(); i++) count += (widths[i] + 1) * widths[i + 1];
        return count;
    }

    torch::Tensor forward(const torch::Tensor& rows) const {
        int64_t offset = 0;
        auto take = [&](int64_t count) {
            auto part = parameters.narrow(0, offset, count);
            offset += count;
            return part;
        };
        auto x = rows;
        const auto batch = rows.size(0);
        if (!convolutions.empty()) {
            const auto image_floats = images * image_size * image_size * 3;
            // [batch * images, channels, rows, columns] in the memory of the rows: channels last.
            auto y = rows.narrow(1, 0, image_floats).reshape({batch * images, image_size, image_size, 3}).permute({0, 3, 1, 2});
            for (const auto& c : convolutions) {
                if (c.pad_before != 0 || c.pad_after != 0)
                    y = torch::constant_pad_nd(y, {c.pad_before, c.pad_after, c.pad_before, c.pad_after}, 0);
                auto weight = take(int64_t(c.kernel) * c.kernel * c.channels * c.filters)
                                  .view({c.kernel, c.kernel, c.channels, c.filters}).permute({3, 2, 0, 1});
                y = torch::relu(torch::conv2d(y, weight, take(c.filters), {c.stride, c.stride}));
            }
            auto features = y.permute({0, 2, 3, 1}).reshape({batch, -1});
            x = inputs > image_floats ? torch::cat({features, rows.narrow(1, image_floats, inputs - image_floats)}, 1) : features;
        }
        for (size_t i = 0; i + 1 < widths.size(); i++) {
            auto weight = take(widths[i] * widths[i + 1]).view({widths[i], widths[i + 1]});
            x = torch::addmm(take(widths[i + 1]), x, weight);
            if (i + 2 < widths.size()) x = tanh ? torch::tanh(x) : torch::relu(x);
        }
        return x;
    }

    // Adam as the managed backend has it, the corrections of both biases in the rate.
    void adam(double beta1, double beta2, double epsilon) {
        torch::NoGradGuard no_gradient;
        first.mul_(beta1).add_(gradients, 1 - beta1);
        second.mul_(beta2).addcmul_(gradients, gradients, 1 - beta2);
        parameters.sub_(first.div(second.sqrt().add_(epsilon)).mul_(rate));
    }

#ifdef HEM_TORCH_CUDA
    // A stream of the pool does not wait for the others: what is put on it now does, for what the caller's stream has yet to do.
    void let_stream_wait() {
        at::cuda::CUDAEvent event;
        event.record(c10::cuda::getCurrentCUDAStream(device.index()));
        event.block(*stream);
    }

    // Makes the step a CUDA graph. Before it is captured it must have run, on a stream that is not the default one, so that libraries have
    // their handles and workspaces; what that changed is put back.
    void capture_graph(const std::function<void()>& body) {
        stream = c10::cuda::getStreamFromPool(false, device.index());
        let_stream_wait();
        c10::cuda::CUDAStreamGuard on_stream(*stream);
        const std::vector<torch::Tensor> state{parameters, gradients, first, second};
        std::vector<torch::Tensor> saved;
        for (const auto& tensor : state) saved.push_back(tensor.detach().clone());
        auto put_back = [&] {
            torch::NoGradGuard no_gradient;
            for (size_t i = 0; i < state.size(); i++) state[i].copy_(saved[i]);
            stream->synchronize();
        };
        auto made = std::make_unique<at::cuda::CUDAGraph>();
        bool capturing = false;
        try {
            for (int i = 0; i < 3; i++) body();
            put_back();
            capturing = true;
            made->capture_begin();
            body();
            made->capture_end();
        } catch (const std::exception&) {
            auto failure = std::current_exception();
            try {
                if (capturing) made->capture_end();
                else put_back();
            } catch (const std::exception&) {
                // The first failure says more.
            }
            std::rethrow_exception(failure);
        }
        graph = std::move(made);
    }
#endif
};

torch::Tensor wrap(const float* data, int64_t rows, int64_t columns) {
    return torch::from_blob(const_cast<float*>(data), {rows, columns}, torch::kFloat32);
}

}  // namespace

HEM_EXPORT int32_t hem_torch_version() { return kVersion; }

HEM_EXPORT const char* hem_torch_error() { return last_error.c_str(); }

HEM_EXPORT const char* hem_torch_libtorch_version() { return TORCH_VERSION; }

HEM_EXPORT int32_t hem_torch_cuda_is_available() {
    try {
        return torch::cuda::is_available() ? 1 : 0;
    } catch (const std::exception& e) {
        last_error = e.what();
        return 0;
    }
}

// Computes something on the GPU: a libtorch may see one that it has no code for.
HEM_EXPORT int32_t hem_torch_cuda_check() {
    return guarded([&] {
#ifdef HEM_TORCH_CUDA
        c10::cuda::device_count_ensure_non_zero();
        auto ones = torch::ones({8, 8}, torch::TensorOptions().device(torch::Device(torch::kCUDA, 0)));
        TORCH_CHECK(torch::mm(ones, ones).sum().item<float>() == 512, "it computes wrongly");
#else
        TORCH_CHECK(false, "it is built without CUDA");
#endif
    });
}

HEM_EXPORT int32_t hem_torch_set_num_threads(int32_t threads) {
    return guarded([&] { torch::set_num_threads(threads); });
}

// device: 0 the processor, 1 the GPU (of several the first that CUDA_VISIBLE_DEVICES leaves). Parameters are zero.
HEM_EXPORT int32_t hem_torch_network_create(const HemTorchShape* shape, int32_t device, void** result) {
    return guarded([&] {
        auto network = std::make_unique<Network>(*shape);
        network->device = device == 0 ? torch::Device(torch::kCPU) : torch::Device(torch::kCUDA, 0);
        // On a GPU too, numbers of 32 bits are computed as such (TF32 has 10 bits of precision, and is cuDNN's default), and a convolution
        // is the same in every run.
        at::globalContext().setAllowTF32CuBLAS(false);
        at::globalContext().setAllowTF32CuDNN(false);
        at::globalContext().setDeterministicCuDNN(true);
        auto options = torch::TensorOptions().dtype(torch::kFloat32).device(network->device);
        const auto count = network->parameter_count();
        network->parameters = torch::zeros({count}, options).requires_grad_();
        network->gradients = torch::zeros({count}, options);
        network->first = torch::zeros({count}, options);
        network->second = torch::zeros({count}, options);
        network->rate = torch::zeros({}, options);
        *result = network.release();
    });
}

HEM_EXPORT void hem_torch_network_dispose(void* network) { delete static_cast<Network*>(network); }

HEM_EXPORT int64_t hem_torch_network_parameter_count(void* network) { return static_cast<Network*>(network)->parameter_count(); }

// which: 0 parameters, 1 gradients, 2 and 3 Adam's moments.
HEM_EXPORT int32_t hem_torch_network_copy(void* handle, int32_t which, int32_t to_host, float* host) {
    return guarded([&] {
        torch::NoGradGuard no_gradient;
        auto& n = *static_cast<Network*>(handle);
        auto& tensor = which == 0 ? n.parameters : which == 1 ? n.gradients : which == 2 ? n.first : n.second;
        auto memory = torch::from_blob(host, {tensor.size(0)}, torch::kFloat32);
        if (to_host) memory.copy_(tensor);
        else tensor.copy_(memory);
    });
}

HEM_EXPORT int32_t hem_torch_network_forward(
    void* handle, const float* inputs, int64_t batch, int32_t input_gradients, float* outputs) {
    return guarded([&] {
        auto& n = *static_cast<Network*>(handle);
        // Memory of the caller's is not kept: it may be filled anew before Backward.
        n.input = wrap(inputs, batch, n.inputs).to(n.device, torch::kFloat32, false, /*copy*/ true);
        n.input.requires_grad_(input_gradients != 0);
        n.output = n.forward(n.input);
        wrap(outputs, batch, n.widths.back()).copy_(n.output.detach());
    });
}

// input_gradients: [batch, inputs], or null. parameter_gradients: 0 leaves them alone.
HEM_EXPORT int32_t hem_torch_network_backward(
    void* handle, const float* output_gradients, int64_t batch, int32_t parameter_gradients, int32_t accumulate, float* input_gradients) {
    return guarded([&] {
        auto& n = *static_cast<Network*>(handle);
        TORCH_CHECK(n.output.defined() && n.output.size(0) == batch, "backward of a batch that was not the last forward's");
        auto slopes = wrap(output_gradients, batch, n.widths.back()).to(n.device);
        std::vector<torch::Tensor> wanted;
        if (parameter_gradients) wanted.push_back(n.parameters);
        if (input_gradients) wanted.push_back(n.input);
        auto results = torch::autograd::grad({n.output}, wanted, {slopes}, /*retain_graph*/ true, /*create_graph*/ false);
        torch::NoGradGuard no_gradient;
        if (parameter_gradients) {
            if (accumulate) n.gradients.add_(results[0]);
            else n.gradients.copy_(results[0]);
        }
        if (input_gradients) {
            auto slope = results.back();
            const auto image_floats = n.images * n.image_size * n.image_size * 3;
            if (image_floats > 0) slope.narrow(1, 0, image_floats).zero_();
            wrap(input_gradients, batch, n.inputs).copy_(slope);
        }
    });
}

HEM_EXPORT int32_t hem_torch_network_adam(void* handle, double rate, double beta1, double beta2, double epsilon) {
    return guarded([&] {
        auto& n = *static_cast<Network*>(handle);
        torch::NoGradGuard no_gradient;
        n.rate.fill_(rate);
        n.adam(beta1, beta2, epsilon);
    });
}

// One step of supervised learning on [batch] rows, captured: forward, mean of -log softmax(outputs)[action], backward, Adam. Later calls of
// hem_torch_network_replay run it with new rows, actions and rate: on a GPU as a CUDA graph, on the processor as it stands.
HEM_EXPORT int32_t hem_torch_network_capture(void* handle, int64_t batch, double beta1, double beta2, double epsilon) {
    return guarded([&] {
        auto& n = *static_cast<Network*>(handle);
        n.step = nullptr;
        auto options = torch::TensorOptions().dtype(torch::kFloat32).device(n.device);
        auto staged = torch::TensorOptions().dtype(torch::kFloat32).pinned_memory(n.device.is_cuda());
        n.staged_input = torch::zeros({batch, n.inputs}, staged);
        n.staged_actions = torch::zeros({batch}, staged.dtype(torch::kInt64));
        n.captured_input = torch::zeros({batch, n.inputs}, options);
        n.captured_actions = torch::zeros({batch}, options.dtype(torch::kInt64));
        n.captured_loss = torch::zeros({}, options);
        std::function<void()> step = [&n, beta1, beta2, epsilon] {
            auto loss = torch::nll_loss(torch::log_softmax(n.forward(n.captured_input), 1), n.captured_actions);
            auto results = torch::autograd::grad({loss}, {n.parameters});
            torch::NoGradGuard no_gradient;
            n.gradients.copy_(results[0]);
            n.captured_loss.copy_(loss);
            n.adam(beta1, beta2, epsilon);
        };
#ifdef HEM_TORCH_CUDA
        n.graph.reset();
        if (n.device.is_cuda()) n.capture_graph(step);
#endif
        n.step = step;
    });
}

HEM_EXPORT int32_t hem_torch_network_replay(
    void* handle, const float* inputs, const int64_t* actions, int64_t batch, double rate, float* loss) {
    return guarded([&] {
        auto& n = *static_cast<Network*>(handle);
        TORCH_CHECK(n.step, "no step was captured");
        TORCH_CHECK(n.captured_input.size(0) == batch, "the captured step has ", n.captured_input.size(0), " rows, not ", batch);
        n.staged_input.copy_(wrap(inputs, batch, n.inputs));
        n.staged_actions.copy_(torch::from_blob(const_cast<int64_t*>(actions), {batch}, torch::kInt64));
#ifdef HEM_TORCH_CUDA
        c10::cuda::OptionalCUDAStreamGuard on_stream;
        if (n.graph) {
            n.let_stream_wait();
            on_stream.reset_stream(*n.stream);
        }
#endif
        n.captured_input.copy_(n.staged_input, /*non_blocking*/ true);
        n.captured_actions.copy_(n.staged_actions, /*non_blocking*/ true);
        n.rate.fill_(rate);
#ifdef HEM_TORCH_CUDA
        if (n.graph) n.graph->replay();
        else n.step();
#else
        n.step();
#endif
        // It waits for all of it: what was staged may be filled anew.
        *loss = n.captured_loss.item<float>();
    });
}

// A loss and its gradient by autograd, for the tests: 0 softmax cross-entropy of actions; 1 Gaussian of fixed sigma = scale; 2 mean squared
// error; 3 mean squared error of the action taken; 4 scale times the mean squared output; 5 -log softmax of the actions, weighted by targets,
// summed and divided by scale; 6 -log of a Gaussian of fixed sigma = scale but for its constant, weighted and summed: targets are the actions
// and, in one column more, the weights; 7 as 1, but the outputs are means and then logarithms of sigmas. The others are means over the batch.
HEM_EXPORT int32_t hem_torch_loss(
    int32_t which, const float* outputs, int64_t batch, int64_t columns, const float* targets, const int64_t* actions, double scale,
    int32_t through_tanh, float* loss, float* gradient) {
    return guarded([&] {
        auto leaf = wrap(outputs, batch, columns).clone().requires_grad_();
        auto x = through_tanh ? torch::tanh(leaf) : leaf;
        auto index = actions ? torch::from_blob(const_cast<int64_t*>(actions), {batch}, torch::kInt64) : torch::Tensor();
        torch::Tensor value;
        switch (which) {
            case 0: value = torch::nll_loss(torch::log_softmax(x, 1), index); break;
            case 1: {
                auto error = (wrap(targets, batch, columns) - x) / scale;
                value = (0.5 * error.square() + std::log(scale) + 0.5 * std::log(2 * M_PI)).sum(1).mean();
                break;
            }
            case 2: value = torch::mse_loss(x, wrap(targets, batch, columns)); break;
            case 3: value = torch::mse_loss(x.gather(1, index.unsqueeze(1)), wrap(targets, batch, 1)); break;
            case 4: value = scale * x.square().mean(); break;
            case 5: value = -(torch::log_softmax(x, 1).gather(1, index.unsqueeze(1)) * wrap(targets, batch, 1)).sum() / scale; break;
            case 6: {
                auto both = wrap(targets, batch, columns + 1);
                auto error = (both.narrow(1, 0, columns) - x) / scale;
                value = (0.5 * error.square().sum(1) * both.select(1, columns)).sum();
                break;
            }
            case 7: {
                auto sigmas = x.narrow(1, columns / 2, columns / 2);
                auto error = (wrap(targets, batch, columns / 2) - x.narrow(1, 0, columns / 2)) * torch::exp(-sigmas);
                value = (0.5 * error.square() + sigmas + 0.5 * std::log(2 * M_PI)).sum(1).mean();
                break;
            }
            default: TORCH_CHECK(false, "no loss ", which);
        }
        auto slope = torch::autograd::grad({value}, {leaf})[0];
        wrap(gradient, batch, columns).copy_(slope);
        *loss = value.item<float>();
    });
}
