//! The tenant of the sandbox: who is in it, and in which groups.
//!
//! Everything here is fixed, so a signed-in Azure CLI profile, a token and a database mapping from
//! different runs fit together.

/// The tenant's id, in the claim `tid`.
pub const TENANT: &str = "c0a51b7e-1b5c-4d3e-9f10-0a5a7d6b0001";

pub const TENANT_NAME: &str = "Contoso";

/// The guest's home tenant.
pub const HOME_TENANT_OF_GUEST: &str = "fab21ca0-2f4d-4e7b-8a31-5c9be2d00002";

/// The display name of that tenant.
pub const HOME_TENANT_OF_GUEST_NAME: &str = "Fabrikam";

/// A tenant that Entra knows.
#[derive(Debug)]
pub struct Tenant {
    /// Its id.
    pub id: &'static str,
    /// Its display name.
    pub name: &'static str,
    /// Its domains. It has verified every domain below the first, too.
    domains: [&'static str; 2],
}

/// Both tenants.
pub const TENANTS: [Tenant; 2] = [
    Tenant {
        id: TENANT,
        name: TENANT_NAME,
        domains: ["contoso.example", "contoso.onmicrosoft.com"],
    },
    Tenant {
        id: HOME_TENANT_OF_GUEST,
        name: HOME_TENANT_OF_GUEST_NAME,
        domains: ["fabrikam.example", "fabrikam.onmicrosoft.com"],
    },
];

impl Tenant {
    /// The tenant with this id or domain; unlike Entra's, both endpoints for any tenant lead to the
    /// first.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        let is_any = matches!(name.as_str(), "common" | "organizations");
        let is_below = |domain| {
            let rest = name.strip_suffix(domain);
            rest.is_some_and(|rest| rest.ends_with('.'))
        };
        TENANTS.iter().find(|tenant| {
            is_any
                || name == tenant.id
                || tenant.domains.contains(&name.as_str())
                || is_below(tenant.domains[0])
        })
    }
}

/// The one subscription.
pub const SUBSCRIPTION: &str = "5b5c7d2e-6a0f-4c1b-b8f4-3f1d5e9a0003";

/// The client id of the Azure CLI, which is the same everywhere.
pub const AZURE_CLI_CLIENT_ID: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// The sort of a principal, which decides the claims of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A user of this tenant.
    Member,
    /// A user of another tenant who was invited to this one.
    Guest,
    /// An application with a secret.
    ServicePrincipal,
    /// A managed identity that is a resource of its own.
    UserAssignedIdentity,
    /// A managed identity that is part of a virtual machine or an app.
    SystemAssignedIdentity,
}

/// A person or a program that can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// `alice@contoso.example`, a member of every group but [`AUDITORS`].
    Alice,
    /// `carol@contoso.example`, in no group, and at first mapped to no role.
    Carol,
    /// The guest whose home address is `bob@fabrikam.example`.
    Bob,
    /// The application `billing service`, with a secret.
    BillingService,
    /// The user-assigned managed identity `orders-identity`.
    OrdersIdentity,
    /// The system-assigned managed identity of the virtual machine `build-vm`.
    BuildVm,
    /// The system-assigned managed identity of the slot `staging` of the app `shop`.
    ShopStaging,
}

/// What the directory holds of one identity.
#[derive(Debug)]
pub struct Entry {
    pub kind: Kind,
    /// The user principal name of a user, the display name of anything else: the default role name.
    pub name: &'static str,
    /// The name users type to sign in, claim `unique_name`; for the guest this is the home address.
    pub sign_in_name: &'static str,
    pub display_name: &'static str,
    /// The object id, claim `oid`.
    pub oid: &'static str,
    /// The application id of everything that is not a user.
    pub app_id: Option<&'static str>,
    /// The application's secret.
    pub secret: Option<&'static str>,
    /// The Azure resource of a managed identity, claim `xms_mirid`.
    pub resource_id: Option<&'static str>,
}

impl Identity {
    pub const ALL: [Self; 7] = [
        Self::Alice,
        Self::Carol,
        Self::Bob,
        Self::BillingService,
        Self::OrdersIdentity,
        Self::BuildVm,
        Self::ShopStaging,
    ];

    /// Returns what the directory holds of this identity.
    pub fn entry(self) -> &'static Entry {
        match self {
            Self::Alice => &ALICE,
            Self::Carol => &CAROL,
            Self::Bob => &BOB,
            Self::BillingService => &BILLING_SERVICE,
            Self::OrdersIdentity => &ORDERS_IDENTITY,
            Self::BuildVm => &BUILD_VM,
            Self::ShopStaging => &SHOP_STAGING,
        }
    }

    /// The default role name: a user's principal name, the display name of anything else.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The object id.
    pub fn oid(self) -> &'static str {
        self.entry().oid
    }

    /// Whether it is a person.
    pub fn is_user(self) -> bool {
        matches!(self.entry().kind, Kind::Member | Kind::Guest)
    }

    /// Whether it is a managed identity, of either sort.
    pub fn is_managed(self) -> bool {
        matches!(
            self.entry().kind,
            Kind::UserAssignedIdentity | Kind::SystemAssignedIdentity
        )
    }

    /// The identity with this object id.
    pub fn from_oid(oid: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|identity| identity.oid() == oid)
    }

    /// The identity with this application id.
    pub fn from_app_id(app_id: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|identity| identity.entry().app_id == Some(app_id))
    }
}

