//! What a graph says in words: texts that one node holds, that others put together, and that stand for
//! two encoders or for several conditions at once.

use serde_json::Value;

use super::{Graph, Node, linked};

/// Most nodes that put texts together, on the way to one prompt, and most bytes of it.
const PUT_TOGETHER: usize = 64;
const BYTES: usize = 80_000;

/// Where nodes have a text. Those of one row say the same, or each its own to an encoder of its own.
const TEXTS: &[&[&str]] =
    &[&["text"], &["prompt"], &["string"], &["value"], &["text_g", "text_l"], &["t5xxl", "clip_l"]];

/// Conditions that hold at once, in the order in which they are given.
const CONDITIONS: &[&str] =
    &["conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from"];

/// Two texts and what stands between them.
const CONCATENATED: [&str; 2] = ["string_a", "string_b"];

impl Graph {
    /// The text that is said on the way back from a node, by the nearest node that says any.
    pub(super) fn words(&self, start: &str, side: Option<&str>) -> Option<Value> {
        let mut way = Way { left: PUT_TOGETHER, nodes: Vec::new() };
        self.said(start, side, &mut way).map(Value::from)
    }

    fn said<'a>(&'a self, start: &str, side: Option<&str>, way: &mut Way<'a>) -> Option<String> {
        way.left = way.left.checked_sub(1)?;
        self.back(start, side).into_iter().find_map(|id| {
            // A text that leads into itself says nothing more.
            if way.nodes.contains(&id) {
                return None;
            }
            way.nodes.push(id);
            let said = self.said_by(&self.nodes[id], side, way);
            way.nodes.pop();
            said
        })
    }

    fn said_by<'a>(
        &'a self,
        node: &'a Node,
        side: Option<&str>,
        way: &mut Way<'a>,
    ) -> Option<String> {
        if CONCATENATED.iter().any(|name| node.inputs.contains_key(*name)) {
            let between = self.text(node, "delimiter", way).unwrap_or_default();
            let parts = CONCATENATED.map(|name| self.text(node, name, way).unwrap_or_default());
            return bounded(parts.join(&between));
        }
        if CONDITIONS.iter().any(|name| node.inputs.contains_key(*name)) {
            let lines = CONDITIONS.iter().filter_map(|name| linked(node.inputs.get(*name)?));
            return together(lines.filter_map(|from| self.said(from, side, way)).collect());
        }
        TEXTS.iter().find_map(|names| {
            together(names.iter().filter_map(|name| self.text(node, name, way)).collect())
        })
    }

    /// A text that stands in an input of a node, or is led there from another one.
    fn text<'a>(&'a self, node: &'a Node, name: &str, way: &mut Way<'a>) -> Option<String> {
        let value = node.inputs.get(name)?;
        match value.as_str() {
            Some(text) => Some(text.to_owned()),
            None => self.said(linked(value)?, None, way),
        }
    }
}

/// How far a prompt has been followed: nodes that may still be asked, and those that are being asked.
struct Way<'a> {
    left: usize,
    nodes: Vec<&'a str>,
}

/// Each text once, in one line of thought.
fn together(texts: Vec<String>) -> Option<String> {
    let mut said: Vec<&str> = Vec::new();
    for text in texts.iter().map(|text| text.trim()) {
        if !text.is_empty() && !said.contains(&text) {
            said.push(text);
        }
    }
    bounded(said.join(", "))
}

fn bounded(text: String) -> Option<String> {
    (!text.trim().is_empty() && text.len() <= BYTES).then_some(text)
}
