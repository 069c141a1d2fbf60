//! A graph that has been read and checked. Invariant: a node's inputs are the images, constants
//! that the file holds, or nodes before it.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};

use crate::format::{Axis, Input, RawNode, lengths, words};
use crate::op::Op;
use crate::plan::Plan;
use crate::value::Value;
use crate::{Error, Result, file, ops};

/// Where a node takes a value from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The images.
    Image,
    /// A constant of the file.
    Constant(Tensor),
    /// A node before.
    Node(usize),
}

/// One operation, checked.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) op: Op,
    /// The operation as the file calls it.
    word: String,
    pub(crate) inputs: Vec<Source>,
    pub(crate) shape: Vec<Axis>,
}

impl Node {
    /// The error of this node.
    pub(crate) fn fail(&self, problem: impl Into<String>) -> Error {
        Error::Node {
            node: self.name.clone(),
            op: self.word.clone(),
            problem: problem.into(),
        }
    }

    /// Values of its result for one image.
    pub(crate) fn elements(&self) -> usize {
        lengths(&self.shape, 1).iter().product()
    }
}

/// A network as a graph of operations.
#[derive(Debug)]
pub struct Graph {
    name: String,
    made_with: String,
    input: Input,
    class_names: Vec<String>,
    nodes: Vec<Node>,
    outputs: BTreeMap<String, usize>,
    sample: Tensor,
    expected: BTreeMap<String, Tensor>,
    device: Device,
}

impl Graph {
    /// Reads what `striate_export.py` wrote. Whether it computes the same is for [`Graph::check`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no graph of this version; if an operation is unknown, has
    /// wrong attributes or a number of inputs that it does not take; if an input or a tensor is
    /// missing or comes later; if the sample does not fit.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let (header, tensors) = file::read(path, device)?;
        let in_file = |error: Error| Error::File {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let input = header.input;
        let known = [1, 3].contains(&input.channels);
        if !known || input.height * input.width == 0 || input.range[0] >= input.range[1] {
            let problem = format!("has an input that is no image: {input:?}");
            return Err(in_file(Error::graph(problem)));
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(header.nodes.len());
        let mut places = BTreeMap::new();
        let later: Vec<String> = header.nodes.iter().map(|n| n.name.clone()).collect();
        for raw in header.nodes {
            let node = node(raw, &places, &later, &tensors).map_err(in_file)?;
            if places.insert(node.name.clone(), nodes.len()).is_some() {
                return Err(in_file(node.fail("another node bears this name")));
            }
            check_axes(&node, &nodes).map_err(in_file)?;
            nodes.push(node);
        }
        let mut outputs = BTreeMap::new();
        let mut expected = BTreeMap::new();
        for (name, node) in header.outputs {
            let place = *places.get(&node).ok_or_else(|| {
                in_file(Error::graph(format!(
                    "gives output {name} from node {node:?}, which there is not"
                )))
            })?;
            let sample = tensor(&tensors, &format!("sample.output.{name}")).map_err(in_file)?;
            expected.insert(name.clone(), sample);
            outputs.insert(name, place);
        }
        if outputs.is_empty() {
            return Err(in_file(Error::graph("has no outputs")));
        }
        let graph = Self {
            name: header.name,
            made_with: header.made_with,
            sample: tensor(&tensors, "sample.input").map_err(in_file)?,
            input,
            class_names: header.class_names,
            nodes,
            outputs,
            expected,
            device: device.clone(),
        };
        graph.check_images(&graph.sample).map_err(in_file)?;
        graph.check_classes().map_err(in_file)?;
        Ok(graph)
    }

    /// What the network is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What wrote the file, such as `torch 2.15`.
    pub fn made_with(&self) -> &str {
        &self.made_with
    }

    /// The images that it takes.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The classes, in the order of the class scores; none if the file does not say.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The names of the outputs, in alphabetical order.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.keys().map(String::as_str)
    }

    /// The shape of an output; None if there is no such output.
    pub fn output_shape(&self, name: &str) -> Option<&[Axis]> {
        self.outputs.get(name).map(|i| &self.nodes[*i].shape[..])
    }

