//! Finds the server that a name means.

use crate::cli::nearest::{nearest, or_list};
use crate::failure::Failure;

use super::server::Server;

/// Returns whether any server has this name or host.
pub fn is_there(name: &str, servers: &[Server]) -> bool {
    servers.iter().any(|server| is_meant(name, server))
}

/// Returns the one server of this name or host.
pub fn choose(name: &str, servers: Vec<Server>) -> Result<Server, Failure> {
    let (mut meant, others): (Vec<_>, Vec<_>) = servers
        .into_iter()
        .partition(|server| is_meant(name, server));
    match meant.pop() {
        None => Err(unknown(name, &others)),
        Some(server) if meant.is_empty() => Ok(server),
        Some(server) => {
            meant.push(server);
            Err(ambiguous(name, &meant))
        }
    }
}

fn is_meant(name: &str, server: &Server) -> bool {
    let same = |other: &str| other.to_lowercase() == name.to_lowercase();
    same(&server.name) || same(&server.host)
}

fn unknown(name: &str, servers: &[Server]) -> Failure {
    let near = nearest(name, servers.iter().map(|server| server.name.as_str()));
    let failure = Failure::usage(format!("no server that you may see is called `{name}`"));
    // A short beginning may fit hundreds.
    let failure = match near.as_slice() {
        [] => failure,
        near => failure.hint(format!(
            "did you mean {}?",
            or_list(&near[..near.len().min(5)])
        )),
    };
    failure.hint("run `entra-psql --servers` to see the names, or name the host with `-h HOST`")
}

fn ambiguous(name: &str, servers: &[Server]) -> Failure {
    let failure = Failure::usage(format!("several servers are called `{name}`"));
    servers.iter().fold(failure, |failure, server| {
        failure.hint(format!(
            "use `-h {}` for the one in the subscription `{}`",
            server.host, server.subscription
        ))
    })
}
