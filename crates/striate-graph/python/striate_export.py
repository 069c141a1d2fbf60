"""Writes a PyTorch network as one file that Striate runs.

    from striate_export import export
    export(model, "network.striate", size=224, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225],
           features=["layer3"], class_names=names)

or, for the networks of torchvision:

    python striate_export.py resnet50 --weights resnet50.pth --size 224 --features layer3 --out resnet50.striate

`torch.export` traces the network with a free batch size; its operations become the few that the crate
striate-graph knows (its README lists them). Whatever depends on weights alone is computed here, batch
norms are folded into the convolutions before them. The file holds the graph, the weights, and a sample:
a few images and what PyTorch makes of them, so that the reader can check itself. Needs torch and numpy.
"""

import argparse
import copy
import json
import math
import struct
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

KEY = "striate_graph"
VERSION = 1


class ExportError(Exception):
    """What cannot be written, and why."""


def export(model, path, *, size, outputs="logits", features=(), channels=3, value_range=(0.0, 1.0), mean=None,
           std=None, class_names=(), name=None, sample=None, seed=0):
    """Writes `model` to `path`.

    model        a module that takes images [batch, channels, height, width], in f32. A copy of it is put
                 into evaluation mode.
    size         height and width of the images in pixels: a number, or a pair.
    outputs      the name of what it returns; for a tuple a list of names, for a dict {name: key}.
                 "logits" are class scores [batch, classes].
    features     names of modules (of `model.named_modules()`) whose outputs are wanted as well.
    channels     3 for RGB, 1 for gray.
    value_range  what black and white are for the network, before `mean` and `std`.
    mean, std    for each channel: (x - mean) / std becomes part of the graph.
    class_names  in the order of the class scores.
    sample       images [n >= 2, channels, height, width] within `value_range` for the check; random ones if None.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if channels not in (1, 3):
        raise ExportError(f"channels: expected 1 (gray) or 3 (RGB), found {channels}")
    low, high = map(float, value_range)
    if not low < high:
        raise ExportError(f"value_range: expected two rising numbers, found {value_range}")
    for what, values in (("mean", mean), ("std", std)):
        if values is not None and len(values) != channels:
            raise ExportError(f"{what}: expected {channels} numbers, found {list(values)}")
    if sample is None:
        sample = low + (high - low) * _smooth_noise(3, channels, height, width, seed)
    sample = torch.as_tensor(sample, dtype=torch.float32)
    if tuple(sample.shape[1:]) != (channels, height, width) or len(sample) < 2:
        raise ExportError(f"sample: expected [2 or more, {channels}, {height}, {width}], found {list(sample.shape)}")
    model = copy.deepcopy(model).cpu().float().eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    wrapped = _Named(model, outputs, list(features), mean, std).eval()
    with torch.no_grad():
        expected = wrapped(sample)
        single = wrapped(sample[:1])
    for out, whole, one in zip(wrapped.names, expected, single):
        if whole.dtype != torch.float32 or not torch.isfinite(whole).all():
            raise ExportError(f"output {out}: expected finite f32 values, found {whole.dtype}")
        if whole.dim() == 0 or len(whole) != len(sample):
            raise ExportError(f"output {out}: its first axis is not the batch: {list(whole.shape)}")
        worst = (whole[:1] - one).abs().max().item()
        if worst > 1e-3 * whole.abs().max().item():
            raise ExportError(f"output {out} of an image depends on the other images of its batch (by {worst:.1e}), "
                              "or is numerically unstable")
    count = expected[wrapped.names.index("logits")].shape[1] if "logits" in wrapped.names else None
    if class_names and len(class_names) != count:
        raise ExportError(f"class_names: expected one for each of {count} class scores, found {len(class_names)}")

    try:
        graph = _exported(wrapped, sample)
    except ExportError as first:
        # What torch.export cannot trace can still be watched: numbers taken from weights, len(x).
        try:
            graph = _watched(wrapped, sample)
        except ExportError as second:
            raise ExportError(f"{second} (and before that: {first})") from first
    header = {
        "version": VERSION,
        "name": name or type(model).__name__,
        "made_with": f"torch {torch.__version__}",
        "input": {"channels": channels, "height": height, "width": width, "range": [low, high]},
        "class_names": list(class_names),
        "nodes": graph.nodes,
        "outputs": graph.outputs,
    }
    tensors = {f"constant.{key}": value for key, value in graph.constants.items()}
    tensors["sample.input"] = sample
    for out, value in zip(wrapped.names, expected):
        tensors[f"sample.output.{out}"] = value
    write_safetensors(path, tensors, {KEY: json.dumps(header)})
    return header


def write_safetensors(path, tensors, metadata):
    """The safetensors format (a JSON header, then the values), written here so that torch is enough."""
    header, parts, offset = {"__metadata__": metadata}, [], 0
    for key in sorted(tensors):
        value = tensors[key].detach().to(torch.float32).contiguous().numpy()
        data = value.astype("<f4").tobytes()
        header[key] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + len(data)]}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    # Whole or not at all under its name.
    partial = Path(f"{path}.part")
    with open(partial, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for data in parts:
            file.write(data)
    partial.replace(path)


def _smooth_noise(count, channels, height, width, seed):
    """Images with structure at all scales, in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(count, channels, height, width)
    side = 2
    while side <= 2 * max(height, width):
        noise = torch.randn(count, channels, side, side, generator=generator)
        total += F.interpolate(noise, size=(height, width), mode="bilinear", align_corners=False)
        side *= 2
    return torch.sigmoid(total * 1.5 / total.std())


