//! Signed-in profiles of the Azure CLI, made by the CLI itself and copied by every run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use time::{OffsetDateTime, macros::format_description};

use super::VERSION;
use crate::{
    authority::Authority,
    cache::Cache,
    certificates::ClientCertificates,
    directory::{Identity, Kind, TENANT},
    entra::Entra,
    keys::Keys,
};

/// Settings without telemetry and without questions.
const CONFIG: &str = "\
[core]
collect_telemetry = no
login_experience_v2 = off
survey_message = no
";

/// The directory with a profile of every identity, each under its [`name`].
pub(super) fn prepare(
    cache: &Cache,
    az_dir: &Path,
    keys: &Arc<Keys>,
    authority: &Authority,
    certificates: &Arc<ClientCertificates>,
) -> Result<PathBuf> {
    // Profiles hold refresh tokens, which are valid while the key stays the same.
    let name = format!(
        "azure-profiles-{VERSION}-{}-{}",
        Identity::ALL.len(),
        keys.id()
    );
    cache.entry(&name, |dir| {
        eprintln!("sandbox: signing in with the Azure CLI (once)");
        thread::scope(|scope| {
            let sign_ins: Vec<_> = Identity::ALL
                .into_iter()
                .map(|identity| {
                    scope.spawn(move || {
                        sign_in(dir, az_dir, keys, authority, certificates, identity)
                    })
                })
                .collect();
            sign_ins
                .into_iter()
                .try_for_each(|thread| thread.join().expect("signing in does not panic"))
        })
    })
}

/// The name of an identity's profile.
pub(super) fn name(identity: Identity) -> &'static str {
    match identity {
        Identity::Alice => "alice",
        Identity::Carol => "carol",
        Identity::Bob => "bob",
        Identity::BillingService => "billing-service",
        Identity::OrdersIdentity => "orders-identity",
        Identity::BuildVm => "build-vm",
        Identity::ShopStaging => "shop-staging",
    }
}

fn sign_in(
    dir: &Path,
    az_dir: &Path,
    keys: &Arc<Keys>,
    authority: &Authority,
    certificates: &Arc<ClientCertificates>,
    identity: Identity,
) -> Result<()> {
    let profile = dir.join(name(identity));
    fs::create_dir(&profile)?;
    fs::write(profile.join("config"), CONFIG)?;
    skip_version_check(&profile)?;
    let server = Entra::start(keys, authority, certificates)?;
    server.sign_in_as(identity);
    let entry = identity.entry();
    let mut command = Command::new(az_dir.join("az"));
    command.args(["login", "--output", "none"]);
    match entry.kind {
        Kind::Member | Kind::Guest => command.args(["--use-device-code", "--tenant", TENANT]),
        Kind::ServicePrincipal => command
            .args(["--service-principal", "--tenant", TENANT])
            .args(["--username", entry.app_id.unwrap_or_default()])
            .args(["--password", entry.secret.unwrap_or_default()]),
        Kind::UserAssignedIdentity => command.args([
            "--identity",
            "--client-id",
            entry.app_id.unwrap_or_default(),
        ]),
        Kind::SystemAssignedIdentity => command.arg("--identity"),
    };
    let output = command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", dir)
        .env("AZURE_CONFIG_DIR", &profile)
        .envs(super::env(&server, authority, identity))
        .stdin(Stdio::null())
        .output()
        .context("cannot run `az`")?;
    if !output.status.success() {
        bail!(
            "`az login` as {} failed: {}",
            identity.name(),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    // The log of this command.
    fs::remove_dir_all(profile.join("commands")).context("`az login` left no log to remove")
}

/// Records that the CLI has just checked for newer versions, or it would check.
pub(super) fn skip_version_check(profile: &Path) -> Result<()> {
    let time = OffsetDateTime::now_utc().format(format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]"
    ))?;
    let versions = json!({"azure-cli": {"local": VERSION}, "core": {"local": VERSION}});
    let note = json!({"versions": versions, "update_time": time});
    fs::write(profile.join("versionCheck.json"), note.to_string())?;
    Ok(())
}