    /// The number of classes of `logits`; None if there are none, or they are no class scores.
    pub fn classes(&self) -> Option<usize> {
        match self.output_shape("logits")? {
            [Axis::Batch { batch: 1 }, Axis::Fixed(classes)] => Some(*classes),
            _ => None,
        }
    }

    /// How many images at once keep the values of a pass for some outputs below so many bytes,
    /// at least 1 and at most 128; without gradients.
    ///
    /// # Errors
    ///
    /// If there is no such output.
    pub fn batch_within(&self, outputs: &[&str], bytes: usize) -> Result<usize> {
        let one = Plan::new(&self.nodes, &self.places(outputs)?).peak(&self.nodes);
        Ok(fitting(bytes, one))
    }

    /// As [`Graph::batch_within`] for one output and its gradient, which needs all values, and
    /// about one of its own for each that is left; 1 if there is no such output.
    pub fn gradient_batch_within(&self, output: &str, bytes: usize) -> usize {
        let all = self.nodes.iter().map(Node::elements).sum::<usize>();
        match self.outputs.contains_key(output) {
            true => fitting(bytes, 2 * all),
            false => 1,
        }
    }

    /// Computes one output.
    ///
    /// # Shapes
    ///
    /// `images` `[batch, channels, height, width]`, in the range of [`Graph::input`] (any strides);
    /// the result as [`Graph::output_shape`] says.
    ///
    /// # Errors
    ///
    /// As [`Graph::run`].
    pub fn run_one(&self, output: &str, images: &Tensor) -> Result<Tensor> {
        let mut found = self.run(&[output], images)?;
        found.pop().ok_or_else(|| Error::graph("gave no output"))
    }

    /// Computes some outputs in one pass; each is differentiable with respect to the images.
    ///
    /// # Shapes
    ///
    /// As [`Graph::run_one`].
    ///
    /// # Errors
    ///
    /// If the images have another shape or type, there is no such output, a node's value has not
    /// the shape that the file says, or the device has no memory.
    pub fn run(&self, outputs: &[&str], images: &Tensor) -> Result<Vec<Tensor>> {
        self.check_images(images)?;
        let batch = images.dim(0)?;
        let wanted = self.places(outputs)?;
        let plan = Plan::new(&self.nodes, &wanted);
        // An image that comes channels last stays so.
        let turned = images.permute((0, 2, 3, 1))?;
        let image = match images.device().is_cpu() || turned.is_contiguous() {
            true => Value::channels_last(turned)?,
            false => Value::plain(images.clone())?,
        };
        let mut values: Vec<Option<Value>> = vec![None; self.nodes.len()];
        for (at, i) in plan.nodes.iter().enumerate() {
            let node = &self.nodes[*i];
            let value = self.compute(node, &image, &values, batch)?;
            for freed in &plan.freed[at] {
                values[*freed] = None;
            }
            values[*i] = Some(value);
        }
        let found = wanted.iter().map(|i| {
            let value = values[*i].as_ref();
            value
                .ok_or_else(|| Error::graph("gave no output"))?
                .to_plain()
        });
        found.collect()
    }

    /// The nodes of these outputs.
    fn places(&self, outputs: &[&str]) -> Result<Vec<usize>> {
        let place = |name: &&str| {
            let place = self.outputs.get(*name).copied();
            place.ok_or_else(|| Error::NoOutput {
                name: (*name).to_owned(),
                known: self.outputs.keys().cloned().collect(),
            })
        };
        outputs.iter().map(place).collect()
    }

