//! Cases with names: what was once decided wrongly, and rules that random cases meet too seldom.

use super::case::{Case, Kind, Segment};
use super::oracle::Oracle;
use super::verdict;

#[track_caller]
fn agrees(case: &Case) {
    let verdict = verdict::of(case);
    assert!(verdict.agrees(), "\n{case}  differs:\n{}", verdict.text());
}

#[test]
fn a_backslash_in_a_password_file_is_never_itself() {
    for (host, line) in [
        (r"h\x", r"h\x:*:*:*:secret"),
        (r"h\x", r"h\\x:*:*:*:secret"),
        (r"h\", r"h\:*:*:*:secret"),
        ("hx", r"\h\x:*:*:*:secret"),
        ("a:b", "a:b:*:*:*:secret"),
        ("a:b", r"a\:b:*:*:*:secret"),
        ("a", r"a\:*:*:*:*:secret"),
    ] {
        agrees(&Case::of(&["-h", host]).file("home/.pgpass", 0o600, line));
    }
}

#[test]
fn a_directory_in_the_place_of_a_service_file_is_an_empty_one() {
    let system = |case: Case| {
        case.variable("PGSYSCONFDIR", "{dir}/etc").file(
            "etc/pg_service.conf",
            0o644,
            "[azure]\nhost=h\n",
        )
    };
    let home = Case::of(&["service=azure"]).directory("home/.pg_service.conf");
    let named = Case::of(&["service=azure"]).variable("PGSERVICEFILE", "{dir}/home");
    for case in [home, named] {
        agrees(&case);
        agrees(&system(case));
    }
}

#[test]
fn a_complaint_in_a_bundle_behind_a_question_mark_is_a_call_for_help() {
    for words in [
        &["-c", "-?", "-yq"][..],
        &["-c", "-?", "-qyq"],
        &["-h", "-?", "-?q"],
        &["--user", "-?", "-?q"],
        &["-c", "-?", "-y"],
        &["-c", "-?", "-qy"],
        &["-c", "-?", "--nope"],
        &["-c", "-?", "db", "-yq"],
        &["db", "-c", "-?", "-yq"],
        &["-c-?", "-yq"],
        &["--command=-?", "-yq"],
        &["-qc", "-?", "-q", "-yq"],
    ] {
        agrees(&Case::of(words));
    }
    let mut case = Case::of(&["-c", "-?"]);
    case.segments.push(Segment::new(Kind::Own, ["--entra"]));
    case.segments.push(Segment::new(Kind::Ends, ["-yq"]));
    agrees(&case);
}

#[test]
fn posixly_correct_ends_the_options_at_the_first_operand() {
    for value in ["", "1"] {
        let mut case = Case::of(&["-q"]).variable("POSIXLY_CORRECT", value);
        for (kind, word) in [
            (Kind::Own, "--entra"),
            (Kind::Operand, "db"),
            (Kind::Own, "--entra"),
            (Kind::Psql, "-V"),
        ] {
            case.segments.push(Segment::new(kind, [word]));
        }
        agrees(&case);
    }
}

#[test]
fn a_service_stands_between_the_command_line_and_the_variables() {
    let service = "[azure]\nhost=of.service\nuser=service\nport=\n[other]\nhost=x\n";
    for words in [
        &[][..],
        &["-h", "typed"],
        &["host= user=typed"],
        &["service=other"],
    ] {
        agrees(
            &Case::of(words)
                .variable("PGSERVICE", "azure")
                .variable("PGHOST", "of.variable")
                .variable("PGUSER", "variable")
                .variable("PGPORT", "6432")
                .variable("PGDATABASE", "variable")
                .file("home/.pg_service.conf", 0o644, service),
        );
    }
}

#[test]
fn our_settings_in_a_service_are_comments() {
    for settings in [
        "#entra-psql tenant=contoso.example user=x",
        " \x0b#entra-psql\tgroup='[azure]' host=elsewhere",
        "#entra-psql host='open",
        "#entra-psql\r",
    ] {
        let service = format!("{settings}\n[azure]\n{settings}\nhost=h\n{settings}\nuser=u");
        agrees(
            &Case::of(&["service=azure"])
                .variable("PGPORT", "6432")
                .file("home/.pg_service.conf", 0o644, service),
        );
    }
}

#[test]
fn the_length_of_a_service_files_lines() {
    for length in [253, 254, 255, 1021, 1022, 1023, 1024, 2046] {
        for end in ["", "\n"] {
            for (before, behind) in [
                ("[azure]\n", ""),
                ("", "\n[azure]\n"),
                ("[azure]\n[b]\n", ""),
            ] {
                let text = format!("{before}#{}{end}{behind}", "x".repeat(length - 1));
                agrees(
                    &Case::of(&["service=azure"])
                        .variable("PGSYSCONFDIR", "{dir}/none")
                        .file("home/.pg_service.conf", 0o644, text),
                );
            }
        }
    }
}

#[test]
fn a_password_file_that_others_can_read_is_passed_over() {
    for mode in [0o600, 0o400, 0o640, 0o604, 0o610, 0o601, 0o644] {
        agrees(&Case::of(&["-h", "h"]).file("home/.pgpass", mode, "*:*:*:*:secret\n"));
        agrees(
            &Case::of(&["-h", "h"])
                .variable("PGPASSFILE", "{dir}/pass")
                .file("pass", mode, "h:5432:{user}:{user}:secret"),
        );
    }
}

#[test]
fn hosts_addresses_and_ports_are_counted() {
    for words in [
        &["host=a,b,c port=1,2,3"][..],
        &["host=a,b,c port=1"],
        &["host=a,b,c port=1,2"],
        &["host=a port=1,2"],
        &["hostaddr=10.0.0.1,10.0.0.2 host=a"],
        &["hostaddr=10.0.0.1, host=a,b"],
        &["hostaddr=, port=,5"],
        &["host=, port="],
        &["host=a,b target_session_attrs=prefer-standby"],
        &["postgres://[::1]:1,a:2,b/db"],
        &["postgres://a%2Cb:1%2c2/"],
        &["-h", "a,,/tmp", "-p", ",,5"],
    ] {
        agrees(&Case::of(words));
    }
}

/// The version of psql and libpq here.
fn version() -> u32 {
    Oracle::get().plain.version / 10000
}

#[test]
fn parameters_that_only_later_libpqs_know() {
    for words in [
        "sslcertmode=require",
        "sslcertmode=x",
        "load_balance_hosts=random host=a,b,c",
        "load_balance_hosts=Random",
        "gssdelegation=1",
        "sslnegotiation=direct",
        "sslnegotiation=direct sslmode=require",
        "sslnegotiation=direct sslmode=prefer",
        "sslnegotiation=direct sslrootcert=system",
        "sslnegotiation=x",
        "min_protocol_version=3.2",
        "min_protocol_version=3.2 max_protocol_version=3.0",
        "max_protocol_version=4",
        "oauth_issuer=x",
        "sslkeylogfile=/none",
        "servicefile=/none",
        "servicefile=/none service=azure",
        "target_session_attrs=standby",
        "host=@abstract",
    ] {
        agrees(&Case::of(&[words]));
    }
    for (name, value) in [
        ("PGSSLCERTMODE", "x"),
        ("PGLOADBALANCEHOSTS", "x"),
        ("PGSSLNEGOTIATION", "x"),
        ("PGSSLNEGOTIATION", "direct"),
        ("PGMAXPROTOCOLVERSION", "x"),
        ("SSLKEYLOGFILE", "/none"),
    ] {
        agrees(&Case::of(&[]).variable(name, value));
    }
    for setting in [
        "sslnegotiation=direct",
        "sslcertmode=x",
        "servicefile=/none",
    ] {
        let file = format!("[azure]\n{setting}\n");
        let case = Case::of(&["service=azure"]).file("home/.pg_service.conf", 0o644, file);
        agrees(&case);
    }
}

#[test]
fn the_systems_roots_go_with_full_verification_alone() {
    for mode in [
        "",
        "sslmode=require",
        "sslmode=verify-ca",
        "sslmode=verify-full",
    ] {
        agrees(&Case::of(&[&format!("sslrootcert=system {mode}")]));
        agrees(&Case::of(&[&format!("host=h {mode}")]).variable("PGSSLROOTCERT", "system"));
    }
}

#[test]
fn what_libpq_13_takes_without_effect_is_taken() {
    for word in ["authtype=x", "tty=x", "postgres://h?tty=x"] {
        let verdict = verdict::of(&Case::of(&[word]));
        assert_eq!(verdict.agrees(), version() < 14, "{}", verdict.text());
        assert!(
            verdict.agrees() || verdict.text().contains("refuses what we accept"),
            "{}",
            verdict.text()
        );
    }
}

/// libpq before version 15 asks the system for the home. Where its file is named, all versions read
/// the same.
#[test]
fn a_home_that_is_not_the_accounts() {
    let case = Case::of(&[])
        .variable("PGSERVICE", "azure")
        .variable("ENTRA_PSQL_SPY_HOME", "{dir}/work")
        .file("home/.pg_service.conf", 0o644, "[azure]\nhost=h\n");
    let verdict = verdict::of(&case);
    assert_eq!(verdict.agrees(), version() >= 15, "{}", verdict.text());
    agrees(&case.variable("PGSERVICEFILE", "{dir}/home/.pg_service.conf"));
}

#[test]
fn spaces_in_a_uri() {
    for word in [
        "postgres://u@h/my db",
        "postgres://u@h /d",
        "postgres://u@h/d?user=a b",
    ] {
        agrees(&Case::of(&[word]));
    }
}
