"""ONNX Runtime with a made-up GPU: the same calls, computed by the CPU, with what a GPU would refuse."""

from __future__ import annotations

from types import SimpleNamespace


class FakeGpuRuntime:
    """Stands in for the module onnxruntime at the boundary; ``sessions`` keeps what was asked for.

    ``capacity`` is the number of patches that fit the memory, ``runs_on`` what the session reports as its provider,
    ``broken_row`` the row of a batch that comes out wrong.
    """

    __version__ = "1.31.1"

    def __init__(self, runtime, *, capacity=1000, runs_on=None, broken_row=None):
        self.runtime, self.capacity, self.runs_on, self.broken_row = runtime, capacity, runs_on, broken_row
        self.sessions, self.batches, self.buffers = [], [], []
        self.OrtValue = SimpleNamespace(ortvalue_from_shape_and_type=self._buffer)

    def SessionOptions(self):  # noqa: N802  the name in ONNX Runtime
        return self.runtime.SessionOptions()

    def InferenceSession(self, graph, *, sess_options, providers, provider_options):  # noqa: N802  # as above
        options = dict(zip(providers, provider_options, strict=True))
        fallback = sess_options.get_session_config_entry("session.disable_cpu_ep_fallback")
        self.sessions.append(SimpleNamespace(graph=graph, options=options, no_cpu=fallback == "1"))
        return _FakeGpuSession(self, graph, providers)

    def _buffer(self, shape, kind, device, device_id):
        self.buffers.append((tuple(shape), device, device_id))
        return self.runtime.OrtValue.ortvalue_from_shape_and_type(shape, kind, "cpu", 0)


class _FakeGpuSession:
    def __init__(self, owner, graph, providers):
        self.owner = owner
        self.session = owner.runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.get_inputs, self.get_outputs = self.session.get_inputs, self.session.get_outputs
        self.providers = [owner.runs_on or providers[0], "CPUExecutionProvider"]

    def get_providers(self):
        return self.providers

    def io_binding(self):
        return _FakeBinding(self.session.io_binding())

    def run_with_iobinding(self, binding):
        size = binding.input.shape()[0]
        self.owner.batches.append(size)
        if size > self.owner.capacity:
            message = "CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc"
            raise RuntimeError(message)
        self.session.run_with_iobinding(binding.real)
        row = self.owner.broken_row
        if row is not None and size > row:
            for output in binding.outputs:
                values = output.numpy().copy()
                values[row] += 1
                output.update_inplace(values)


class _FakeBinding:
    def __init__(self, real):
        self.real, self.input, self.outputs = real, None, []

    def bind_ortvalue_input(self, name, value):
        self.input = value
        self.real.bind_ortvalue_input(name, value)

    def bind_ortvalue_output(self, name, value):
        self.outputs.append(value)
        self.real.bind_ortvalue_output(name, value)

    def synchronize_outputs(self):
        self.real.synchronize_outputs()
