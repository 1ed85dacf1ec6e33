//! Names the command that opens a server's firewall for this machine.

use std::net::Ipv4Addr;

use crate::entra::cloud;

/// Stands for the address, if it is not known.
const ADDRESS: &str = "ADDRESS";

/// Returns what to do if `host` does not answer. A Flexible Server's firewall drops what it does
/// not allow, without an answer. A router may replace this machine's own address, so none is
/// guessed.
pub fn silent(host: &str) -> Option<String> {
    let rule = rule(cloud::flexible_server(host)?, ADDRESS);
    Some(format!(
        "to allow your address in its firewall, which does not answer others, run `{rule}`; the portal's Networking page shows your {ADDRESS}"
    ))
}

/// Returns what to do if `host` refuses because no rule fits, in a message that names the address
/// that it sees.
pub fn refused(host: &str, message: &str) -> Option<String> {
    let server = cloud::flexible_server(host)?;
    let address: Ipv4Addr = message.split('"').nth(1)?.parse().ok()?;
    let is_public = !(address.is_private() || address.is_loopback() || address.is_link_local());
    is_public.then(|| {
        let rule = rule(server, &address.to_string());
        format!("to allow the address that the server sees, run `{rule}`")
    })
}

/// Returns the command that allows `address`; see `az postgres flexible-server firewall-rule create -h`.
fn rule(server: &str, address: &str) -> String {
    format!(
        "az postgres flexible-server firewall-rule create --resource-group GROUP --server-name {server} --name NAME --start-ip-address {address} --end-ip-address {address}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "mydb.postgres.database.azure.com";

    #[test]
    fn the_address_is_from_the_server_or_left_open() {
        let silent = silent(HOST).unwrap();
        assert!(
            silent.contains("--server-name mydb --name NAME --start-ip-address ADDRESS "),
            "{silent}"
        );
        let message = r#"no pg_hba.conf entry for host "203.0.113.7", user "x", database "d", SSL encryption"#;
        let refused = refused(HOST, message).unwrap();
        assert!(
            refused.contains("--start-ip-address 203.0.113.7 --end-ip-address 203.0.113.7"),
            "{refused}"
        );
    }

    #[test]
    fn no_rule_is_named_if_none_would_help() {
        for (host, address) in [
            (HOST, "10.0.0.4"),
            (HOST, "127.0.0.1"),
            (HOST, "2603::1"),
            (HOST, "[local]"),
            (
                "mydb.privatelink.postgres.database.azure.com",
                "203.0.113.7",
            ),
            ("db.example.com", "203.0.113.7"),
        ] {
            let message = format!("no pg_hba.conf entry for host \"{address}\", user \"x\"");
            assert_eq!(refused(host, &message), None, "{host} {address}");
        }
        assert_eq!(refused(HOST, "no pg_hba.conf entry"), None);
        assert_eq!(silent("db.example.com"), None);
    }
}
