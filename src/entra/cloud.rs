//! Azure's clouds: which host names belong to which, and the resource of a token.
//!
//! Names and resources are from the Azure CLI's own table (`az cloud list`: `name`,
//! `suffixes.postgresqlServerEndpoint`, `endpoints.ossrdbmsResourceId`,
//! `endpoints.activeDirectory`, `endpoints.microsoftGraphResourceId`), and [`COSMOS`] from
//! Microsoft's pages on Azure Cosmos DB for PostgreSQL.

#[derive(Debug, PartialEq, Eq)]
pub struct Cloud {
    /// Its name in the Azure CLI.
    pub name: &'static str,
    /// The resource of a token for its databases.
    pub resource: &'static str,
    /// The end of its servers' names, with the leading dot.
    pub suffix: &'static str,
    /// Whether Microsoft names the public roots of its servers: DigiCert's and its own.
    pub has_known_roots: bool,
    /// The address of its Entra.
    pub authority: &'static str,
    /// The address of its Microsoft Graph.
    pub graph: &'static str,
}

pub const PUBLIC: &Cloud = &CLOUDS[0];

pub const CLOUDS: &[Cloud] = &[
    Cloud {
        name: "AzureCloud",
        resource: "https://ossrdbms-aad.database.windows.net",
        suffix: ".postgres.database.azure.com",
        has_known_roots: true,
        authority: "https://login.microsoftonline.com",
        graph: "https://graph.microsoft.com",
    },
    Cloud {
        name: "AzureUSGovernment",
        resource: "https://ossrdbms-aad.database.usgovcloudapi.net",
        suffix: ".postgres.database.usgovcloudapi.net",
        has_known_roots: true,
        authority: "https://login.microsoftonline.us",
        graph: "https://graph.microsoft.us",
    },
    Cloud {
        name: "AzureChinaCloud",
        resource: "https://ossrdbms-aad.database.chinacloudapi.cn",
        suffix: ".postgres.database.chinacloudapi.cn",
        has_known_roots: false,
        authority: "https://login.chinacloudapi.cn",
        graph: "https://microsoftgraph.chinacloudapi.cn",
    },
    Cloud {
        name: "AzureGermanCloud",
        resource: "https://ossrdbms-aad.database.cloudapi.de",
        suffix: ".postgres.database.cloudapi.de",
        has_known_roots: false,
        authority: "https://login.microsoftonline.de",
        graph: "https://graph.microsoft.de",
    },
    Cloud {
        name: "AzureBleuCloud",
        resource: "https://ossrdbms-aad.database.sovcloud-api.fr",
        suffix: ".postgres.database.sovcloud-api.fr",
        has_known_roots: false,
        authority: "https://login.sovcloud-identity.fr",
        graph: "https://graph.svc.sovcloud.fr",
    },
];

/// Azure Cosmos DB for PostgreSQL: the public cloud with names and a resource of its own.
pub const COSMOS: &Cloud = &Cloud {
    name: PUBLIC.name,
    resource: "https://token.postgres.cosmos.azure.com",
    suffix: ".postgres.cosmos.azure.com",
    has_known_roots: false,
    authority: PUBLIC.authority,
    graph: PUBLIC.graph,
};

/// A cloud that `--cloud` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Known(&'static Cloud),
    /// One that may be registered in az under this name.
    Other(String),
}

impl Named {
    pub fn name(&self) -> &str {
        match self {
            Self::Known(cloud) => cloud.name,
            Self::Other(name) => name,
        }
    }
}

/// Returns the cloud that was named, else the one `of_hosts`; `None` if it is unknown.
pub fn chosen(named: Option<&Named>, of_hosts: Option<&'static Cloud>) -> Option<&'static Cloud> {
    match named {
        Some(Named::Known(cloud)) => Some(cloud),
        Some(Named::Other(_)) => None,
        None => of_hosts,
    }
}

/// Returns whether tokens for `resource` are for databases only.
pub fn is_database_resource(resource: &str) -> bool {
    let resource = resource.trim_end_matches('/');
    let mut clouds = CLOUDS.iter().chain([COSMOS]);
    clouds.any(|cloud| cloud.resource.eq_ignore_ascii_case(resource))
}

/// Returns the cloud of the server `host`: a name of valid labels before the suffix, in any case.
pub fn of_host(host: &[u8]) -> Option<&'static Cloud> {
    if is_name_under(host, COSMOS.suffix.as_bytes()) || is_older_cosmos(host) {
        return Some(COSMOS);
    }
    CLOUDS
        .iter()
        .find(|cloud| is_name_under(host, cloud.suffix.as_bytes()))
}

/// The name of the Flexible Server whose public name `host` is: one label before the suffix. Names
/// of private links and virtual endpoints have more.
pub fn flexible_server(host: &str) -> Option<&str> {
    let cloud = of_host(host.as_bytes()).filter(|cloud| *cloud != COSMOS)?;
    let name = &host[..host.len() - cloud.suffix.len()];
    (!name.contains('.')).then_some(name)
}

