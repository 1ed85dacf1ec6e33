//! The parameters that the proxy uses: hosts, TLS and keepalives. All others are the clients'.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::TcpKeepalive;

use crate::failure::Failure;
use crate::libpq::parameters::Parameters;
use crate::libpq::target::Target;

use super::server::{self, Host, Liveness, Server};
use super::tls::{self, Check, Roots, Version};

/// The timeout for connecting to one address, unless `connect_timeout` is set.
const PATIENCE: Duration = Duration::from_secs(30);

/// Parameters that the proxy supports only with one of these values.
const UNSUPPORTED: [(&str, &[&[u8]]); 8] = [
    ("sslcert", &[]),
    ("sslkey", &[]),
    ("sslcrl", &[]),
    ("sslcrldir", &[]),
    ("sslcertmode", &[b"disable", b"allow"]),
    ("channel_binding", &[b"disable", b"prefer"]),
    ("target_session_attrs", &[b"any"]),
    ("load_balance_hosts", &[b"disable"]),
];

/// Reads what connections to `target` need. `mode` is the `sslmode`, and `roots` the root file.
pub fn server(target: &Target, mode: &str, roots: Option<&OsStr>) -> Result<Server, Failure> {
    let hosts = check(target)?;
    let parameters = target.parameters();
    let roots = roots.map(|roots| match roots.to_str() {
        Some("system") => Roots::System,
        _ => Roots::File(PathBuf::from(roots)),
    });
    let version = |name, default| match parameters.filled(name) {
        None => default,
        Some(b"TLSv1.3") => Version::Tls13,
        Some(_) => Version::Tls12,
    };
    let tls = tls::Settings {
        check: match (mode, &roots) {
            ("verify-ca", _) | ("require", Some(_)) => Check::Authority,
            ("require", None) => Check::Nothing,
            _ => Check::Name,
        },
        roots,
        tells_name: parameters.filled("sslsni") != Some(b"0"),
        is_direct: parameters.filled("sslnegotiation") == Some(b"direct"),
        oldest: version("ssl_min_protocol_version", Version::Tls12),
        newest: version("ssl_max_protocol_version", Version::Tls13),
    };
    Ok(Server {
        hosts,
        tls: server::connector(tls::config(&tls)?),
        is_direct: tls.is_direct,
        patience: number(parameters, "connect_timeout")
            .filter(|&seconds| seconds > 0)
            // libpq's own minimum is 2s.
            .map_or(PATIENCE, |seconds| Duration::from_secs(seconds.max(2))),
        liveness: liveness(parameters),
    })
}

/// Refuses what the proxy doesn't support, and returns the hosts.
pub fn check(target: &Target) -> Result<Vec<Host>, Failure> {
    let parameters = target.parameters();
    for (name, harmless) in UNSUPPORTED {
        if let Some(value) = parameters.filled(name)
            && !harmless.contains(&value)
        {
            return Err(Failure::usage(format!(
                "`--proxy` doesn't support `{name}={}`",
                String::from_utf8_lossy(value)
            ))
            .hint(format!("leave out `{name}`")));
        }
    }
    let methods = parameters.filled("require_auth").unwrap_or_default();
    let is_refused = |method: &[u8]| method == b"!password";
    let mut listed = methods.split(|&byte| byte == b',');
    let allows = if methods.starts_with(b"!") {
        !listed.any(is_refused)
    } else {
        methods.is_empty() || listed.any(|method| method == b"password")
    };
    if allows {
        return hosts(target);
    }
    let cause = "`require_auth` excludes `password`, which an access token needs";
    Err(Failure::usage(cause).hint("leave out `require_auth`, or add `password` to it"))
}

fn hosts(target: &Target) -> Result<Vec<Host>, Failure> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let host = |host: &crate::libpq::target::Host| {
        let name = text(&host.name);
        if ServerName::try_from(name.as_str()).is_err() {
            let cause = format!("`{name}` can't be the name in a certificate");
            return Err(Failure::usage(cause).hint("correct the host name"));
        }
        let port = if host.port.is_empty() {
            Some(5432)
        } else {
            text(&host.port)
                .trim()
                .parse()
                .ok()
                .filter(|&port| port > 0)
        };
        Ok(Host {
            name,
            address: Some(text(&host.address)).filter(|address| !address.is_empty()),
            port: port.ok_or_else(|| {
                Failure::usage(format!("`{}` isn't a port", text(&host.port)))
                    .hint("correct the port")
            })?,
        })
    };
    target.hosts().iter().map(host).collect()
}

fn liveness(parameters: &Parameters) -> Liveness {
    if parameters.filled("keepalives") == Some(b"0") {
        return Liveness(None);
    }
    let seconds = |name, default| {
        let given = number(parameters, name).filter(|&seconds| seconds > 0);
        Duration::from_secs(given.unwrap_or(default))
    };
    let keepalive = TcpKeepalive::new()
        .with_time(seconds("keepalives_idle", 60))
        .with_interval(seconds("keepalives_interval", 10));
    Liveness(Some(keepalive))
}

fn number(parameters: &Parameters, name: &str) -> Option<u64> {
    std::str::from_utf8(parameters.filled(name)?)
        .ok()?
        .trim()
        .parse()
        .ok()
}
