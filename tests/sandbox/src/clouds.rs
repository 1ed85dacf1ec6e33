//! Azure's clouds, each with hosts and resources of its own, as `az cloud list` shows them.

#[derive(Debug)]
pub struct Cloud {
    /// The Azure CLI's name for it. The CLI does not know the closed German one.
    pub name: Option<&'static str>,
    /// The sandbox's server in it.
    pub server: &'static str,
    /// The resource of its servers' tokens.
    pub resource: &'static str,
    /// Where its Entra is.
    pub login: &'static str,
    /// Where its Resource Manager is, which is also the resource of its tokens.
    pub manager: [&'static str; 2],
    /// Where its Graph is.
    pub graph: &'static str,
}

pub const PUBLIC: &Cloud = &CLOUDS[0];

pub const CLOUDS: [Cloud; 5] = [
    Cloud {
        name: Some("AzureCloud"),
        server: "mydb.postgres.database.azure.com",
        resource: "https://ossrdbms-aad.database.windows.net",
        login: "login.microsoftonline.com",
        manager: [
            "management.azure.com",
            "https://management.core.windows.net",
        ],
        graph: "graph.microsoft.com",
    },
    Cloud {
        name: Some("AzureUSGovernment"),
        server: "mydb.postgres.database.usgovcloudapi.net",
        resource: "https://ossrdbms-aad.database.usgovcloudapi.net",
        login: "login.microsoftonline.us",
        manager: [
            "management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
        ],
        graph: "graph.microsoft.us",
    },
    Cloud {
        name: Some("AzureChinaCloud"),
        server: "mydb.postgres.database.chinacloudapi.cn",
        resource: "https://ossrdbms-aad.database.chinacloudapi.cn",
        login: "login.chinacloudapi.cn",
        manager: [
            "management.chinacloudapi.cn",
            "https://management.core.chinacloudapi.cn",
        ],
        graph: "microsoftgraph.chinacloudapi.cn",
    },
    Cloud {
        name: Some("AzureBleuCloud"),
        server: "mydb.postgres.database.sovcloud-api.fr",
        resource: "https://ossrdbms-aad.database.sovcloud-api.fr",
        login: "login.sovcloud-identity.fr",
        manager: [
            "management.sovcloud-api.fr",
            "https://management.sovcloud-api.fr",
        ],
        graph: "graph.svc.sovcloud.fr",
    },
    Cloud {
        name: None,
        server: "mydb.postgres.database.cloudapi.de",
        resource: "https://ossrdbms-aad.database.cloudapi.de",
        login: "login.microsoftonline.de",
        manager: [
            "management.microsoftazure.de",
            "https://management.core.cloudapi.de",
        ],
        graph: "graph.microsoft.de",
    },
];

/// The sandbox's server under names of Azure Cosmos DB for PostgreSQL, in the public cloud: a
/// cluster of today, and one from before June 2023.
pub const COSMOS_SERVERS: [&str; 2] = [
    "c-mydb.abcdefghij1234.postgres.cosmos.azure.com",
    "c.mydb.postgres.database.azure.com",
];

/// The resource of their tokens.
pub const COSMOS_RESOURCE: &str = "https://token.postgres.cosmos.azure.com";

/// Returns every name of the sandbox's server.
pub(crate) fn servers() -> Vec<&'static str> {
    let servers = CLOUDS.iter().map(|cloud| cloud.server);
    servers.chain(COSMOS_SERVERS).collect()
}

/// Returns the resource of tokens for the server under this name.
pub(crate) fn resource_of(server: Option<&str>) -> &'static str {
    if server.is_some_and(|server| COSMOS_SERVERS.contains(&server)) {
        return COSMOS_RESOURCE;
    }
    let cloud = CLOUDS.iter().find(|cloud| Some(cloud.server) == server);
    cloud.unwrap_or(PUBLIC).resource
}

/// Returns every host of Entra, the Resource Managers and Graph.
pub(crate) fn hosts() -> impl Iterator<Item = &'static str> {
    CLOUDS
        .iter()
        .flat_map(|cloud| [cloud.login, cloud.manager[0], cloud.graph])
}

/// Whether the Entra at `login` knows the resource, which has no slash at its end. Any other name is
/// that of an identity endpoint, which is in the public cloud.
pub(crate) fn knows(login: &str, resource: &str) -> bool {
    let cloud = CLOUDS.iter().find(|cloud| cloud.login == login);
    let cloud = cloud.unwrap_or(PUBLIC);
    let manager_and_graph = cloud.manager.iter().chain([&cloud.graph]);
    resource == cloud.resource
        || cloud.login == PUBLIC.login && resource == COSMOS_RESOURCE
        || manager_and_graph
            .map(|host| host.trim_start_matches("https://"))
            .any(|host| resource.strip_prefix("https://") == Some(host))
}
