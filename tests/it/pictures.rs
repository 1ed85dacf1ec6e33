//! The README's pictures: what a terminal shows of a session and of `--doctor` in the sandbox.
//!
//! `UPDATE_DOCS=1 cargo test -p entra-psql --test it pictures` draws them, as SVG for light and
//! dark pages. They hold the program's real output. Only what differs from run to run or from
//! machine to machine is replaced, by what stands in [`FIXED`].

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anstyle::{Color, RgbColor};
use anstyle_svg::{Palette, Term};
use regex::Regex;
use rexpect::session::{PtySession, spawn_command};
use sandbox::Identity;

use crate::support::{PROGRAM, User, tool};

/// Columns of the terminal. A longer line goes on in the next one, as it does there.
const COLUMNS: usize = 100;

/// One picture.
struct Scene {
    name: &'static str,
    /// How far a line that goes on is indented.
    indent: usize,
    /// What is typed, after the prompt that is waited for.
    typed: &'static [(&'static str, &'static str)],
}

const SHELL: &str = "$ ";
const PSQL: &str = "app=> ";

const SCENES: &[Scene] = &[
    Scene {
        name: "session",
        indent: 0,
        typed: &[
            (
                SHELL,
                "entra-psql -h mydb.postgres.database.azure.com -d app",
            ),
            (PSQL, "select current_user;"),
            (PSQL, "\\q"),
            (
                SHELL,
                "entra-psql -h mydb.postgres.database.azure.com -d app --group \"Prod DB Readonly\"",
            ),
            (PSQL, "select current_user;"),
            (PSQL, "\\q"),
        ],
    },
    Scene {
        name: "doctor",
        indent: 17,
        typed: &[(
            SHELL,
            "entra-psql -h mydb.postgres.database.azure.com --group \"prod db readonly\" --doctor",
        )],
    },
];

