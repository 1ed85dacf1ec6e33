//! Wrong usage is answered before anything is asked or run, with a cause and a remedy.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::User;

const HOST: &str = "mydb.postgres.database.azure.com";

/// Somebody with a server, and no way to a token.
fn nobody() -> User {
    let user = User::nobody().var("PGHOST", HOST);
    user.remove_program("az");
    user
}

#[test]
fn values_that_an_option_does_not_take() {
    for (option, value, case) in [
        ("--tenant", "a b", "usage/tenant"),
        ("--client-id", "a b", "usage/client_id"),
        ("--subscription", "a;b", "usage/subscription"),
        ("--cloud", "a b", "usage/cloud"),
        ("--resource", "http://x", "usage/resource"),
        ("--timeout", "90000", "usage/timeout_of_more_than_a_day"),
        ("--auth", "azurecli", "usage/auth_misspelled"),
        ("--completions", "bsah", "usage/completions_misspelled"),
        ("--print-env=fsih", "", "usage/print_env_misspelled"),
        ("--doctor=jsno", "", "usage/doctor_misspelled"),
        ("--group", "", "usage/group_empty"),
        ("--psql", "", "usage/psql_empty"),
        ("--exec", "", "usage/exec_empty"),
    ] {
        let words = [option, value];
        let count = if option.contains('=') { 1 } else { 2 };
        nobody().args(&words[..count]).run().fails(case);
    }
    for (option, case) in [
        ("--exec", "usage/exec_without_value"),
        ("--completions", "usage/completions_without_value"),
        ("--sign-out=1", "usage/sign_out_with_value"),
    ] {
        nobody().args([option]).run().fails(case);
    }
}

#[test]
fn options_that_exclude_each_other() {
    for (words, case) in [
        (
            &["--print-env", "--print-token"][..],
            "usage/print_env_and_print_token",
        ),
        (
            &["--print-conninfo", "--exec", "x"],
            "usage/print_conninfo_and_exec",
        ),
        (
            &["--dry-run", "--print-token"],
            "usage/dry_run_and_print_token",
        ),
        (&["--doctor", "--exec", "x"], "usage/doctor_and_exec"),
        (
            &["--doctor", "--print-token"],
            "usage/doctor_and_print_token",
        ),
        (
            &["--cloud", "X", "--resource", "https://x"],
            "usage/cloud_and_resource",
        ),
    ] {
        nobody().args(words).run().fails(case);
    }
}

#[test]
fn options_that_can_only_be_used_by_themselves() {
    for (words, case) in [
        (&["--sign-out", "--doctor"][..], "usage/sign_out_and_doctor"),
        (&["--sign-out", "-h", HOST], "usage/sign_out_and_a_host"),
        (&["--sign-out", "--exec", "x"], "usage/sign_out_and_exec"),
        (
            &["--completions", "bash", "x"],
            "usage/completions_and_a_database",
        ),
        (
            &["--entra", "--completions", "bash"],
            "usage/completions_and_entra",
        ),
        (
            &["--no-descriptions", "-h", HOST],
            "usage/no_descriptions_without_completions",
        ),
    ] {
        nobody().args(words).run().fails(case);
    }
}

#[test]
fn values_that_a_variable_does_not_take() {
    for (name, value, case) in [
        ("ENTRA_PSQL_AUTH", "magic", "usage/auth_in_variable"),
        ("ENTRA_PSQL_TENANT", "a b", "usage/tenant_in_variable"),
        ("ENTRA_PSQL_FRESH", "maybe", "usage/fresh_in_variable"),
        ("ENTRA_PSQL_VERBOSE", "maybe", "usage/verbose_in_variable"),
        (
            "ENTRA_PSQL_SINGLE_SERVER",
            "maybe",
            "usage/single_server_in_variable",
        ),
    ] {
        nobody().var(name, value).run().fails(case);
    }
    let both = nobody().var("ENTRA_PSQL_TENANT", "a");
    both.var("ENTRA_PSQL_SUBSCRIPTION", "b")
        .run()
        .fails("usage/tenant_and_subscription_in_variables");
}

#[test]
fn a_value_that_is_not_text() {
    let tenant = [OsStr::new("--tenant"), OsStr::from_bytes(b"\xff")];
    nobody()
        .args(tenant)
        .run()
        .fails("usage/tenant_that_is_not_text");
}