class _Named(torch.nn.Module):
    """The network with its normalisation, and a tuple of outputs, features among them."""

    def __init__(self, model, outputs, features, mean, std):
        super().__init__()
        self.model = model
        self.keys = {outputs: None} if isinstance(outputs, str) else outputs
        if not isinstance(self.keys, dict):
            self.keys = {name: i for i, name in enumerate(outputs)}
        known = dict(model.named_modules())
        self.features = features
        self.names = list(self.keys) + features
        if len(set(self.names)) != len(self.names):
            raise ExportError(f"two outputs bear one name: {self.names}")
        self.caught = {}
        for name in features:
            if name not in known or not name:
                near = ", ".join([n for n in known if n][:40])
                raise ExportError(f"features: there is no module {name!r} (there are {near}, ...)")
            known[name].register_forward_hook(self._catch(name))
        shape = (1, -1, 1, 1)
        if mean is not None or std is not None:
            channels = len(mean if mean is not None else std)
            mean = torch.zeros(channels) if mean is None else torch.as_tensor(mean, dtype=torch.float32)
            std = torch.ones(channels) if std is None else torch.as_tensor(std, dtype=torch.float32)
            self.register_buffer("scale", (1 / std).reshape(shape))
            self.register_buffer("shift", (-mean / std).reshape(shape))
        else:
            self.scale = None

    def _catch(self, name):
        def hook(_module, _inputs, output):
            if not isinstance(output, torch.Tensor):
                raise ExportError(f"features: {name} does not return one tensor")
            # A copy: what follows may change the tensor in place.
            self.caught.setdefault(name, []).append(output.clone())
        return hook

    def forward(self, x):
        self.caught.clear()
        if self.scale is not None:
            x = x * self.scale + self.shift
        found = self.model(x)
        results = []
        for name, key in self.keys.items():
            value = found if key is None else found[key]
            if not isinstance(value, torch.Tensor):
                raise ExportError(f"output {name}: expected a tensor, found {type(value).__name__}; see `outputs`")
            results.append(value)
        for name in self.features:
            times = self.caught.get(name, [])
            if len(times) != 1:
                raise ExportError(f"features: {name} is used {len(times)} times; name a module that is used once")
            results.append(times[0])
        return tuple(results)


# Operations that are kept whole, because the format has them.
_KEPT = """linear.default layer_norm.default silu.default hardswish.default hardsigmoid.default gelu.default
scaled_dot_product_attention.default softmax.int log_softmax.int logsumexp.default group_norm.default softplus.default
upsample_bilinear2d.vec upsample_nearest2d.vec upsample_bicubic2d.vec _upsample_bilinear2d_aa.vec
_upsample_bicubic2d_aa.vec upsample_nearest2d.default adaptive_avg_pool2d.default matmul.default pad.default
reflection_pad1d.default replication_pad1d.default reflection_pad2d.default replication_pad2d.default max_pool2d.default avg_pool2d.default relu6.default
stack.default roll.default unbind.int""".split()


def _exported(module, sample):
    """By torch.export."""
    program = _trace(module, sample)
    signature = program.graph_signature
    if signature.buffers_to_mutate or signature.user_inputs_to_mutate:
        changed = list(signature.buffers_to_mutate.values()) or "its input"
        raise ExportError(f"the network changes {changed} when it runs")
    graph = _Translator()
    specs = {spec.arg.name: spec for spec in signature.input_specs}
    nodes = list(program.graph_module.graph.nodes)
    for node in nodes:
        if node.op == "placeholder":
            graph.values[node] = graph.placeholder(node, specs[node.name], program)
    graph.run([node for node in nodes if node.op not in ("placeholder", "output")], module.names, nodes[-1].args[0])
    return graph


def _watched(module, sample):
    """By watching each operation, for two numbers of images: an axis that grows with them is the batch's."""
    runs = []
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        for count in (2, 3):
            images = sample[torch.arange(count) % len(sample)].clone()
            watcher = _Watcher(images)
            with torch.no_grad(), watcher:
                found = module(images)
            runs.append((watcher.steps, [watcher.known.get(value) for value in found]))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    (steps, results), (others, _) = runs
    if [step.target for step in steps] != [step.target for step in others]:
        raise ExportError("the network does something else for another number of images")

    def axis(a, b):
        if a == b:
            return a
        if a % 2 or a * 3 != b * 2:
            raise ExportError(f"an axis of {a} for 2 images and {b} for 3: only multiples of the batch are supported")
        return _Batch(a // 2)

    graph = _Translator()
    graph.values["input"] = _Value("input", [_Batch(1)] + list(sample.shape[1:]))
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        graph.origin[id(value)] = name.removeprefix("model.")
    for i, (step, other) in enumerate(zip(steps, others)):
        step.args, step.kwargs = _common(step, other, axis)
        shapes = [_Shape([axis(a, b) for a, b in zip(p, q)]) for p, q in zip(step.shapes, other.shapes)]
        step.name = f"{step.target._schema.name.removeprefix('aten::')}_{i}"
        step.meta = {"val": shapes if step.several else shapes[0]}
    graph.run(steps, module.names, results)
    return graph


# Their numbers are lengths, which are taken from what they give.
_LENGTHS = {"view", "reshape", "_unsafe_view", "expand", "slice", "new_zeros", "new_ones", "new_full", "split_with_sizes"}


def _common(step, other, axis):
    """The arguments of a step for any number of images, from those for two numbers."""
    tree = torch.utils._pytree
    ours, spec = tree.tree_flatten((step.args, step.kwargs))
    theirs = tree.tree_leaves((other.args, other.kwargs))
    problem = f"{step.target}: a constant depends on the number of images"
    found = []
    for a, b in zip(ours, theirs):
        if isinstance(a, torch.Tensor):
            if a.dim() != b.dim():
                raise ExportError(problem)
            shape = [axis(p, q) for p, q in zip(a.shape, b.shape)]
            for place, size in enumerate(shape):
                if isinstance(size, _Batch):
                    # The same for every image, or it is none for any number of images.
                    a, b = a.narrow(place, 0, 1), b.narrow(place, 0, 1)
            if not torch.equal(a, b) or not torch.equal(a.expand(ours[len(found)].shape), ours[len(found)]):
                raise ExportError(problem)
            a = _Repeated(a, shape) if any(isinstance(size, _Batch) for size in shape) else a
        elif isinstance(a, (int, float)) and a != b and step.target._schema.name.removeprefix("aten::") not in _LENGTHS:
            raise ExportError(problem)
        found.append(a)
    return tree.tree_unflatten(found, spec)


class _Repeated:
    """A constant that is the same for every image."""

    def __init__(self, tensor, shape):
        self.tensor, self.shape = tensor, shape


class _Shape:
    """What a step gives, in the place of a tensor without values."""

    def __init__(self, shape):
        self.shape = shape


class _Step:
    """One operation that was seen; its arguments are constants, or places of values before it."""

    op = "call_function"

    def __init__(self, target, args, kwargs, out):
        self.target, self.args, self.kwargs = target, args, kwargs
        self.several = isinstance(out, (tuple, list))
        self.shapes = [list(value.shape) for value in (out if self.several else [out])]


class _Place:
    """A value: of a step (one of several), or the images."""

    def __init__(self, step, index=None):
        self.step, self.index = step, index


class _Watcher(TorchDispatchMode):
    """Records each operation that depends on the images. What does not is computed and forgotten."""

    def __init__(self, images):
        super().__init__()
        self.steps, self.known, self.stale = [], WeakTensorKeyDictionary(), WeakTensorKeyDictionary()
        self.known[images] = _Place("input")

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [v for v in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(v, torch.Tensor)]
        if not any(tensor in self.known for tensor in tensors):
            return function(*args, **kwargs)
        if any(tensor in self.stale for tensor in tensors):
            raise ExportError(f"{function}: a view of a tensor is used after the tensor was changed in place")
        place = lambda v: self.known.get(v, v) if isinstance(v, torch.Tensor) else v
        seen = torch.utils._pytree.tree_map(place, (args, kwargs))
        strided = function._schema.name.startswith("aten::as_strided")
        before = args[0].clone() if strided else None
        out = function(*args, **kwargs)
        if not isinstance(out, (torch.Tensor, tuple, list)):
            raise ExportError(f"{function}: the network takes a number out of what it computes of the image")
        if strided:
            # What PyTorch makes of a mean or a flatten that needs no copy.
            if out.numel() != before.numel() or not torch.equal(out, before.reshape(out.shape)):
                raise ExportError("a view by strides that is no reshape")
            function, seen = torch.ops.aten.view.default, ((seen[0][0], list(out.shape)), {})
        elif function._schema.is_mutable:
            function = self.changed(function, args[0])
            out = args[0]
        step = _Step(function, *seen, out)
        self.steps.append(step)
        for index, value in enumerate(out if step.several else [out]):
            self.known[value] = _Place(step, index if step.several else None)
        return out

    def changed(self, function, target):
        """The operation that gives what this one writes; whatever shares memory with it is known no more."""
        name, overload = function._schema.name.removeprefix("aten::"), function._overloadname
        packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
        if not name.endswith("_") or target not in self.known or not hasattr(packet, overload):
            raise ExportError(f"{function}: the network writes into a tensor")
        memory = target.untyped_storage().data_ptr()
        for tensor in list(self.known.keys()):
            if tensor is not target and tensor.untyped_storage().data_ptr() == memory:
                self.stale[tensor] = True
        return getattr(packet, overload)


def _trace(module, sample):
    batch = torch.export.Dim("batch", min=1)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, (sample,), dynamic_shapes=({0: batch},), strict=False)
            table = torch.export.default_decompositions()
            for name in _KEPT:
                packet, overload = name.split(".")
                op = getattr(getattr(torch.ops.aten, packet, None), overload, None)
                if op is not None and op in table:
                    del table[op]
            return program.run_decompositions(table)
    except ExportError:
        raise
    except Exception as error:
        text = str(error)
        if "batch" in text or "Constraint" in type(error).__name__:
            raise ExportError("the network cannot take any number of images at once; code that makes a plain number of the "
                              f"batch fixes it (len(x): write x.shape[0]): {text}") from error
        raise ExportError(f"torch.export could not trace the network: {text}") from error