    fn compute(
        &self,
        node: &Node,
        image: &Value,
        values: &[Option<Value>],
        batch: usize,
    ) -> Result<Value> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for source in &node.inputs {
            inputs.push(match source {
                Source::Image => image.clone(),
                Source::Constant(tensor) => Value::plain(tensor.clone())?,
                Source::Node(i) => values[*i]
                    .clone()
                    .ok_or_else(|| node.fail("its input was freed"))?,
            });
        }
        let shape = lengths(&node.shape, batch);
        let value = ops::apply(&node.op, &inputs, &shape).map_err(|e| node.fail(e.to_string()))?;
        if value.dims() != shape {
            return Err(node.fail(format!(
                "expected a result of shape {}, found {:?} for a batch of {batch}",
                words(&node.shape),
                value.dims()
            )));
        }
        Ok(value)
    }

    /// The images of the sample, and what PyTorch made of them.
    pub(crate) fn sample(&self) -> (&Tensor, &BTreeMap<String, Tensor>) {
        (&self.sample, &self.expected)
    }

    fn check_images(&self, images: &Tensor) -> Result<()> {
        let (channels, height, width) = self.input.dims();
        let fits = matches!(images.dims(), &[batch, c, h, w]
            if batch > 0 && (c, h, w) == (channels, height, width));
        if !fits || images.dtype() != candle_core::DType::F32 {
            return Err(Error::Input {
                expected: [channels, height, width],
                found: images.dims().to_vec(),
            });
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<()> {
        let names = self.class_names.len();
        match self.classes() {
            found if names != 0 && found != Some(names) => Err(Error::graph(format!(
                "has {names} class names, and {} class scores",
                found.unwrap_or(0)
            ))),
            _ => Ok(()),
        }
    }
}

/// Images whose values, so many of each, fit into so many bytes.
fn fitting(bytes: usize, values: usize) -> usize {
    (bytes / (values * size_of::<f32>()).max(1)).clamp(1, 128)
}

/// Checks one node of the file.
fn node(
    raw: RawNode,
    places: &BTreeMap<String, usize>,
    later: &[String],
    tensors: &BTreeMap<String, Tensor>,
) -> Result<Node> {
    let fail = |problem: String| Error::Node {
        node: raw.name.clone(),
        op: raw.op.clone(),
        problem,
    };
    let mut written = serde_json::Map::new();
    written.insert("op".to_owned(), raw.op.clone().into());
    if let Some(with) = raw.with {
        written.insert("with".to_owned(), with);
    }
    let op: Op = serde_json::from_value(written.into()).map_err(|e| {
        let text = e.to_string();
        fail(match text.strip_prefix("unknown variant ") {
            Some(rest) => format!("unknown operation {rest}"),
            None => text,
        })
    })?;
    op.check().map_err(fail)?;
    let (least, most) = op.arity();
    if raw.inputs.len() < least || raw.inputs.len() > most {
        let found = raw.inputs.len();
        return Err(fail(format!(
            "expected {least} to {most} inputs, found {found}"
        )));
    }
    let mut inputs = Vec::with_capacity(raw.inputs.len());
    for name in &raw.inputs {
        inputs.push(if name == "input" {
            Source::Image
        } else if let Some(tensor) = tensors.get(name).filter(|_| name.starts_with("constant.")) {
            Source::Constant(tensor.clone())
        } else if let Some(place) = places.get(name) {
            Source::Node(*place)
        } else if later.contains(name) {
            return Err(fail(format!(
                "its input {name:?} is not computed before it"
            )));
        } else {
            return Err(fail(format!(
                "its input {name:?} is neither a node nor a tensor of the file"
            )));
        });
    }
    if raw.shape.iter().any(|a| a.of(1) == 0) {
        return Err(fail("an axis of length 0".to_owned()));
    }
    Ok(Node {
        name: raw.name,
        op,
        word: raw.op,
        inputs,
        shape: raw.shape,
    })
}

/// The axes of an operation must be axes of its first input.
fn check_axes(node: &Node, nodes: &[Node]) -> Result<()> {
    let rank = match node.inputs.first() {
        Some(Source::Node(i)) => nodes[*i].shape.len(),
        Some(Source::Constant(tensor)) => tensor.rank(),
        Some(Source::Image) | None => 4,
    };
    let axes = node.op.axes();
    if let Some(axis) = axes.iter().find(|axis| **axis >= rank) {
        return Err(node.fail(format!("there is no axis {axis} in an input of {rank}")));
    }
    if let Op::Permute { axes } = &node.op {
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        if sorted != (0..rank).collect::<Vec<_>>() {
            return Err(node.fail(format!("{axes:?} is no order of {rank} axes")));
        }
    }
    Ok(())
}

fn tensor(tensors: &BTreeMap<String, Tensor>, name: &str) -> Result<Tensor> {
    tensors
        .get(name)
        .cloned()
        .ok_or_else(|| Error::graph(format!("lacks the tensor {name}")))
}
