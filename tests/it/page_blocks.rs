//! The blocks of the pages in docs/ that no shell can run whole here are checked as far as that
//! goes: YAML is YAML, az accepts its commands, and pipelines install what they call.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sandbox::directory::SUBSCRIPTION;
use sandbox::{Identity, Sandbox};

use crate::page::{Block, block, blocks};
use crate::support::{User, text, tool};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn page(name: &str) -> String {
    fs::read_to_string(docs().join(name)).expect("the page is there")
}

/// The text of every block that is meant, of all pages.
fn all_blocks(is_meant: fn(&Block) -> bool) -> Vec<String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(docs())
        .expect("the directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    let pages = paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("a page"));
    pages
        .flat_map(|page| {
            let meant = blocks(&page).into_iter().filter(is_meant);
            meant.map(|block| block.text).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_block_of_yaml_is_yaml() {
    // The Azure CLI brings a parser.
    let script = "import sys, yaml\n\
        for document in yaml.safe_load_all(sys.stdin):\n    \
        assert isinstance(document, dict), document\n";
    let found = all_blocks(|block| block.language == "yaml");
    for yaml in &found {
        let mut python = Command::new(Sandbox::shared().python())
            .args(["-I", "-c", script])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Python");
        let mut stdin = python.stdin.take().expect("a pipe");
        stdin.write_all(yaml.as_bytes()).expect("written");
        drop(stdin);
        let output = python.wait_with_output().expect("the end");
        let said = text(&output.stderr);
        assert!(output.status.success(), "{yaml}{said}");
    }
    assert_eq!(found.len(), 6);
}

/// The sandbox's Resource Manager has no servers, so az gets as far as asking for this one: its
/// arguments are right, and name the server.
#[test]
fn az_accepts_the_commands_and_asks_for_the_server() {
    let server = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.DBforPostgreSQL/flexibleServers/mydb"
    );
    let scripts = all_blocks(|block| block.scene == "az");
    for script in &scripts {
        let user = User::signed_in(Identity::Alice);
        let mut shell = user.tool(tool("sh"));
        let output = shell.args(["-euc", script]).output().expect("a shell");
        let requests = user.entra.requests();
        let last = requests.last().map(|request| request.path.as_str());
        assert_eq!(last, Some(server.as_str()), "{script}");
        let said = (text(&output.stderr), output.status.code());
        let not_found = "ERROR: Operation returned an invalid status 'Not Found'\n";
        assert_eq!(said, (not_found.to_owned(), Some(3)), "{script}");
    }
    assert_eq!(scripts.len(), 2);
}

/// Where a line is that begins with `start`, after its indentation and what begins an item.
#[track_caller]
fn line_of(text: &str, start: &str) -> usize {
    let begins = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ");
        line.trim_start_matches("run: ").starts_with(start)
    };
    let line = text.lines().position(begins);
    line.unwrap_or_else(|| panic!("{start:?} isn't in\n{text}"))
}

#[test]
fn every_pipeline_installs_what_it_calls() {
    let page = page("ci.md");
    let pipelines: Vec<_> = blocks(&page)
        .into_iter()
        .filter(|block| block.language == "yaml")
        .map(|block| block.text)
        .collect();
    assert_eq!(pipelines.len(), 4);
    for pipeline in &pipelines {
        let client = pipeline.lines().position(|line| {
            line.contains("apt-get install ") && line.ends_with(" postgresql-client")
        });
        let program = line_of(pipeline, "cargo install --locked ");
        let call = line_of(pipeline, "entra-psql ");
        assert!(client.is_some_and(|client| client < call), "{pipeline}");
        assert!(program < call, "{pipeline}");
    }
}

#[test]
fn every_container_is_of_the_image_that_the_page_builds() {
    let page = page("kubernetes-and-vms.md");
    let image = block(&page, "dockerfile");
    for part in ["ca-certificates", "postgresql-client", "/bin/entra-psql "] {
        assert!(image.contains(part), "{part}");
    }
    let commands = page.matches("registry.example/").count();
    let of_this_image = page.matches("registry.example/migrate").count();
    assert_eq!((commands, of_this_image), (4, 4));
    assert!(page.contains("docker build -t registry.example/migrate ."));
}
