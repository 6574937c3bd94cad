//! The dependency rules of ARCHITECTURE.md, held to what cargo itself says is
//! linked on the systems that Likeness is for: `cargo metadata` with every
//! feature off but the defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use likeness_tests::repository::root;
use serde_json::Value;

/// What opens connections. Nothing here may link one: model downloads will have
/// one crate of their own, `fetch`, and it has not been written yet.
const NETWORK: &[&str] =
    &["reqwest", "hyper", "ureq", "curl", "isahc", "attohttpc", "hf-hub", "tungstenite", "quinn"];
/// TLS stacks that need a system library or bring one.
const TLS: &[&str] = &["openssl", "openssl-sys", "native-tls", "rustls"];

/// The systems that are shipped for. Tauri would link a network client on telephones.
const SYSTEMS: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
];

/// A rule: a package of ours, and what it must not reach through any chain of
/// normal or build dependencies. Packages that do not exist yet are listed
/// already: the rule binds them from their first day.
struct Rule {
    package: &'static str,
    never: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        package: "likeness-recipe",
        never: &["candle-core", "candle-nn", "image", "tokenizers", "rusqlite", "tauri", "tokio"],
        why: "what is asked for is plain data, and everything depends on it",
    },
    Rule {
        package: "likeness-picture",
        never: &["candle-core", "candle-nn", "tokenizers", "rusqlite", "tauri"],
        why: "picture files are read without a tensor library",
    },
    Rule {
        package: "likeness-kernels",
        never: &["candle-core", "candle-nn", "rusqlite", "tauri", "tokio"],
        why: "kernels work on slices",
    },
    Rule {
        package: "likeness-engine",
        never: &["rusqlite", "tauri", "tokio", "likeness-fetch", "dirs"],
        why: "the engine is given open paths and a device, and knows no library, window or network",
    },
    Rule {
        package: "likeness-library",
        never: &["candle-core", "candle-nn", "tauri", "tokio"],
        why: "the library stores and finds pictures, and computes none",
    },
    Rule {
        package: "likeness-studio-core",
        never: &["candle-core", "candle-nn", "tauri", "tokio"],
        why: "a host passes in what computes, so studio tests compile no candle",
    },
    Rule {
        package: "likeness",
        never: &["tauri"],
        why: "the command line runs where there is no display",
    },
    Rule {
        package: "likeness-eval",
        never: &["rusqlite", "tauri", "tokio"],
        why: "the evaluation runs the engine alone, as any host would",
    },
    Rule {
        package: "xtask",
        never: &["candle-core", "serde", "clap", "syn"],
        why: "xtask is compiled first on every fresh clone",
    },
];

#[test]
fn each_crate_depends_only_on_what_its_layer_may_know() {
    let graph = graph();
    for rule in RULES.iter().filter(|rule| graph.members.contains(rule.package)) {
        let reached = graph.reach(rule.package);
        for never in rule.never {
            assert!(
                !reached.contains(*never),
                "{} must not depend on {never}: {}",
                rule.package,
                rule.why
            );
        }
    }
}

/// Each package of ours that others are built on, and the ones of ours that it may be built on itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("xtask", &[]),
    ("likeness-recipe", &[]),
    ("likeness-kernels", &[]),
    ("likeness-picture", &["likeness-recipe"]),
    ("likeness-engine", &["likeness-kernels", "likeness-recipe"]),
    ("likeness-library", &["likeness-picture", "likeness-recipe"]),
    ("likeness-studio-core", &["likeness-library", "likeness-picture", "likeness-recipe"]),
    (
        "likeness-eval",
        &["likeness-engine", "likeness-kernels", "likeness-picture", "likeness-recipe"],
    ),
];

/// The hosts, on which nothing is built, and the tests.
const ENDS: &[&str] = &["likeness", "likeness-studio", "likeness-tests"];

#[test]
fn our_packages_depend_one_way() {
    let graph = graph();
    for member in &graph.members {
        let reached = graph.reach(member);
        let ours: Vec<_> =
            graph.members.iter().filter(|one| reached.contains(one.as_str())).collect();
        if ENDS.contains(&member.as_str()) {
            let layers = ours.iter().all(|one| LAYERS.iter().any(|(layer, _)| layer == one));
            assert!(layers || member == "likeness-tests", "{member} is built on a host: {ours:?}");
            continue;
        }
        let layer = LAYERS.iter().find(|(layer, _)| layer == member);
        let (_, may) = layer.unwrap_or_else(|| panic!("{member} has no layer"));
        for one in ours {
            assert!(may.contains(&one.as_str()), "{member} must not depend on {one}");
        }
    }
}

#[test]
fn nothing_can_open_a_connection() {
    let graph = graph();
    for member in graph.members.iter().filter(|member| *member != "likeness-fetch") {
        let reached = graph.reach(member);
        for never in NETWORK.iter().chain(TLS) {
            assert!(!reached.contains(*never), "{member} links {never}");
        }
    }
}

#[test]
fn shared_foundations_have_one_version() {
    // Two candles would mean two tensor types; two of the others, doubled build time.
    for name in ["candle-core", "candle-nn", "tokio", "safetensors", "image", "tokenizers", "serde"]
    {
        let versions = graph().versions.get(name).cloned().unwrap_or_default();
        assert!(versions.len() <= 1, "{name} is linked in versions {versions:?}");
    }
}

#[test]
fn every_member_takes_the_workspace_lints_and_licence() {
    for (name, manifest) in &graph().manifests {
        let text = std::fs::read_to_string(manifest).expect("a member has a manifest");
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{name} does not take the workspace's lints"
        );
        assert!(
            text.contains("license.workspace = true"),
            "{name} does not take the workspace's licence"
        );
    }
}

/// Package names and what each depends on, as cargo resolved it.
struct Graph {
    members: BTreeSet<String>,
    manifests: BTreeMap<String, String>,
    depends_on: BTreeMap<String, BTreeSet<String>>,
    versions: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn reach(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            for next in self.depends_on.get(name).into_iter().flatten() {
                if reached.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        reached
    }
}

fn graph() -> &'static Graph {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let answer = Command::new(cargo)
            .args(["metadata", "--format-version=1", "--locked"])
            .args(SYSTEMS.iter().flat_map(|system| ["--filter-platform", system]))
            .current_dir(root())
            .output()
            .expect("cargo starts");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        read(&serde_json::from_slice(&answer.stdout).expect("cargo metadata is JSON"))
    })
}

/// Packages are joined by name: two versions of one package count as one, which
/// makes the rules stricter, never looser.
fn read(metadata: &Value) -> Graph {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();

    let packages = list(&metadata["packages"]);
    let name_of: BTreeMap<String, String> =
        packages.iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in &packages {
        versions.entry(text(&package["name"])).or_default().insert(text(&package["version"]));
    }
    let ids: BTreeSet<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    let manifests = packages
        .iter()
        .filter(|p| ids.contains(&text(&p["id"])))
        .map(|p| (text(&p["name"]), text(&p["manifest_path"])))
        .collect();

    let mut depends_on: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let linked = depends_on.entry(name_of[&text(&node["id"])].clone()).or_default();
        for dependency in list(&node["deps"]) {
            let only_for_tests = list(&dependency["dep_kinds"])
                .iter()
                .all(|kind| kind["kind"].as_str() == Some("dev"));
            if !only_for_tests {
                linked.insert(name_of[&text(&dependency["pkg"])].clone());
            }
        }
    }
    Graph {
        members: ids.iter().map(|id| name_of[id].clone()).collect(),
        manifests,
        depends_on,
        versions,
    }
}
