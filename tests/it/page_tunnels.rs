//! The commands of the page on tunnels lead to the server that they name.
//!
//! A forwarder of this test stands in for the tunnel. `ssh`, `kubectl` and `az network` stand in
//! too: they only note their arguments, which must open the tunnel that the forwarder is. psql, TLS
//! and the server are real.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{fs, thread};

use sandbox::Identity;

use crate::page::{block, blocks, output_of, shown};
use crate::support::{PROGRAM, User, text, tool};

/// The port of the page's tunnel, in whose place the forwarder has one of its own.
const PORT: &str = "15432";

const SERVER: &str = "mydb.postgres.database.azure.com:5432";

/// Carries bytes from a port of its own to another one.
struct Forwarder {
    listener: TcpListener,
    to: u16,
    connections: AtomicUsize,
    is_over: AtomicBool,
}

impl Forwarder {
    fn new(to: u16) -> Self {
        Self {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"),
            to,
            connections: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().expect("an address").port()
    }

    fn run(&self) {
        thread::scope(|scope| {
            for connection in self.listener.incoming() {
                if self.is_over.load(Ordering::SeqCst) {
                    return;
                }
                self.connections.fetch_add(1, Ordering::SeqCst);
                let here = connection.expect("a connection");
                let there = TcpStream::connect((Ipv4Addr::LOCALHOST, self.to)).expect("a server");
                let back = (there.try_clone(), here.try_clone());
                scope.spawn(move || carry(here, there));
                scope.spawn(move || carry(back.0.expect("a copy"), back.1.expect("a copy")));
            }
        });
    }

    /// Ends [`Self::run`], by a last connection.
    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())));
    }
}

/// Carries bytes one way, until that way is closed.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    // A peer that is gone ends this way as an end of the bytes does.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// Somebody whose programs for tunnels note their arguments.
fn somebody(service_file: &str) -> User {
    // What the page has to say itself isn't in the environment.
    let user = User::signed_in(Identity::Alice)
        .without("PGHOSTADDR")
        .without("PGPORT")
        .file(".pg_service.conf", service_file);
    let note = "printf '%s\\n' \"${0##*/} $*\" >> \"$HOME/tunnels.log\"";
    for name in ["ssh", "kubectl"] {
        user.program(name, &format!("#!/bin/sh\n{note}\n"));
    }
    let az = user.home.path().join("bin/az");
    fs::rename(&az, az.with_file_name("real-az")).expect("az");
    let real = "exec \"${0%/*}/real-az\" \"$@\"";
    user.program(
        "az",
        &format!("#!/bin/sh\nif [ \"$1\" = network ]; then {note}; else {real}; fi\n"),
    );
    symlink(PROGRAM, user.home.path().join("bin/entra-psql")).expect("a link");
    user
}

#[test]
fn every_command_of_the_page_on_tunnels_reaches_the_server() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/private-servers.md");
    let page = fs::read_to_string(file).expect("the page");
    let user = somebody("");
    let forwarder = Forwarder::new(user.sandbox.port());
    let port = forwarder.port().to_string();
    let user = user.file(
        ".pg_service.conf",
        &block(&page, "ini").replace(PORT, &port),
    );
    let all = blocks(&page);
    let meant = all.iter().enumerate();
    let meant = meant.filter(|(_, block)| block.language == "sh");
    let scripts: Vec<(String, Option<&str>)> = meant
        .map(|(at, block)| (block.text.replace(PORT, &port), output_of(&all, at)))
        .collect();
    let outputs: Vec<_> = thread::scope(|scope| {
        scope.spawn(|| forwarder.run());
        let run = |(script, _): &(String, Option<&str>)| {
            let mut shell = user.tool(tool("sh"));
            shell
                .args(["-euc", script])
                .stdin(std::process::Stdio::null())
                .output()
                .expect("a shell")
        };
        let outputs = scripts.iter().map(run).collect();
        forwarder.end();
        outputs
    });
    let mut sessions = 0;
    for ((script, expected), output) in scripts.iter().zip(&outputs) {
        let said = (text(&output.stderr), output.status.code());
        assert_eq!(said, (String::new(), Some(0)), "{script}");
        if script.contains("entra-psql ") {
            assert!(
                text(&output.stdout).contains("alice@contoso.example"),
                "{script}"
            );
            let printed = shown(&text(&output.stdout));
            assert!(
                expected.is_none_or(|expected| printed == expected),
                "{printed}"
            );
            sessions += 1;
        }
    }
    assert_eq!((scripts.len(), sessions), (8, 3));
    assert_eq!(forwarder.connections.load(Ordering::SeqCst), sessions);
    let noted = fs::read_to_string(user.home.path().join("tunnels.log")).expect("the tunnels");
    assert_eq!(noted, format!("\
ssh -N -L 127.0.0.1:{port}:{SERVER} azureuser@jump.contoso.example
az network bastion tunnel --name my-bastion --resource-group network --target-resource-id /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/network/providers/Microsoft.Compute/virtualMachines/jump --resource-port 22 --port 2222
ssh -N -L 127.0.0.1:{port}:{SERVER} -p 2222 azureuser@127.0.0.1
kubectl run pg-tunnel --image=alpine/socat -- tcp-listen:5432,fork,reuseaddr tcp-connect:{SERVER}
kubectl wait --for=condition=Ready pod/pg-tunnel
kubectl port-forward --address 127.0.0.1 pod/pg-tunnel {port}:5432
kubectl delete pod pg-tunnel
"));
}
