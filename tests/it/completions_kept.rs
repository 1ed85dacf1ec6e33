//! Tab in each real shell completes hosts, servers, groups and services from what is kept. Each
//! name arrives whole, whatever it is made of, and Tab starts no process and connects to nothing.

use std::fs::File;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use sandbox::Identity;

use crate::completions_support::{Case, SHELLS, Shell, case, keep, ready, user_of};
use crate::remember::directory;
use crate::support::User;

const SERVERS: &str = "\
mydb.postgres.database.azure.com\tmydb\n\
prod-eu.postgres.database.azure.com\tprod-eu\n\
prod-us.postgres.database.azure.com\tprod-us\n";

/// Names that some shell would read something into, each with a letter of its own at the start.
/// Each command in them would leave a file named `harm`.
const GROUPS: &[&str] = &[
    "Prod DB Readonly",
    "Größe 数据 ‘quoted’",
    "a$(touch harm)",
    "b`touch harm`",
    "c'; touch harm; '",
    "d\"; touch harm; \"",
    "e && touch harm || touch harm | touch harm & # > harm",
    "f{1,2} *?[x] ~ !! ^x^y %self",
    "g\\ back\\\\slash\\",
    "h${HOME}$HOME(touch harm)<(touch harm)",
    "i = @ : , ; k=v",
    "j'\\''; touch harm; '",
];

const SERVICES: &str = "\
[x\u{1b}control]\nhost=$(touch${IFS}harm)\n# [y]\n\
[prod]\nhost=mydb2.postgres.database.azure.com\n  [indented]\n\
[a$(touch harm)]\n[b c'd\\e]\nhost=odd.postgres.database.azure.com\n\
[f;touch harm;`touch harm`]\r\n";

/// How the other services are written in a connection string. Each has a letter of its own too.
const ODD_SERVICES: &[&str] = &[
    "service=indented",
    "service=a$(touch\\ harm)",
    "service=b\\ c\\'d\\\\e",
    "service=f;touch\\ harm;`touch\\ harm`",
];

fn cases() -> Vec<Case> {
    let eu = "prod-eu.postgres.database.azure.com";
    let mut cases = vec![
        case("-h mydb.", &["-h", "mydb.postgres.database.azure.com"]),
        case("-h mydb2", &["-h", "mydb2.postgres.database.azure.com"]),
        case("-hprod-e", &[&format!("-h{eu}")]),
        case("-Ath prod-e", &["-Ath", eu]),
        case("--host prod-e", &["--host", eu]),
        case("--host=prod-e", &[&format!("--host={eu}")]),
        case("--server my", &["--server", "mydb"]),
        case("--server=prod-u", &["--server=prod-us"]),
        case("service=pr", &["service=prod"]),
        case("service=x", &["service=x"]),
        case("service=y", &["service=y"]),
        case("-h x -d service=pr", &["-h", "x", "-d", "service=prod"]),
        case("--server unknown", &["--server", "unknown"]),
        case("--group 'Prod DB", &["--group", "Prod DB Readonly"]),
    ];
    for service in ODD_SERVICES {
        let typed = &service[..="service=".len()];
        cases.push(case(typed, &[service]));
        let (typed, service) = (["--dbname=", typed], ["--dbname=", service]);
        cases.push(case(&typed.concat(), &[&service.concat()]));
    }
    for group in GROUPS {
        let letter = &group[..1];
        cases.push(case(&["--group ", letter].concat(), &["--group", group]));
        let (typed, group) = (["--group=", letter], ["--group=", group]);
        cases.push(case(&typed.concat(), &[&group.concat()]));
    }
    cases
}

fn names_arrive_whole(shell: &str) {
    let user = user_of(shell).file(".pg_service.conf", SERVICES);
    keep(&user, "servers.txt", SERVERS);
    keep(&user, "groups.txt", &(GROUPS.join("\n") + "\n"));
    Shell::start(&user, shell, &[]).completes(&cases());
}

/// What is not such a list is passed over, and a huge file isn't read to its end.
fn odd_files_are_passed_over(shell: &str) {
    let user = user_of(shell)
        .binary_file("huge", b"[prod]\nhost=x\n")
        .binary_file(
            "pg_service.conf",
            b"[caf\xe9]\n[\xff\xfe[ok]\n]\n[]\n[second]\n",
        );
    let home = user.home.path().to_owned();
    // elvish has nothing that reads a part of a line.
    if shell != "elvish" {
        let huge = File::options().write(true).open(home.join("huge"));
        huge.and_then(|huge| huge.set_len(1 << 40)).expect("a hole");
    }
    let user = user
        .var("PGSERVICEFILE", home.join("huge"))
        .var("PGSYSCONFDIR", &home);
    mkfifo(&directory(&user).join("servers.txt"), Mode::S_IRWXU).expect("a pipe");
    keep(&user, "groups.txt", "\n\n\u{7}bell\n~root\n");
    // fish would read a home directory into it.
    let group: &[&str] = if shell == "fish" {
        &["--group"]
    } else {
        &["--group", "~root"]
    };
    Shell::start(&user, shell, &[]).completes(&[
        case("service=p", &["service=prod"]),
        case("service=s", &["service=second"]),
        case("--server x", &["--server", "x"]),
        case("--group ", group),
    ]);
}