/// Clusters of Cosmos DB from before June 2023 are `c.NAME` under the public suffix. Names of
/// Flexible Servers have at least three letters.
fn is_older_cosmos(host: &[u8]) -> bool {
    let is_coordinator = matches!(host, [b'c' | b'C', b'.', ..]);
    is_coordinator && is_name_under(&host[2..], PUBLIC.suffix.as_bytes())
}

/// Returns the cloud with this name, in any case.
pub fn by_name(name: &str) -> Option<&'static Cloud> {
    CLOUDS
        .iter()
        .find(|cloud| cloud.name.eq_ignore_ascii_case(name))
}

/// Returns whether `host` is one or more labels followed by `suffix` (which begins with a dot).
pub fn is_name_under(host: &[u8], suffix: &[u8]) -> bool {
    host.len() > suffix.len()
        && host[host.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
        && is_name(&host[..host.len() - suffix.len()])
}

/// Returns whether `host` can be a DNS name: non-empty labels of letters, digits, `-` and `_`.
pub fn is_name(host: &[u8]) -> bool {
    host.split(|&b| b == b'.').all(|label| {
        !label.is_empty()
            && label
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

/// Returns whether `host` is an IPv4 address in a spelling that `inet_aton` accepts, as name
/// lookups do: one to four decimal, octal or hexadecimal numbers (`127.1`, `0x7f000001`).
pub fn is_ipv4_address(host: &[u8]) -> bool {
    let is_number = |part: &[u8]| match part {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        [] => false,
        digits => digits.iter().all(u8::is_ascii_digit),
    };
    host.split(|&b| b == b'.').count() <= 4 && host.split(|&b| b == b'.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_flexible_servers() {
        for (host, name) in [
            ("mydb.postgres.database.azure.com", Some("mydb")),
            ("MyDb.Postgres.Database.Azure.Com", Some("MyDb")),
            ("mydb.privatelink.postgres.database.azure.com", None),
            ("mydb.writer.postgres.database.azure.com", None),
            ("c.shop.postgres.database.azure.com", None),
            ("c-shop.abcdefghij1234.postgres.cosmos.azure.com", None),
            ("db.example.com", None),
        ] {
            assert_eq!(flexible_server(host), name, "{host}");
        }
    }

    #[test]
    fn names_under_a_suffix() {
        for (host, cloud) in [
            ("mydb.postgres.database.azure.com", Some("AzureCloud")),
            ("MYDB.Postgres.Database.Azure.Com", Some("AzureCloud")),
            (
                "mydb.privatelink.postgres.database.azure.com",
                Some("AzureCloud"),
            ),
            (
                "a_b-1.postgres.database.chinacloudapi.cn",
                Some("AzureChinaCloud"),
            ),
            ("evil-mydb.postgres.database.azure.com.example.com", None),
            ("evilpostgres.database.azure.com", None),
            (".postgres.database.azure.com", None),
            ("postgres.database.azure.com", None),
            ("a..postgres.database.azure.com", None),
            (
                "c-shop.abcdefghij1234.postgres.cosmos.azure.com",
                Some("AzureCloud"),
            ),
            ("postgres.cosmos.azure.com", None),
            ("/tmp/x.postgres.database.azure.com", None),
            ("@x.postgres.database.azure.com", None),
            ("x y.postgres.database.azure.com", None),
            ("mydb.postgres.database.azure.com.", None),
            ("", None),
        ] {
            assert_eq!(of_host(host.as_bytes()).map(|c| c.name), cloud, "{host}");
        }
    }

    #[test]
    fn addresses_in_every_spelling() {
        for address in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0X7f.1",
            "0177.0.0.01",
            "0",
        ] {
            assert!(is_ipv4_address(address.as_bytes()), "{address}");
        }
        for name in [
            "",
            "db1",
            "1.db",
            "127.0.0.1.example.com",
            "1.2.3.4.5",
            "0xg",
            "1..2",
            "a.1",
        ] {
            assert!(!is_ipv4_address(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn cosmos_db_has_a_resource_of_its_own() {
        for (host, resource) in [
            (
                "c-shop.abcdefghij1234.postgres.cosmos.azure.com",
                COSMOS.resource,
            ),
            ("c.shop.postgres.database.azure.com", COSMOS.resource),
            ("C.shop.postgres.database.azure.com", COSMOS.resource),
            ("c.postgres.database.azure.com", PUBLIC.resource),
            ("shop.c.postgres.database.azure.com", PUBLIC.resource),
        ] {
            assert_eq!(
                of_host(host.as_bytes()).map(|c| c.resource),
                Some(resource),
                "{host}"
            );
        }
    }

    #[test]
    fn no_two_clouds_share_a_name() {
        for (n, cloud) in CLOUDS.iter().enumerate() {
            assert!(cloud.suffix.starts_with('.'));
            assert!(cloud.resource.starts_with("https://"));
            for other in &CLOUDS[n + 1..] {
                assert_ne!(cloud.name, other.name);
                assert_ne!(cloud.suffix, other.suffix);
                assert_ne!(cloud.resource, other.resource);
            }
        }
    }
}
