//! Which nodes an output needs, and when a value is used for the last time.
//! Invariant: no value is kept longer than something still needs it.

use std::collections::BTreeMap;

use crate::graph::{Node, Source};

/// What is to be computed for some outputs.
pub(crate) struct Plan {
    /// The nodes in order.
    pub(crate) nodes: Vec<usize>,
    /// For each of them, the nodes whose values are not needed after it.
    pub(crate) freed: Vec<Vec<usize>>,
}

impl Plan {
    /// For the values of these nodes, which are kept.
    pub(crate) fn new(nodes: &[Node], outputs: &[usize]) -> Self {
        let mut needed = vec![false; nodes.len()];
        for output in outputs {
            needed[*output] = true;
        }
        for (i, node) in nodes.iter().enumerate().rev() {
            if needed[i] {
                for source in &node.inputs {
                    if let Source::Node(from) = source {
                        needed[*from] = true;
                    }
                }
            }
        }
        let order: Vec<usize> = (0..nodes.len()).filter(|i| needed[*i]).collect();
        let mut last = BTreeMap::new();
        for i in &order {
            for source in &nodes[*i].inputs {
                if let Source::Node(from) = source {
                    last.insert(*from, *i);
                }
            }
        }
        let mut freed: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (value, at) in last {
            if !outputs.contains(&value) {
                freed.entry(at).or_default().push(value);
            }
        }
        let freed = order
            .iter()
            .map(|i| freed.remove(i).unwrap_or_default())
            .collect();
        Self {
            nodes: order,
            freed,
        }
    }

    /// The most values that live at once, for one image, and of those for one image of
    /// which the shape has a batch axis.
    pub(crate) fn peak(&self, nodes: &[Node]) -> usize {
        let (mut live, mut peak) = (0, 0);
        for (at, i) in self.nodes.iter().enumerate() {
            live += nodes[*i].elements();
            peak = peak.max(live);
            for value in &self.freed[at] {
                live -= nodes[*value].elements();
            }
        }
        peak
    }
}