#[test]
fn bash() {
    names_arrive_whole("bash");
    odd_files_are_passed_over("bash");
}

#[test]
fn zsh() {
    names_arrive_whole("zsh");
    odd_files_are_passed_over("zsh");
}

#[test]
fn fish() {
    names_arrive_whole("fish");
    odd_files_are_passed_over("fish");
}

#[test]
fn elvish() {
    names_arrive_whole("elvish");
    odd_files_are_passed_over("elvish");
}

/// In bash, readline ends a word at some characters, and goes on with an open quote.
#[test]
fn bash_in_the_middle_of_a_name() {
    let user = user_of("bash");
    let names = [
        "Team: a@b #1",
        "it's \"so\" \\ & $x!",
        "ends'",
        "in \"",
        "!!",
    ];
    keep(&user, "groups.txt", &names.join("\n"));
    let mut cases = vec![
        case("--group=Team:", &["--group=Team: a@b #1"]),
        case(r"--group Team:\ a@", &["--group", names[0]]),
        case("--group 'Team: a@", &["--group", names[0]]),
        case("--group='Team: a@", &["--group=Team: a@b #1"]),
        case("--group \"Team: a", &["--group", names[0]]),
        case("\"--group=Team", &["--group=Team: a@b #1"]),
        case("--group 'e", &["--group", "ends'"]),
        case("--group \"in", &["--group", "in \""]),
        case(
            "-X '-U' \"b c\" --group \\!",
            &["-X", "-U", "b c", "--group", "!!"],
        ),
        // readline can't complete after a quote that has ended.
        case("--group 'Te'am", &["--group", "Team"]),
    ];
    for quote in ["", "'", "\""] {
        cases.push(case(&format!("--group {quote}it"), &["--group", names[1]]));
    }
    Shell::start(&user, "bash", &[]).completes(&cases);
}

#[test]
fn lists_are_found_where_the_program_keeps_them() {
    for place in ["run", "cache", ".cache"] {
        let user = User::signed_in(Identity::Alice);
        let home = user.home.path().to_owned();
        let user = match place {
            "run" => user,
            "cache" => user
                .without("XDG_RUNTIME_DIR")
                .var("XDG_CACHE_HOME", home.join(place)),
            _ => user.without("XDG_RUNTIME_DIR"),
        };
        let mut cases = vec![case("--server my", &["--server", "mydb"])];
        let lists = user.ran(user.command_with_only("--servers"));
        assert_eq!(lists.code, Some(0), "{lists:?}");
        // Both are in one place, and az takes its time.
        if place == "run" {
            let tells = user.ran(user.command_with_only("--whoami"));
            assert_eq!(tells.code, Some(0), "{tells:?}");
            let group = "Größe \"100%\" O'Brien";
            cases.push(case("--group G", &["--group", group]));
        }
        assert!(home.join(place).join("entra-psql/servers.txt").exists());
        let asked = (user.az_calls(), user.entra.token_requests().len());
        let user = SHELLS.into_iter().fold(user, |user, shell| {
            let user = ready(user, shell);
            Shell::start(&user, shell, &[]).completes(&cases);
            user
        });
        assert_eq!((user.az_calls(), user.entra.token_requests().len()), asked);
    }
}

#[test]
fn a_service_is_written_as_libpq_reads_it() {
    let ran = User::nobody()
        .file(".pg_service.conf", SERVICES)
        .args([ODD_SERVICES[2], "--no-entra", "--print-conninfo"])
        .run();
    assert!(ran.stdout.contains("odd.postgres"), "{ran:?}");
}

#[test]
fn descriptions_are_left_out_on_request() {
    for shell in ["zsh", "fish", "elvish"] {
        let user = user_of(shell);
        keep(&user, "servers.txt", SERVERS);
        for (typed, word, about) in [
            ("--print-", "--print-env", "Print the connection"),
            ("-h ", "prod-us", "Connect to this host"),
        ] {
            let shown = |options: &[&str]| {
                let mut shell = Shell::start(&user, shell, options);
                // A second Enter is for shells that take the first for the list.
                let shown = shell.run(typed, "\t\t\r\r").0;
                shell.end();
                shown
            };
            let (with, without) = (shown(&[]), shown(&["--no-descriptions"]));
            assert!(
                with.contains(word) && without.contains(word),
                "{with}{without}"
            );
            let is_repeated = shell == "fish" || typed.starts_with("--");
            assert_eq!(with.contains(about), is_repeated, "{with}");
            assert!(!without.contains(about), "{without}");
        }
    }
}
