//! Files that are no graphs: each is refused with the place and the reason.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::Device;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use striate_graph::{Graph, is_graph};

fn resnet() -> Vec<u8> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/resnet.striate");
    std::fs::read(file).unwrap()
}

/// What the graph says when its header, or the list of its tensors, was changed.
fn refused(change: impl FnOnce(&mut Value), keep: impl Fn(&str) -> bool) -> String {
    let bytes = resnet();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let text = &metadata.metadata().as_ref().unwrap()["striate_graph"];
    let mut header: Value = serde_json::from_str(text).unwrap();
    change(&mut header);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.iter().filter(|(name, _)| keep(name));
    let metadata = HashMap::from([("striate_graph".to_owned(), header.to_string())]);
    let changed = safetensors::serialize(tensors, Some(metadata)).unwrap();
    message(&changed)
}

/// The error of opening and checking these bytes, without the path.
fn message(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("network.striate");
    std::fs::write(&path, bytes).unwrap();
    let found = Graph::open(&path, &Device::Cpu).and_then(|graph| graph.ensure());
    let text = found.unwrap_err().to_string();
    text.replace(&format!("{}: ", path.display()), "")
}

fn all(_: &str) -> bool {
    true
}

/// The place of the first node of an operation.
fn first(header: &Value, op: &str) -> usize {
    let nodes = header["nodes"].as_array().unwrap();
    nodes.iter().position(|node| node["op"] == op).unwrap()
}

#[test]
fn an_unknown_operation_is_named_with_its_node() {
    let text = refused(|h| h["nodes"][4]["op"] = json!("fft"), all);
    let start =
        "node max_pool2d (fft): unknown operation `fft`, expected one of `conv2d`, `affine`";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn attributes_are_checked() {
    let text = refused(|h| h["nodes"][4]["with"]["dilation"] = json!([2, 2]), all);
    assert!(
        text.contains("max_pool2d") && text.contains("unknown field `dilation`"),
        "{text}"
    );
    let text = refused(|h| h["nodes"][4]["with"]["stride"] = json!([0, 2]), all);
    assert_eq!(
        text,
        "node max_pool2d (max_pool2d): stride: expected at least 1, found [0, 2]"
    );
    let text = refused(
        |h| {
            let at = first(h, "mean");
            h["nodes"][at]["with"]["axes"] = json!([2, 4]);
        },
        all,
    );
    assert!(
        text.contains("there is no axis 4 in an input of 4"),
        "{text}"
    );
    let text = refused(|h| h["nodes"][4]["inputs"] = json!([]), all);
    assert!(text.contains("expected 1 to 1 inputs, found 0"), "{text}");
}

#[test]
fn a_missing_tensor_is_named() {
    let lacks = |name: &str| !name.contains("fc.weight");
    let text = refused(|_| {}, lacks);
    let start =
        "node linear (linear): its input \"constant.fc.weight\" is neither a node nor a tensor";
    assert!(text.starts_with(start), "{text}");
    let text = refused(|_| {}, |name| name != "sample.output.logits");
    assert_eq!(text, "the graph lacks the tensor sample.output.logits");
    let text = refused(|_| {}, |name| name != "sample.input");
    assert_eq!(text, "the graph lacks the tensor sample.input");
}

#[test]
fn another_version_is_refused_before_its_fields() {
    let text = refused(
        |h| {
            h["version"] = json!(2);
            h["news"] = json!(true);
        },
        all,
    );
    assert_eq!(text, "is a graph of format 2; this program reads format 1");
    let text = refused(|h| h["news"] = json!(true), all);
    assert!(text.contains("unknown field `news`"), "{text}");
    let text = refused(|h| h["version"] = json!("one"), all);
    assert_eq!(text, "its header has no version");
}

#[test]
fn shapes_that_are_not_what_the_file_says_are_refused() {
    let text = refused(|h| h["nodes"][4]["shape"][1] = json!(9), all);
    assert!(text.starts_with("node max_pool2d (max_pool2d): expected a result of shape [batch, 9, 8, 8], found [1, 8, 8, 8] for a batch of 1"), "{text}");
    let text = refused(
        |h| {
            let at = first(h, "linear");
            h["nodes"][at]["inputs"][1] = json!("constant.fc.bias");
        },
        all,
    );
    assert!(text.starts_with("node linear (linear): "), "{text}");
    let text = refused(|h| h["input"]["height"] = json!(31), all);
    assert!(text.contains("takes images [3, 31, 32]"), "{text}");
    let text = refused(|h| h["class_names"] = json!(["a", "b"]), all);
    assert_eq!(text, "the graph has 2 class names, and 5 class scores");
}

#[test]
fn a_graph_without_an_order_is_refused() {
    let text = refused(
        |h| {
            let name = h["nodes"][4]["name"].clone();
            h["nodes"][4]["inputs"] = json!([name]);
        },
        all,
    );
    assert!(
        text.contains("its input \"max_pool2d\" is not computed before it"),
        "{text}"
    );
    let text = refused(
        |h| {
            let name = h["nodes"][6]["name"].clone();
            h["nodes"][4]["inputs"] = json!([name]);
        },
        all,
    );
    assert!(text.contains("is not computed before it"), "{text}");
    let text = refused(
        |h| h["nodes"][5]["name"] = h["nodes"][4]["name"].clone(),
        all,
    );
    assert!(text.contains("another node bears this name"), "{text}");
    let text = refused(|h| h["outputs"]["logits"] = json!("nothing"), all);
    assert_eq!(
        text,
        "the graph gives output logits from node \"nothing\", which there is not"
    );
    let text = refused(|h| h["outputs"] = json!({}), all);
    assert_eq!(text, "the graph has no outputs");
}

#[test]
fn a_network_that_computes_something_else_is_refused() {
    // A leaky ReLU in place of a ReLU: valid, but not what was exported.
    let text = refused(
        |h| {
            let at = first(h, "relu");
            h["nodes"][at]["op"] = json!("leaky_relu");
            h["nodes"][at]["with"] = json!({"slope": 0.1});
        },
        all,
    );
    assert!(
        text.starts_with("the graph does not give what PyTorch gave: output l"),
        "{text}"
    );
    assert!(
        text.contains("of its largest value, more than 1e-4"),
        "{text}"
    );
}

#[test]
fn what_is_no_whole_file_is_refused() {
    let bytes = resnet();
    for cut in [0, 4, 100, bytes.len() - 1] {
        let text = message(&bytes[..cut]);
        assert!(
            text.starts_with(&format!("is no whole safetensors file ({cut} bytes): ")),
            "{text}"
        );
    }
    let text = message(b"\x80\x02}q\x00(X\x05\x00\x00\x00arrayq\x01a pickle is not looked into");
    assert!(text.starts_with("is no whole safetensors file"), "{text}");
    let none: Vec<(String, safetensors::tensor::TensorView<'_>)> = Vec::new();
    let text = message(&safetensors::serialize(none, None).unwrap());
    assert!(
        text.starts_with("is no graph: its metadata have no entry \"striate_graph\""),
        "{text}"
    );
}

#[test]
fn graphs_are_told_from_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert!(!is_graph(&path));
    let bytes = resnet();
    std::fs::write(&path, &bytes).unwrap();
    assert!(is_graph(&path));
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(is_graph(&path));
    std::fs::write(&path, b"{\"striate_graph\"").unwrap();
    assert!(!is_graph(&path));
}