static ALICE: Entry = Entry {
    kind: Kind::Member,
    name: "alice@contoso.example",
    sign_in_name: "alice@contoso.example",
    display_name: "Alice Arden",
    oid: "a11ce000-7d52-4a69-8a11-6d2b3a4c0101",
    app_id: None,
    secret: None,
    resource_id: None,
};

static CAROL: Entry = Entry {
    kind: Kind::Member,
    name: "carol@contoso.example",
    sign_in_name: "carol@contoso.example",
    display_name: "Carol Chen",
    oid: "ca201000-31f6-4d0c-9b7e-2f8e6a5d0102",
    app_id: None,
    secret: None,
    resource_id: None,
};

static BOB: Entry = Entry {
    kind: Kind::Guest,
    name: "bob_fabrikam.example#EXT#@contoso.onmicrosoft.com",
    sign_in_name: "bob@fabrikam.example",
    display_name: "Bob Brandt",
    oid: "b0b00000-58c4-4b3f-a6d2-9c0d1e7f0103",
    app_id: None,
    secret: None,
    resource_id: None,
};

static BILLING_SERVICE: Entry = Entry {
    kind: Kind::ServicePrincipal,
    name: "billing service",
    sign_in_name: "billing service",
    display_name: "billing service",
    oid: "b1111000-0e2a-4f55-8c3d-7a9b4d6e0104",
    app_id: Some("b1111a99-93cd-4f0e-bb5a-1f2e3d4c0204"),
    secret: Some("sandbox~secret.of-the_billing.service"),
    resource_id: None,
};

static ORDERS_IDENTITY: Entry = Entry {
    kind: Kind::UserAssignedIdentity,
    name: "orders-identity",
    sign_in_name: "orders-identity",
    display_name: "orders-identity",
    oid: "04de2500-6b1d-4c8e-9d4f-8e7f6a5b0105",
    app_id: Some("04de25a9-2c3b-4d5e-8f60-1a2b3c4d0205"),
    secret: None,
    resource_id: Some(
        "/subscriptions/5b5c7d2e-6a0f-4c1b-b8f4-3f1d5e9a0003/resourcegroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders-identity",
    ),
};

static BUILD_VM: Entry = Entry {
    kind: Kind::SystemAssignedIdentity,
    name: "build-vm",
    sign_in_name: "build-vm",
    display_name: "build-vm",
    oid: "b41d0000-9a8b-4c7d-b6e5-0f1e2d3c0106",
    app_id: Some("b41d0a99-4f5e-4d6c-8b7a-9e8d7c6b0206"),
    secret: None,
    resource_id: Some(
        "/subscriptions/5b5c7d2e-6a0f-4c1b-b8f4-3f1d5e9a0003/resourcegroups/build/providers/Microsoft.Compute/virtualMachines/build-vm",
    ),
};

static SHOP_STAGING: Entry = Entry {
    kind: Kind::SystemAssignedIdentity,
    name: "shop/slots/staging",
    sign_in_name: "shop/slots/staging",
    display_name: "shop/slots/staging",
    oid: "54095700-2b3c-4d4e-8f5a-6b7c8d9e0107",
    app_id: Some("54095799-7e8f-4a9b-8c0d-1e2f3a4b0207"),
    secret: None,
    resource_id: Some(
        "/subscriptions/5b5c7d2e-6a0f-4c1b-b8f4-3f1d5e9a0003/resourcegroups/shop/providers/Microsoft.Web/sites/shop/slots/staging",
    ),
};

/// A group whose members may sign in to the database as it.
#[derive(Debug)]
pub struct Group {
    /// The display name, which is the role name.
    pub name: &'static str,
    /// The object id.
    pub oid: &'static str,
    pub members: &'static [Identity],
}

/// The group in the documentation's examples.
pub const PROD_DB_READONLY: Group = Group {
    name: "Prod DB Readonly",
    oid: "9b0d0000-1a2b-4c3d-8e4f-5a6b7c8d0301",
    members: &[Identity::Alice],
};

/// A group with an awkward name.
pub const AWKWARD: Group = Group {
    name: "Größe \"100%\" O'Brien",
    oid: "9b0d0000-1a2b-4c3d-8e4f-5a6b7c8d0302",
    members: &[Identity::Alice, Identity::OrdersIdentity],
};

/// The group that is the server's Microsoft Entra administrator.
pub const DATABASE_ADMINISTRATORS: Group = Group {
    name: "Database Administrators",
    oid: "9b0d0000-1a2b-4c3d-8e4f-5a6b7c8d0303",
    members: &[Identity::Alice],
};

/// A group with a role, but without Alice.
pub const AUDITORS: Group = Group {
    name: "Auditors",
    oid: "9b0d0000-1a2b-4c3d-8e4f-5a6b7c8d0304",
    members: &[Identity::Bob, Identity::BillingService],
};

/// All groups; each has a role in the database.
pub const GROUPS: [Group; 4] = [PROD_DB_READONLY, AWKWARD, DATABASE_ADMINISTRATORS, AUDITORS];
