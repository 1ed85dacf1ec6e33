//! `--doctor` about the network between here and the server: a closed firewall, in words or in
//! silence, and the ports that a server may have.

#[cfg(target_os = "linux")]
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use nix::sys::socket::{Backlog, listen};
use sandbox::{Identity, Manner, Sandbox, TokenChanges};

use crate::doctor::{alice, examined};
use crate::identities::{nobody, ready};

/// The command in a remedy, between the backquotes, with the resource group and the rule's name put
/// in.
fn command(remedies: &[&str]) -> Vec<String> {
    let remedy = remedies.iter().find(|remedy| remedy.contains("`az "));
    let remedy = remedy.unwrap_or_else(|| panic!("{remedies:#?}"));
    let (_, rest) = remedy.split_once('`').expect("a command");
    let (command, _) = rest.split_once('`').expect("its end");
    let command = command.replace("GROUP", "shop").replace("NAME", "desk");
    command.split(' ').map(str::to_owned).collect()
}

#[test]
fn the_command_for_a_network_without_a_rule_is_whole() {
    let sandbox = Sandbox::shared();
    let server = sandbox.new_gateway(Manner::UnknownNetwork);
    let server = server.expect("a server");
    let user = ready(&TokenChanges::none()).0;
    let found = examined(user.var("PGPORT", server.port().to_string()));
    found
        .is_broken_at(&["sign-in"])
        .matches("doctor/network_without_a_rule");
    // az understands it, and asks for the rule with the address that the server saw.
    let words = command(&found.remedies("sign-in"));
    assert!(words.contains(&"203.0.113.7".to_owned()), "{words:?}");
    let user = alice();
    let output = user
        .tool(sandbox.az_dir().join("az"))
        .args(&words[1..])
        .output()
        .expect("az");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(2), "{said}");
    let asked = user.entra.requests();
    assert!(
        asked.iter().any(|request| request
            .path
            .contains("/Microsoft.DBforPostgreSQL/flexibleServers/mydb")),
        "{said}\n{asked:#?}"
    );
}

/// A port whose queue is full drops what comes, as a firewall does.
#[cfg(target_os = "linux")]
#[test]
fn a_port_that_drops_everything() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listen(&listener, Backlog::new(0).expect("a length")).expect("a shorter queue");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    let brief = Duration::from_millis(300);
    while let Ok(stream) = TcpStream::connect_timeout(&address, brief) {
        waiting.push(stream);
    }
    let user = ready(&TokenChanges::none()).0;
    let found = examined(user.var("PGPORT", address.port().to_string()));
    found
        .is_broken_at(&["port"])
        .matches("doctor/port_that_drops_everything");
    let words = command(&found.remedies("port"));
    assert!(words.contains(&"ADDRESS".to_owned()), "{words:?}");
}

/// On an address of the loopback range that is this test's own, since the numbers are fixed.
#[cfg(target_os = "linux")]
#[test]
fn the_ports_of_an_elastic_cluster() {
    let own = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, own[1] | 1, own[2], own[3]);
    let open = TcpListener::bind(SocketAddr::new(address.into(), 8432)).expect("a port");
    let user = ready(&TokenChanges::none()).0;
    let user = user.var("PGHOSTADDR", address.to_string());
    let balanced = "balanced over an elastic cluster's nodes";
    let found = examined(user.var("PGPORT", "7432"));
    found.is_broken_at(&["port"]).says(
        "port",
        &format!("port 7432, {balanced}, cannot be reached"),
        "port 8432 is open",
    );
    found.says(
        "port",
        &format!("8432, {balanced} by PgBouncer, is open"),
        "",
    );
    drop(open);
}

#[test]
fn a_token_that_was_quoted_on_its_way() {
    let token = Sandbox::shared().issue(Identity::Alice, &TokenChanges::none());
    let user = || {
        let words = [
            "--no-entra",
            "-U",
            "alice@contoso.example",
            "-d",
            "postgres",
        ];
        let quoted = format!("\"{token}\"");
        nobody().var("PGPASSWORD", quoted).args(words)
    };
    examined(user().var("PGSSLMODE", "require"))
        .is_broken_at(&["sign-in"])
        .matches("doctor/token_quoted");
    // By default psql tries again without TLS, and says what came of that.
    examined(user())
        .is_broken_at(&["sign-in"])
        .matches("doctor/refused_without_tls");
}
