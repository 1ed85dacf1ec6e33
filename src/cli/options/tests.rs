//! Values, contradictions, and flags over variables.

use super::*;
use crate::cli::method::PersonMethod;
use crate::psql::options;

fn parse(words: &[&str]) -> Result<Options, String> {
    let own = words
        .iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => OwnWord::Given(name.to_owned(), Some(value.into())),
            None => OwnWord::Given((*word).to_owned(), None),
        })
        .collect();
    Options::of_command_line(own).map_err(|failure| failure.to_string())
}

fn variables(variables: &[(&str, &str)]) -> Result<Options, String> {
    let environment = variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    Options::of_variables(&environment).map_err(|failure| failure.to_string())
}

#[test]
fn no_option_of_ours_is_psqls_or_an_abbreviation_of_one() {
    for (n, own) in OPTIONS.iter().enumerate() {
        for psql in options::OPTIONS {
            assert!(!psql.long.starts_with(own.name), "--{}", own.name);
        }
        for other in &OPTIONS[n + 1..] {
            assert_ne!(own.name, other.name);
            assert!(own.variable.is_none() || own.variable != other.variable);
        }
        let variable = own.variable.unwrap_or("ENTRA_PSQL_");
        assert!(variable.starts_with("ENTRA_PSQL_"), "{variable}");
    }
}

#[test]
fn values() {
    let options = parse(&[
        "group=G H",
        "timeout=1.5",
        "auth=azure-cli",
        "entra",
        "entra",
        "timeout=2",
    ]);
    let options = options.unwrap();
    assert_eq!(options.group.as_deref(), Some("G H".as_ref()));
    let time = |options: &Options, method| options.time_for_signing_in(method).as_secs();
    let by_browser = Some(Method::Person(PersonMethod::Browser));
    assert_eq!(time(&options, by_browser), 2);
    assert_eq!(time(&Options::default(), by_browser), 900);
    assert_eq!(time(&Options::default(), Some(Method::AzureCli)), 30);
    assert_eq!(options.auth, Some(Auth::By(Method::AzureCli)));
    assert!(options.entra && options.ask_for_token());
    assert!(!Options::default().ask_for_token());
}

#[test]
fn wrong_values_are_named() {
    for (word, said) in [
        (
            "timeout=0",
            "`--timeout`: `0` is not a number of seconds greater than 0 and at most 86400",
        ),
        ("timeout=x", "`--timeout`: `x` is not a number of seconds"),
        ("timeout=90000", "and at most 86400"),
        (
            "tenant=a b",
            "`--tenant`: `a b` is not the id or domain of a tenant",
        ),
        (
            "tenant=-x",
            "`--tenant`: `-x` is not the id or domain of a tenant",
        ),
        ("client-id=a b", "`--client-id`: `a b` is not a client id"),
        ("subscription=%PATH%", "is not the id of a subscription"),
        ("resource=http://x", "is not a resource that starts with"),
        (
            "cloud=No where",
            "`--cloud`: `No where` is not the name of a cloud",
        ),
        ("group=", "`--group` must not be empty"),
    ] {
        let failure = parse(&[word]).unwrap_err();
        assert!(failure.starts_with("entra-psql: error: "), "{failure}");
        assert!(failure.contains(said), "{failure}");
        assert!(
            failure.ends_with("\nentra-psql: hint: see `entra-psql --help`"),
            "{failure}"
        );
    }
}

#[test]
fn the_choices_are_listed_and_the_nearest_first() {
    for (word, said) in [
        (
            "auth=azurecli",
            "error: `--auth` doesn't accept `azurecli`\n\
             entra-psql: hint: did you mean `azure-cli`? use one of auto, azure-cli, azd, ",
        ),
        (
            "completions=tcsh",
            "error: `--completions` doesn't accept `tcsh`\n\
             entra-psql: hint: use one of bash, zsh, fish, powershell, elvish",
        ),
        ("print-env=zsh", "did you mean `sh`?"),
        ("doctor=jsno", "did you mean `json`?"),
    ] {
        let failure = parse(&[word]).unwrap_err();
        assert!(failure.contains(said), "{failure}");
    }
}

#[test]
fn some_options_can_only_be_used_by_themselves() {
    for (words, said) in [
        (
            &["sign-out", "doctor"][..],
            "`--sign-out` can't be combined with `--doctor`",
        ),
        (
            &["timeout=5", "sign-out"],
            "`--sign-out` can't be combined with `--timeout`",
        ),
        (
            &["completions=bash", "sign-out"],
            "`--completions` can't be combined with `--sign-out`\n\
             entra-psql: hint: run `entra-psql --completions bash` by itself",
        ),
    ] {
        let failure = parse(words).unwrap_err();
        assert!(failure.contains(said), "{failure}");
    }
    assert!(parse(&["sign-out", "sign-out"]).is_ok());
}

#[test]
fn contradictions() {
    assert!(parse(&["tenant=a", "subscription=b"]).is_err());
    assert!(parse(&["cloud=AzureCloud", "resource=https://x"]).is_err());
    assert!(parse(&["no-entra", "group=b"]).is_err());
}

#[test]
fn a_flag_beats_its_variable_and_silences_what_it_contradicts() {
    let options = variables(&[
        ("ENTRA_PSQL_GROUP", "env"),
        ("ENTRA_PSQL_TENANT", "env"),
        ("ENTRA_PSQL_SINGLE_SERVER", "yes"),
        ("ENTRA_PSQL_TIMEOUT", ""),
        ("ENTRA_PSQL_DRY_RUN", "0"),
    ])
    .unwrap();
    assert!(options.single_server && !options.dry_run);
    let both = parse(&["group=flag", "subscription=flag"])
        .unwrap()
        .merge(options);
    assert_eq!(both.group.as_deref(), Some("flag".as_ref()));
    assert_eq!(
        (both.tenant, both.subscription),
        (None, Some("flag".to_owned()))
    );
    let forbids = |value: &str| {
        let environment = [("ENTRA_PSQL_NO_ENTRA".into(), value.into())];
        Options::variable_forbids_token(&environment.into_iter().collect())
    };
    assert_eq!(
        (forbids("on"), forbids("0"), forbids("")),
        (Ok(true), Ok(false), Ok(false))
    );
    assert!(forbids("maybe").is_err());
    let wrong = variables(&[("ENTRA_PSQL_TIMEOUT", "soon")]).unwrap_err();
    assert!(
        wrong.contains("`ENTRA_PSQL_TIMEOUT`: `soon` is not a number"),
        "{wrong}"
    );
}