/// What differs, and what the pictures show in its place.
const FIXED: &[(&str, &str)] = &[
    (r"/\S*/bin/(az|psql)\b", "/usr/bin/$1"),
    (r"/\S+/ca\.pem\b", "/etc/ssl/certs/ca-certificates.crt"),
    (
        r"psql \([\d.]+(devel|beta\d|rc\d)?( \([^)\n]*\))?",
        "psql (17.6",
    ),
    (r"psql \(PostgreSQL\) [^,\n]+", "psql (PostgreSQL) 17.6"),
    (r"\blibpq [\w.]+", "libpq 17"),
    (r"PostgreSQL \d[^,\n]*, \d+ ?ms", "PostgreSQL 17.6, 48 ms"),
    (
        r"entra-psql \d[\w.]* for \w+ on \w+",
        "entra-psql 0.1.0 for linux on x86_64",
    ),
    (r"\bversion [\d.]+;", "version 2.91.0;"),
    (r"\d{2,} minutes left", "74 minutes left"),
    (r"\b\d+ days left", "89 days left"),
    (r"\(5432 is \w+, 6432 is \w+\)", "(6432 is closed)"),
    // The sandbox's certificate has names in other clouds too.
    (r"(a certificate for `[^`]+`)(, `[^`]+`)+", "$1"),
    (r#"(127\.0\.0\.1[`"]?,? port [`"]?)\d{5}\b"#, "${1}3128"),
    (r#"(port [`"]?)\d{5}\b"#, "${1}5432"),
    (
        r"127\.0\.0\.1:\d{5} - ",
        "mydb.postgres.database.azure.com:5432 - ",
    ),
    (r"hidden: \d+ bytes", "hidden: 1366 bytes"),
    (
        r"protocol: TLS[^)\n]*",
        "protocol: TLSv1.3, cipher: TLS_AES_256_GCM_SHA384, compression: off",
    ),
];

const LIGHT: Term = term(
    (0x1f, 0x23, 0x28),
    (0xf6, 0xf8, 0xfa),
    [
        (0x1f, 0x23, 0x28),
        (0xb3, 0x1d, 0x28),
        (0x11, 0x63, 0x29),
        (0x7d, 0x4e, 0x00),
        (0x05, 0x50, 0xae),
        (0x82, 0x50, 0xdf),
        (0x1b, 0x7c, 0x83),
        (0x57, 0x60, 0x6a),
    ],
);

const DARK: Term = term(
    (0xe6, 0xed, 0xf3),
    (0x0d, 0x11, 0x17),
    [
        (0x6e, 0x76, 0x81),
        (0xff, 0x7b, 0x72),
        (0x56, 0xd3, 0x64),
        (0xe3, 0xb3, 0x41),
        (0x79, 0xc0, 0xff),
        (0xd2, 0xa8, 0xff),
        (0x56, 0xd4, 0xdd),
        (0x8b, 0x94, 0x9e),
    ],
);

type Rgb = (u8, u8, u8);

const fn term(text: Rgb, page: Rgb, colours: [Rgb; 8]) -> Term {
    const fn rgb((red, green, blue): Rgb) -> RgbColor {
        RgbColor(red, green, blue)
    }
    // A bright colour is the plain one here: both have to be readable on the same page.
    let mut palette = [RgbColor(0, 0, 0); 16];
    let mut at = 0;
    while at < palette.len() {
        palette[at] = rgb(colours[at % 8]);
        at += 1;
    }
    Term::new()
        .palette(Palette(palette))
        .fg_color(Color::Rgb(rgb(text)))
        .bg_color(Color::Rgb(rgb(page)))
}

#[test]
fn the_pictures_show_what_the_program_prints() {
    let mut stale = Vec::new();
    for Scene {
        name,
        indent,
        typed,
    } in SCENES
    {
        let shown = wrap(&fix(&show(typed)), *indent);
        for (page, term) in [("light", LIGHT), ("dark", DARK)] {
            let file = directory().join(format!("{name}-{page}.svg"));
            let drawn = scalable(&term.render_svg(&(shown.clone() + "\n")));
            if std::env::var_os("UPDATE_DOCS").is_some() {
                fs::create_dir_all(directory()).expect("the directory");
                fs::write(&file, &drawn).expect("the picture is written");
            }
            if fs::read_to_string(&file).ok() != Some(drawn) {
                stale.push(format!("{}\n{shown}", file.display()));
            }
        }
    }
    assert!(
        stale.is_empty(),
        "stale: UPDATE_DOCS=1 cargo test -p entra-psql --test it pictures\n{}",
        stale.join("\n")
    );
}

/// What the terminal shows while this is typed, without the last prompt.
fn show(typed: &[(&str, &str)]) -> String {
    let user = User::signed_in(Identity::Alice)
        .var("PS1", SHELL)
        .var("COLUMNS", COLUMNS.to_string())
        .var("CLICOLOR_FORCE", "1")
        .var("TERM", "xterm-256color")
        .var("PSQLRC", "/dev/null")
        .var("PAGER", "cat");
    symlink(PROGRAM, user.home.path().join("bin/entra-psql")).expect("a link");
    let mut shell = user.tool(tool("sh"));
    // The terminal shows what is typed, which rexpect switches off.
    shell.args(["-c", &format!("stty echo cols {COLUMNS}; exec sh -i")]);
    let mut terminal = spawn_command(shell, Some(60_000)).expect("a terminal");
    until(&mut terminal, SHELL);
    let prompts = typed.iter().map(|(prompt, _)| *prompt).skip(1);
    let mut shown = SHELL.to_owned();
    for ((_, line), next) in typed.iter().zip(prompts.chain([SHELL])) {
        terminal.send_line(line).expect("sent");
        shown += &until(&mut terminal, next);
        shown += next;
    }
    terminal.send_line("exit").expect("sent");
    terminal.exp_eof().expect("the shell ends");
    let end = shown.len() - SHELL.len();
    // What switches a terminal's modes shows nothing, and neither does a line that was erased.
    let unseen = r"[^\n]*(\r\x1b\[0?K|\x1b\[2K)|\x1b\[\?\d+[hl]|\r";
    let unseen = Regex::new(unseen).expect("a pattern");
    unseen.replace_all(&shown[..end], "").trim_end().to_owned()
}

#[track_caller]
fn until(terminal: &mut PtySession, prompt: &str) -> String {
    terminal
        .exp_string(prompt)
        .unwrap_or_else(|error| panic!("{prompt}: {error}"))
}

pub fn fix(shown: &str) -> String {
    let fixed = FIXED.iter().fold(shown.to_owned(), |text, (pattern, by)| {
        let pattern = Regex::new(pattern).expect("a pattern");
        pattern.replace_all(&text, *by).into_owned()
    });
    assert!(!fixed.contains("eyJ"), "{fixed}");
    fixed
}

/// Breaks long lines between words.
fn wrap(text: &str, indent: usize) -> String {
    let colour = Regex::new(r"\x1b\[[\d;]*m").expect("a pattern");
    let mut wrapped = String::new();
    for line in text.split_inclusive('\n') {
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            let shown = colour.replace_all(word, "");
            if column > 0 && column + shown.trim_end().chars().count() > COLUMNS {
                wrapped.truncate(wrapped.trim_end_matches(' ').len());
                wrapped.push('\n');
                wrapped.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            }
            column += shown.chars().count();
            wrapped += word;
        }
    }
    wrapped
}

/// A page that shows the picture smaller or larger scales it, instead of cutting it off.
fn scalable(svg: &str) -> String {
    let size = Regex::new(r#"<svg width="(\d+)px" height="(\d+)px""#).expect("a pattern");
    let scaled = size.replace(
        svg,
        r#"<svg width="${1}px" height="${2}px" viewBox="0 0 $1 $2""#,
    );
    assert!(scaled.contains("viewBox"));
    scaled.into_owned()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images")
}