class _Batch(int):
    """An axis of so many times the batch."""


def _axis_json(axis):
    return {"batch": int(axis)} if isinstance(axis, _Batch) else int(axis)


class _Value:
    """A value that depends on the images: the name of the node that gives it, and its axes."""

    def __init__(self, name, shape):
        self.name, self.shape = name, list(shape)


class _Translator:
    """From core ATen to the operations of the format."""

    def __init__(self):
        self.nodes, self.outputs, self.constants = [], {}, {}
        self.values, self.names_of, self.origin = {}, {}, {}
        self.used = {"input"}
        self.here = None

    # -- the walk

    def run(self, steps, names, results):
        for node in steps:
            self.here = node
            if node.op != "call_function":
                raise ExportError(f"node {node.name}: {node.op} is not supported")
            self.values[node] = self.call(node)
        for name, value in zip(names, results):
            value = self.resolved(value)
            if not isinstance(value, _Value):
                raise ExportError(f"output {name} does not depend on the image")
            self.outputs[name] = value.name
        self.fold()
        self.prune()

    def resolved(self, argument):
        if isinstance(argument, torch.fx.Node):
            return self.values[argument]
        if isinstance(argument, _Place):
            value = self.values[argument.step]
            return value if argument.index is None else value[argument.index]
        if isinstance(argument, _Repeated):
            return self.emit("expand", [argument.tensor.contiguous()], argument.shape)
        return argument

    def placeholder(self, node, spec, program):
        if spec.kind.name == "USER_INPUT":
            self.symbol = next(iter(node.meta["val"].shape[0].node.expr.free_symbols))
            return _Value("input", self.shape_of(node.meta["val"].shape))
        if spec.kind.name not in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
            return getattr(spec.arg, "value", None)
        target = spec.target
        found = program.state_dict.get(target, program.constants.get(target))
        if not isinstance(found, torch.Tensor):
            raise ExportError(f"{target} is no tensor")
        found = found.detach()
        self.origin[id(found)] = target.removeprefix("model.")
        return found

    def call(self, node):
        meta = node.meta.get("val")
        if isinstance(meta, (torch.SymInt, int)):
            return self.axis(meta)
        args, kwargs = torch.utils._pytree.tree_map(self.resolved, (node.args, node.kwargs))
        if getattr(node.target, "__name__", "") == "getitem":
            return args[0][args[1]]
        if not isinstance(node.target, torch._ops.OpOverload):
            raise ExportError(f"node {node.name}: {node.target} is not supported")
        flat = torch.utils._pytree.tree_leaves((args, kwargs))
        if not any(isinstance(v, (_Value, _Batch)) for v in flat):
            with torch.no_grad():
                return node.target(*args, **kwargs)
        named = {}
        for i, argument in enumerate(node.target._schema.arguments):
            if i < len(args):
                named[argument.name] = args[i]
            else:
                named[argument.name] = kwargs.get(argument.name, argument.default_value)
        full = str(node.target).removeprefix("aten.")
        handler = _HANDLERS.get(full) or _HANDLERS.get(full.split(".")[0])
        if handler is None:
            raise ExportError(f"node {node.name}: the operation {node.target} is not supported")
        return handler(self, named)

    def fail(self, problem):
        raise ExportError(f"node {self.here.name} ({self.here.target}): {problem}")

    # -- shapes

    def axis(self, size):
        if isinstance(size, _Batch) or not isinstance(size, torch.SymInt):
            return size
        expression = size.node.expr
        found = [int(expression.subs(self.symbol, n)) for n in (4, 6, 8)]
        if found[0] == found[1]:
            return found[0]
        if found[0] % 4 or [n * found[0] // 4 for n in (4, 6, 8)] != found:
            self.fail(f"an axis of {expression} images: only multiples of the batch are supported")
        return _Batch(found[0] // 4)

    def shape_of(self, shape):
        return [self.axis(size) for size in shape]

    def out_shape(self, index=None):
        meta = self.here.meta["val"]
        return self.shape_of((meta if index is None else meta[index]).shape)

    def is_single(self):
        return not isinstance(self.here.meta["val"], (tuple, list))

    # -- emission

    def name(self, base):
        base, name, i = base.replace("/", "_"), base, 1
        while name in self.used:
            name, i = f"{base}_{i}", i + 1
        self.used.add(name)
        return name

    def constant(self, tensor, origin=None):
        if tensor.dtype not in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
            tensor = tensor.to(torch.float32)
        # The tensor is kept, so that its id is not another's later.
        if id(tensor) not in self.names_of:
            name = origin or self.origin.get(id(tensor)) or f"{self.here.name}.constant"
            base, i = name, 1
            while name in self.constants:
                name, i = f"{base}.{i}", i + 1
            self.constants[name] = tensor.to(torch.float32)
            self.names_of[id(tensor)] = (f"constant.{name}", tensor)
        return self.names_of[id(tensor)][0]

    def emit(self, op, inputs, shape, **attributes):
        names = []
        for value in inputs:
            if isinstance(value, _Value):
                names.append(value.name)
            elif isinstance(value, torch.Tensor):
                names.append(self.constant(value))
            else:
                self.fail(f"expected a tensor, found {value!r}")
        node = {"name": self.name(self.here.name), "op": op, "inputs": names, "shape": [_axis_json(a) for a in shape]}
        if attributes:
            node["with"] = attributes
        self.nodes.append(node)
        return _Value(node["name"], shape)

    def point(self, op, x, **attributes):
        return self.emit(op, [x], x.shape, **attributes)

    def reshape(self, x, shape):
        return x if list(x.shape) == list(shape) and self.same_batch(x.shape, shape) else self.emit("reshape", [x], shape)

    @staticmethod
    def same_batch(a, b):
        return all(isinstance(p, _Batch) == isinstance(q, _Batch) for p, q in zip(a, b))

    def scalar(self, x, factor=1.0, add=0.0):
        factor, add = float(factor), float(add)
        return x if (factor, add) == (1.0, 0.0) else self.point("scale", x, factor=factor, add=add)

    def binary(self, op, a, b):
        shapes = [list(v.shape) for v in (a, b)]
        rank = max(map(len, shapes))
        shapes = [[1] * (rank - len(s)) + s for s in shapes]
        shape = [q if (p == 1 and not isinstance(p, _Batch)) else p for p, q in zip(*shapes)]
        return self.emit(op, [a, b], shape)

    def reduce(self, op, x, axes, keep):
        axes = sorted(a % len(x.shape) for a in (axes if axes else range(len(x.shape))))
        if 0 in axes and isinstance(x.shape[0], _Batch):
            self.fail("a sum over the images of a batch")
        shape = [1 if i in axes else s for i, s in enumerate(x.shape)]
        y = self.emit(op, [x], shape, axes=axes)
        return y if keep else self.reshape(y, [s for i, s in enumerate(x.shape) if i not in axes])

    def slice(self, x, axis, start, end):
        shape = list(x.shape)
        if (start, end) == (0, shape[axis]):
            return x
        if isinstance(shape[axis], _Batch):
            self.fail("a part of the batch")
        shape[axis] = end - start
        return self.emit("slice", [x], shape, axis=axis, start=start, end=end)

    def pick(self, x, axis, index):
        """x at these places of an axis."""
        index = [int(i) for i in index]
        if isinstance(x.shape[axis], _Batch):
            self.fail("a part of the batch")
        if index == list(range(index[0], index[0] + len(index))):
            return self.slice(x, axis, index[0], index[0] + len(index))
        shape = list(x.shape)
        shape[axis] = len(index)
        return self.emit("index_select", [x], shape, axis=axis, index=index)

    def along(self, x, axis, matrix):
        """The matrix [out, in] applied along an axis: as a choice, a mixture of two, or whole."""
        count = (matrix != 0).sum(1)
        if count.max() == 1 and count.min() == 1 and (matrix.max(1).values == 1).all():
            return self.pick(x, axis, matrix.argmax(1).tolist())
        shape = list(x.shape)
        shape[axis] = matrix.shape[0]
        if count.max() <= 2 and count.min() >= 1 and (matrix.sum(1) - 1).abs().max() < 1e-5:
            order = matrix.abs().argsort(dim=1, descending=True, stable=True)[:, :2].sort(1).values
            upper = matrix.gather(1, order[:, 1:])[:, 0]
            return self.emit("resample", [x], shape, axis=axis, lower=order[:, 0].tolist(), upper=order[:, 1].tolist(),
                             weight=[float(w) for w in upper])
        return self.emit("along", [x, matrix.contiguous()], shape, axis=axis)

    def separable(self, x, rows, columns):
        """What acts on height and width by itself; the functions map [1, n, n, 1] and [1, n, 1, n]."""
        height, width = x.shape[-2:]
        with torch.no_grad():
            across = rows(torch.eye(height)[None, :, :, None])[0, :, :, 0].T
            along = columns(torch.eye(width)[None, :, None, :])[0, :, 0, :].T
        rank = len(x.shape)
        # The smaller result first.
        steps = [(rank - 2, across), (rank - 1, along)]
        for axis, matrix in sorted(steps, key=lambda step: step[1].shape[0] / step[1].shape[1]):
            x = self.along(x, axis, matrix)
        return x

    def rows(self, x, function):
        """What acts on the last axis by itself; the function maps [1, n, n]."""
        with torch.no_grad():
            matrix = function(torch.eye(x.shape[-1])[None])[0].T
        return self.along(x, len(x.shape) - 1, matrix)

    # -- what is done to the whole

    def fold(self):
        """Channelwise scales and shifts become part of the convolution before them."""
        uses = {}
        for node in self.nodes:
            for name in node["inputs"]:
                uses[name] = uses.get(name, 0) + 1
        for name in self.outputs.values():
            uses[name] = uses.get(name, 0) + 1
        by_name = {node["name"]: node for node in self.nodes}
        gone = {}
        for node in self.nodes:
            node["inputs"] = [gone.get(n, n) for n in node["inputs"]]
            source = by_name.get(node["inputs"][0])
            if node["op"] != "affine" or source is None or source["op"] != "conv2d" or uses[source["name"]] != 1:
                continue
            weight, *bias = [self.constants[n.removeprefix("constant.")] for n in source["inputs"][1:]]
            scale, shift = [self.constants[n.removeprefix("constant.")].double() for n in node["inputs"][1:]]
            bias = bias[0].double() if bias else torch.zeros(len(scale), dtype=torch.float64)
            origin = source["inputs"][1].removeprefix("constant.") + ".folded"
            weight = (weight.double() * scale.view(-1, 1, 1, 1)).float()
            source["inputs"][1:] = [self.constant(weight, origin), self.constant((bias * scale + shift).float(), origin)]
            gone[node["name"]] = source["name"]
        self.nodes = [node for node in self.nodes if node["name"] not in gone]
        self.outputs = {name: gone.get(value, value) for name, value in self.outputs.items()}

    def prune(self):
        """Leaves out what no output needs."""
        needed = set(self.outputs.values())
        for node in reversed(self.nodes):
            if node["name"] in needed:
                needed.update(node["inputs"])
        self.nodes = [node for node in self.nodes if node["name"] in needed]
        self.constants = {k: v for k, v in self.constants.items() if f"constant.{k}" in needed}


_HANDLERS = {}


def _handles(*names):
    def register(function):
        for name in names:
            _HANDLERS[name] = function
        return function
    return register


def _pair(value, default=None):
    value = list(value) if value else list(default or [])
    return [value[0], value[0]] if len(value) == 1 else value


@_handles("clone", "alias", "detach", "contiguous", "lift_fresh_copy", "_to_copy", "dropout", "to", "type_as", "view_as")
def _same(g, a):
    x = a.get("self", a.get("input"))
    if a.get("dtype") not in (None, torch.float32):
        g.fail(f"values of type {a['dtype']}; only f32 is supported")
    return x


for _name in ["relu", "sigmoid", "tanh", "exp", "log", "sqrt", "rsqrt", "neg", "abs", "silu", "hardswish",
              "hardsigmoid", "reciprocal", "sin", "cos", "erf"]:
    _HANDLERS[_name] = lambda g, a, op=_name: g.point(op, a["self"])

for _name in ["maximum", "minimum"]:
    _HANDLERS[_name] = lambda g, a, op=_name: g.binary(op, a["self"], a["other"])


@_handles("gelu")
def _gelu(g, a):
    return g.point("gelu" if a["approximate"] == "none" else "gelu_tanh", a["self"])


@_handles("softplus")
def _softplus(g, a):
    return g.point("softplus", a["self"], beta=float(a["beta"]), threshold=float(a["threshold"]))


@_handles("leaky_relu")
def _leaky(g, a):
    return g.point("leaky_relu", a["self"], slope=float(a["negative_slope"]))


@_handles("elu")
def _elu(g, a):
    if a["scale"] != 1 or a["input_scale"] != 1:
        g.fail("an ELU with scales")
    return g.point("elu", a["self"], alpha=float(a["alpha"]))


@_handles("clamp", "hardtanh", "relu6", "clamp_min", "clamp_max")
def _clamp(g, a):
    low, high = (a.get(k, a.get(v)) for k, v in (("min", "min_val"), ("max", "max_val")))
    if "relu6" in str(g.here.target):
        low, high = 0, 6
    if low == 0 and high is None:
        return g.point("relu", a["self"])
    return g.point("clamp", a["self"], low=None if low is None else float(low), high=None if high is None else float(high))


@_handles("pow.Tensor_Scalar")
def _pow(g, a):
    exponent = float(a["exponent"])
    named = {0.5: "sqrt", -0.5: "rsqrt", -1.0: "reciprocal"}
    if exponent in named:
        return g.point(named[exponent], a["self"])
    return g.point("pow", a["self"], exponent=exponent)


@_handles("square")
def _square(g, a):
    return g.point("pow", a["self"], exponent=2.0)


def _number(value):
    """The number in a scalar, or in a constant tensor of one value."""
    if isinstance(value, (int, float)) and not isinstance(value, _Batch):
        return float(value)
    if isinstance(value, torch.Tensor) and value.numel() == 1 and value.dim() == 0:
        return float(value)
    return None


@_handles("add", "sub", "rsub")
def _add(g, a):
    x, y, alpha = a["self"], a["other"], a.get("alpha", 1)
    if "rsub" in str(g.here.target):
        x, y = y, x
        if alpha != 1:
            g.fail("a factor of the subtrahend")
    sign = 1 if g.here.target._schema.name == "aten::add" else -1
    left, right = _number(x), _number(y)
    if right is not None:
        return g.scalar(x, add=sign * alpha * right)
    if left is not None:
        return g.scalar(y, factor=sign * alpha, add=left)
    if alpha != 1:
        y = y * alpha if isinstance(y, torch.Tensor) else g.scalar(y, factor=alpha)
    return g.binary("add" if sign == 1 else "sub", x, y)


@_handles("mul")
def _mul(g, a):
    left, right = _number(a["self"]), _number(a["other"])
    if right is not None:
        return g.scalar(a["self"], factor=right)
    if left is not None:
        return g.scalar(a["other"], factor=left)
    return g.binary("mul", a["self"], a["other"])


@_handles("div.Tensor", "div.Scalar")
def _div(g, a):
    left, right = _number(a["self"]), _number(a["other"])
    if right is not None:
        return g.scalar(a["self"], factor=1 / right)
    if left is not None:
        return g.scalar(g.point("reciprocal", a["other"]), factor=left)
    return g.binary("div", a["self"], a["other"])


@_handles("convolution")
def _convolution(g, a):
    x, weight, bias = a["input"], a["weight"], a["bias"]
    if len(x.shape) not in (3, 4) or a["transposed"]:
        g.fail("only convolutions of images and sequences are supported, not transposed ones")
    if not isinstance(weight, torch.Tensor) or not (bias is None or isinstance(bias, torch.Tensor)):
        g.fail("its weights depend on the image")
    padding, stride, dilation = (_pair(a[key]) for key in ("padding", "stride", "dilation"))
    if stride[0] != stride[1] or dilation[0] != dilation[1]:
        g.fail("a stride or a dilation that is not the same along both axes")
    shape = g.out_shape()
    if len(x.shape) == 3:
        # A sequence is an image of one row.
        key = g.origin.get(id(weight))
        weight = weight[:, :, None]
        g.origin[id(weight)] = key or f"{g.here.name}.weight"
        x, padding = g.reshape(x, [*x.shape[:2], 1, x.shape[2]]), [0, padding[1]]
        inner = [*shape[:2], 1, shape[2]]
    else:
        inner = shape
    channels_last = weight.permute(0, 2, 3, 1).contiguous()
    inputs = [x, channels_last] + ([] if bias is None else [bias])
    g.constant(channels_last, g.origin.get(id(weight)))
    y = g.emit("conv2d", inputs, inner, stride=stride, padding=padding, dilation=dilation, groups=a["groups"])
    return g.reshape(y, shape)


@_handles("_native_batch_norm_legit_no_training", "_native_batch_norm_legit", "native_batch_norm", "batch_norm")
def _batch_norm(g, a):
    if a.get("training"):
        g.fail("a batch norm that takes the statistics of its batch")
    mean, variance = a["running_mean"].double(), a["running_var"].double()
    scale = (variance + a["eps"]).rsqrt()
    if a["weight"] is not None:
        scale = scale * a["weight"].double()
    shift = -mean * scale
    if a["bias"] is not None:
        shift = shift + a["bias"].double()
    y = g.emit("affine", [a["input"], scale.float(), shift.float()], a["input"].shape)
    return y if g.is_single() else [y, None, None]


@_handles("layer_norm", "native_layer_norm")
def _layer_norm(g, a):
    x, count = a["input"], len(a["normalized_shape"])
    inputs = [x]
    width = math.prod(a["normalized_shape"])
    weight, bias = a["weight"], a["bias"]
    if weight is not None or bias is not None:
        inputs.append(torch.ones(width) if weight is None else weight.reshape(-1))
        inputs.append(torch.zeros(width) if bias is None else bias.reshape(-1))
    y = g.emit("layer_norm", inputs, x.shape, axes=count, epsilon=float(a["eps"]))
    return y if g.is_single() else [y, None, None]


@_handles("group_norm")
def _group_norm(g, a):
    x, groups = a["input"], a["num_groups"]
    grouped = g.reshape(x, [x.shape[0], groups, x.shape[1] // groups] + list(x.shape[2:]))
    y = g.reshape(g.emit("layer_norm", [grouped], grouped.shape, axes=len(x.shape) - 1, epsilon=float(a["eps"])), x.shape)
    if a["weight"] is None:
        return y
    return g.emit("affine", [y, a["weight"], a["bias"]], x.shape)


@_handles("native_group_norm")
def _native_group_norm(g, a):
    return [_group_norm(g, {**a, "num_groups": a["group"]}), None, None]


@_handles("max_pool2d", "max_pool2d_with_indices")
def _max_pool(g, a):
    kernel = _pair(a["kernel_size"])
    if _pair(a["dilation"]) not in ([1, 1], []):
        g.fail("a pool with dilation")
    y = g.emit("max_pool2d", [a["self"]], g.out_shape(None if g.is_single() else 0),
               kernel=kernel, stride=_pair(a["stride"], kernel), padding=_pair(a["padding"]))
    return y if g.is_single() else [y, None]


@_handles("avg_pool2d")
def _avg_pool(g, a):
    kernel = _pair(a["kernel_size"])
    if a["divisor_override"] is not None:
        g.fail("a pool with a divisor of its own")
    if a["ceil_mode"] and a["count_include_pad"] and any(_pair(a["padding"])):
        g.fail("an average pool with ceil_mode that counts its padding")
    padding = _pair(a["padding"])
    return g.emit("avg_pool2d", [a["self"]], g.out_shape(), kernel=kernel, stride=_pair(a["stride"], kernel),
                  padding=padding, count_padding=bool(a["count_include_pad"] and any(padding)))


@_handles("adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _adaptive(g, a):
    x, shape = a["self"], g.out_shape()
    if tuple(shape[-2:]) == (1, 1):
        return g.reduce("mean", x, [-2, -1], True)
    rows = lambda t: F.adaptive_avg_pool2d(t, (shape[-2], 1))
    columns = lambda t: F.adaptive_avg_pool2d(t, (1, shape[-1]))
    return g.separable(x, rows, columns)


@_handles("adaptive_max_pool2d")
def _adaptive_max(g, a):
    x, shape = a["self"], g.out_shape(0)
    if tuple(shape[-2:]) != (1, 1):
        g.fail("an adaptive maximum pool to more than one pixel")
    return [g.reduce("amax", x, [-2, -1], True), None]


@_handles("upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa",
          "_upsample_bicubic2d_aa", "_upsample_nearest_exact2d")
def _upsample(g, a):
    target, (height, width) = g.here.target, g.out_shape()[-2:]
    keys = [argument.name for argument in target._schema.arguments]

    def resize(tensor, size, which):
        given = dict(a)
        first = keys[0]
        given[first] = tensor
        given["output_size"] = list(size)
        for key in ("scales_h", "scales_w"):
            if key in given and (key == "scales_h") != (which == 0):
                given[key] = None
        if given.get("scale_factors") is not None:
            # A size or factors, never both.
            given["output_size"] = None
            given["scale_factors"] = [f if i == which else 1.0 for i, f in enumerate(given["scale_factors"])]
        return target(*[given[key] for key in keys])

    return g.separable(a.get("input", a.get("self")), lambda t: resize(t, (height, 1), 0), lambda t: resize(t, (1, width), 1))


@_handles("reflection_pad2d", "replication_pad2d")
def _mirror(g, a):
    target, (left, right, top, bottom) = g.here.target, a["padding"]
    return g.separable(a["self"], lambda t: target(t, [0, 0, top, bottom]), lambda t: target(t, [left, right, 0, 0]))


@_handles("reflection_pad1d", "replication_pad1d")
def _mirror_row(g, a):
    return g.rows(a["self"], lambda t: g.here.target(t, a["padding"]))


@_handles("pad", "constant_pad_nd")
def _pad(g, a):
    x, pad, mode = a["self"], list(a["pad"]), a.get("mode", "constant")
    if mode != "constant" and len(pad) == 2 and mode in ("reflect", "replicate"):
        return g.rows(x, lambda t: F.pad(t, pad, mode=mode))
    if mode != "constant":
        if len(pad) != 4 or mode not in ("reflect", "replicate"):
            g.fail(f"padding by {mode} of {len(pad) // 2} axes")
        left, right, top, bottom = pad
        rows = lambda t: F.pad(t, [0, 0, top, bottom], mode=mode)
        return g.separable(x, rows, lambda t: F.pad(t, [left, right, 0, 0], mode=mode))
    value = float(a["value"] or 0.0)
    for i in range(len(pad) // 2):
        axis, (before, after) = len(x.shape) - 1 - i, pad[2 * i:2 * i + 2]
        if before < 0 or after < 0:
            x = g.slice(x, axis, max(0, -before), x.shape[axis] - max(0, -after))
            before, after = max(0, before), max(0, after)
        if before or after:
            shape = list(x.shape)
            shape[axis] += before + after
            x = g.emit("pad", [x], shape, axis=axis, before=before, after=after, value=value)
    return x


@_handles("mean", "sum", "amax", "amin")
def _reduction(g, a):
    op = g.here.target._schema.name.removeprefix("aten::")
    x, axes, keep = a["self"], a.get("dim"), bool(a.get("keepdim"))
    axes = [axes] if isinstance(axes, int) else axes
    if op == "amin":
        return g.point("neg", g.reduce("amax", g.point("neg", x), axes, keep))
    return g.reduce(op, x, axes, keep)


def _variance(g, x, axes, correction, keep):
    axes = axes if axes else list(range(len(x.shape)))
    count = math.prod(x.shape[i] for i in axes)
    centred = g.binary("sub", x, g.reduce("mean", x, axes, True))
    mean = g.reduce("mean", g.point("pow", centred, exponent=2.0), axes, keep)
    return g.scalar(mean, factor=count / (count - correction))


@_handles("var.correction", "std.correction", "var_mean.correction")
def _var(g, a):
    x, correction, keep = a["self"], a.get("correction"), bool(a["keepdim"])
    y = _variance(g, x, a["dim"], 1 if correction is None else correction, keep)
    name = g.here.target._schema.name
    if name == "aten::std":
        return g.point("sqrt", y)
    return y if name == "aten::var" else [y, g.reduce("mean", x, a["dim"], keep)]


@_handles("softmax", "_softmax", "log_softmax", "_log_softmax")
def _softmax(g, a):
    op = "log_softmax" if "log" in str(g.here.target) else "softmax"
    return g.point(op, a["self"], axis=a["dim"] % len(a["self"].shape))


@_handles("logsumexp")
def _logsumexp(g, a):
    return g.reduce("logsumexp", a["self"], a["dim"], bool(a["keepdim"]))


@_handles("linear")
def _linear(g, a):
    x, weight, bias = a["input"], a["weight"], a["bias"]
    if not isinstance(weight, torch.Tensor):
        g.fail("its weights depend on the image")
    return g.emit("linear", [x, weight] + ([] if bias is None else [bias]), list(x.shape[:-1]) + [weight.shape[0]])


@_handles("addmm")
def _addmm(g, a):
    x, right, bias = a["mat1"], a["mat2"], a["self"]
    if a["beta"] != 1 or a["alpha"] != 1:
        g.fail("a product with factors")
    if isinstance(right, torch.Tensor) and isinstance(bias, torch.Tensor) and bias.dim() == 1:
        return g.emit("linear", [x, right.T.contiguous(), bias], g.out_shape())
    return g.binary("add", g.emit("matmul", [x, right], g.out_shape()), bias)


@_handles("mm", "bmm", "matmul")
def _matmul(g, a):
    left, right = a["self"], a.get("mat2", a.get("other"))
    if len(left.shape) < 2 or len(right.shape) < 2:
        g.fail("a product of a vector")
    if isinstance(right, torch.Tensor) and right.dim() == 3 and right.stride(0) == 0:
        # One matrix, repeated.
        right = right[0]
    if isinstance(right, torch.Tensor) and right.dim() == 2:
        return g.emit("linear", [left, right.T.contiguous()], g.out_shape())
    return g.emit("matmul", [left, right], g.out_shape())


@_handles("_scaled_dot_product_flash_attention_for_cpu")
def _flash(g, a):
    return [_attention(g, a), None]


@_handles("scaled_dot_product_attention")
def _attention(g, a):
    q, k, v = a["query"], a["key"], a["value"]
    if a["is_causal"] or a["dropout_p"] or a.get("enable_gqa"):
        g.fail("attention that is causal, grouped or with dropout")
    scale = a["scale"] if a["scale"] is not None else 1 / math.sqrt(q.shape[-1])
    order = list(range(len(k.shape)))
    order[-2:] = order[:-3:-1]
    turned = g.emit("permute", [k], [k.shape[i] for i in order], axes=order)
    scores = g.emit("matmul", [g.scalar(q, factor=scale), turned], list(q.shape[:-1]) + [k.shape[-2]])
    if a["attn_mask"] is not None:
        mask = a["attn_mask"]
        if isinstance(mask, torch.Tensor) and mask.dtype == torch.bool:
            mask = torch.zeros(mask.shape).masked_fill(~mask, -1e30)
        scores = g.binary("add", scores, mask)
    weights = g.point("softmax", scores, axis=len(scores.shape) - 1)
    return g.emit("matmul", [weights, v], list(q.shape[:-1]) + [v.shape[-1]])


@_handles("cat")
def _cat(g, a):
    shape = g.out_shape()
    parts = [p for p in a["tensors"] if list(p.shape) != [0]]
    return g.emit("cat", parts, shape, axis=a["dim"] % len(shape))


@_handles("stack")
def _stack(g, a):
    shape = g.out_shape()
    axis = a["dim"] % len(shape)
    parts = [g.reshape(p, shape[:axis] + [1] + shape[axis + 1:]) for p in a["tensors"]]
    return g.emit("cat", parts, shape, axis=axis)


@_handles("split", "split_with_sizes", "chunk", "unbind")
def _split(g, a):
    x, axis = a["self"], a["dim"] % len(a["self"].shape)
    parts, start = [], 0
    for i, meta in enumerate(g.here.meta["val"]):
        shape = g.shape_of(meta.shape)
        width = shape[axis] if len(shape) == len(x.shape) else 1
        parts.append(g.reshape(g.slice(x, axis, start, start + width), shape))
        start += width
    return parts


@_handles("slice.Tensor", "narrow")
def _slice(g, a):
    x, axis = a["self"], a["dim"] % len(a["self"].shape)
    if isinstance(x.shape[axis], _Batch):
        if g.same_batch(x.shape, g.out_shape()) and x.shape == g.out_shape():
            return x
        g.fail("a part of the batch")
    if "length" in a:
        return g.slice(x, axis, a["start"], a["start"] + a["length"])
    places = range(x.shape[axis])[slice(a["start"], a["end"], a["step"])]
    return g.pick(x, axis, places)


@_handles("select.int")
def _select(g, a):
    x, axis = a["self"], a["dim"] % len(a["self"].shape)
    index = a["index"] % x.shape[axis]
    return g.reshape(g.slice(x, axis, index, index + 1), g.out_shape())


@_handles("index_select")
def _index_select(g, a):
    return g.pick(a["self"], a["dim"] % len(a["self"].shape), a["index"].tolist())


@_handles("index.Tensor")
def _index(g, a):
    places = [(i, index) for i, index in enumerate(a["indices"]) if index is not None]
    if len(places) != 1 or not isinstance(places[0][1], torch.Tensor):
        g.fail("an index that depends on the image, or several")
    axis, index = places[0]
    return g.reshape(g.pick(a["self"], axis, (index.flatten() % a["self"].shape[axis]).tolist()), g.out_shape())


@_handles("flip")
def _flip(g, a):
    x = a["self"]
    for axis in a["dims"]:
        x = g.pick(x, axis % len(x.shape), range(x.shape[axis])[::-1])
    return x


@_handles("roll")
def _roll(g, a):
    x = a["self"]
    if not a["dims"]:
        g.fail("a roll without axes")
    for shift, axis in zip(a["shifts"], a["dims"]):
        size = x.shape[axis]
        x = g.pick(x, axis % len(x.shape), [(i - shift) % size for i in range(size)])
    return x


@_handles("view", "reshape", "_unsafe_view", "flatten", "squeeze", "unsqueeze", "unflatten")
def _reshape(g, a):
    return g.reshape(a["self"], g.out_shape())


@_handles("as_strided")
def _as_strided(g, a):
    # What export makes of a flatten that needs no copy: a reshape, unless it is something else.
    source = g.here.args[0].meta["val"]
    known = lambda sizes: [int(s) if not isinstance(s, torch.SymInt) else int(s.node.expr.subs(g.symbol, 3)) for s in sizes]
    shape, stride = known(source.shape), known(source.stride())
    values = torch.empty_strided(shape, stride)
    values.copy_(torch.arange(math.prod(shape), dtype=torch.float32).reshape(shape))
    out = g.here.meta["val"]
    seen = torch.as_strided(values, known(out.shape), known(out.stride()))
    if seen.numel() != values.numel() or not torch.equal(seen, values.reshape(seen.shape)):
        g.fail("a view by strides that is no reshape")
    return g.reshape(a["self"], g.out_shape())


@_handles("permute", "transpose", "t", "numpy_T", "mT")
def _permute(g, a):
    x, rank = a["self"], len(a["self"].shape)
    order = list(range(rank))
    if "dims" in a:
        order = [d % rank for d in a["dims"]]
    else:
        i, j = (a["dim0"], a["dim1"]) if "dim0" in a else (rank - 2, rank - 1)
        order[i], order[j] = order[j], order[i]
    if order == list(range(rank)):
        return x
    return g.emit("permute", [x], [x.shape[i] for i in order], axes=order)


@_handles("expand")
def _expand(g, a):
    x, shape = a["self"], g.out_shape()
    x_shape = [1] * (len(shape) - len(x.shape)) + list(x.shape)
    x = x.reshape(x_shape) if isinstance(x, torch.Tensor) else g.reshape(x, x_shape)
    if isinstance(x, _Value) and x.shape == shape and g.same_batch(x.shape, shape):
        return x
    return g.emit("expand", [x], shape)


@_handles("full", "zeros", "ones", "new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like")
def _full(g, a):
    name, shape = g.here.target._schema.name, g.out_shape()
    value = float(a["fill_value"]) if "full" in name else float("ones" in name)
    return g.emit("expand", [torch.full([1] * len(shape), value)], shape)


def main():
    parser = argparse.ArgumentParser(description="Writes a network of torchvision for Striate.")
    parser.add_argument("network", help="resnet50, densenet201, efficientnet_b5, vgg19, convnext_tiny, ...")
    parser.add_argument("--weights", help="a checkpoint of torchvision (a state dict), DEFAULT to download torchvision's, or none: random")
    parser.add_argument("--size", type=int, default=224, help="height and width of the images in pixels")
    parser.add_argument("--features", default="", help="modules whose outputs are wanted, with commas between them")
    parser.add_argument("--classes", type=int, help="number of classes, if it is not 1000")
    parser.add_argument("--class-names", help="a text file with one class a line, in the order of the scores")
    parser.add_argument("--mean", default="0.485,0.456,0.406")
    parser.add_argument("--std", default="0.229,0.224,0.225")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    import torchvision

    torch.manual_seed(0)
    options = {"num_classes": arguments.classes} if arguments.classes else {}
    names = []
    if arguments.weights == "DEFAULT":
        weights = torchvision.models.get_model_weights(arguments.network).DEFAULT
        model = torchvision.models.get_model(arguments.network, weights=weights)
        names = list(weights.meta["categories"])
    else:
        model = torchvision.models.get_model(arguments.network, weights=None, **options)
        if arguments.weights:
            model.load_state_dict(torch.load(arguments.weights, map_location="cpu", weights_only=True))
    if hasattr(model, "aux_logits"):
        model.aux_logits = False
    if arguments.class_names:
        names = Path(arguments.class_names).read_text().split("\n")
        names = names[:-1] if names[-1] == "" else names
    numbers = lambda text: [float(v) for v in text.split(",")]
    try:
        header = export(model, arguments.out, size=arguments.size, features=[f for f in arguments.features.split(",") if f],
                        mean=numbers(arguments.mean), std=numbers(arguments.std), class_names=names, name=arguments.network)
    except ExportError as error:
        raise SystemExit(f"striate_export: {error}")
    size = Path(arguments.out).stat().st_size / 1e6
    print(f"{arguments.out}: {len(header['nodes'])} operations, {size:.1f} MB, outputs {', '.join(header['outputs'])}")


if __name__ == "__main__":
    main()
