//! Generates the options in the completion scripts. The rest of each script is written by hand, in
//! `completions/`.
//!
//! `clap_complete` would write only our options: it has neither psql's letters, bundles and values
//! nor the hosts of a service file.

use crate::options::{self, Described, Kind, Value};

pub fn bash() -> String {
    let all = options::all();
    let arms = |named: &dyn Fn(&Described) -> Option<String>| {
        let mut arms = Vec::new();
        for option in &all {
            if let (Some(name), Some(value)) = (named(option), &option.value) {
                arms.push(format!("    {name}) kind={} ;;", bash_kind(option, value)));
            }
        }
        arms.join("\n")
    };
    let required = |option: &Described| option.required().is_some();
    let words: Vec<String> = all
        .iter()
        .filter(|option| option.has_words())
        .map(|option| {
            format!(
                "    {}) candidates+=({}) ;;",
                option.long,
                option.words().join(" ")
            )
        })
        .collect();
    let options: Vec<String> = all
        .iter()
        .map(|option| format!("--{}", option.long))
        .collect();
    let letters: Vec<String> = all
        .iter()
        .filter_map(|option| Some(format!("'-{}'", option.short?)))
        .collect();
    let long = arms(&|option| required(option).then(|| option.long.clone()));
    let short = arms(&|option| option.short.filter(|_| required(option)).map(String::from));
    let optional = arms(&|option| (!required(option)).then(|| option.long.clone()));
    let (words, options, letters) = (words.join("\n"), options.join(" "), letters.join(" "));
    format!(
        r#"# Sets `kind` to the kind of value that --$1 takes, or to nothing for a flag or an unknown option.
_entra_psql_long() {{
    kind=''
    case $1 in
{long}
    esac
}}

# The same for -$1.
_entra_psql_short() {{
    kind=''
    case $1 in
{short}
    esac
}}

# Sets `kind` for an option that takes its value only after a "=".
_entra_psql_optional() {{
    case $1 in
{optional}
    esac
}}

# Adds the choices of a value of the kind $1.
_entra_psql_words() {{
    case $1 in
{words}
    esac
}}

# Adds every option. If $1 is a single dash, adds the letters too.
_entra_psql_options() {{
    candidates+=({options})
    [[ $1 != - ]] || candidates+=({letters})
}}"#
    )
}

/// Returns the script's name for a kind of value. If there are words to choose from, it's the name
/// of the option.
fn bash_kind(option: &Described, value: &Value) -> String {
    match value.kind {
        Kind::Words => option.long.clone(),
        kind => kind_word(kind).to_owned(),
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Anything => "anything",
        Kind::Words => "words",
        Kind::File => "file",
        Kind::Program => "program",
        Kind::Host => "host",
        Kind::Database => "database",
        Kind::Server => "server",
        Kind::Group => "group",
    }
}

pub fn zsh() -> String {
    let lines: Vec<String> = options::all().iter().map(zsh_option).collect();
    format!("  local -a specs=(\n{}\n  )", lines.join("\n"))
}

fn zsh_option(option: &Described) -> String {
    let help = escaped(&option.help, "\\[]:").replace('\'', r"'\''");
    let (long, short) = (&option.long, option.short);
    let Some(value) = &option.value else {
        return match short {
            Some(letter) => {
                format!("    '(-{letter} --{long})'{{-{letter},--{long}}}'[{help}]'")
            }
            None => format!("    '--{long}[{help}]'"),
        };
    };
    let action = match value.kind {
        Kind::Anything => " ".to_owned(),
        Kind::Words => format!("{{_entra-psql_words {}}}", option.words().join(" ")),
        Kind::File => "_files".to_owned(),
        Kind::Program => "_normal".to_owned(),
        kind => format!("_entra-psql_{}", kind_word(kind)),
    };
    let name = value.name.to_lowercase();
    let name = name.split(['=', ' ']).next().unwrap_or_default();
    // These may be given several times.
    let repeats = matches!(
        long.as_str(),
        "command" | "file" | "pset" | "set" | "variable"
    );
    let excludes = match short {
        _ if repeats => "*".to_owned(),
        Some(letter) => format!("(-{letter} --{long})"),
        None => String::new(),
    };
    match (value.kind, value.is_optional, short) {
        (Kind::Program, ..) => format!("    '--{long}[{help}]:*::{name}:{action}'"),
        (_, true, Some(letter)) => {
            format!(
                "    '{excludes}-{letter}[{help}]'\n    '{excludes}--{long}=-[{help}]::{name}:{action}'"
            )
        }
        (_, true, None) => format!("    '{excludes}--{long}=-[{help}]::{name}:{action}'"),
        (_, false, Some(letter)) => {
            format!("    '{excludes}'{{-{letter}+,--{long}=}}'[{help}]:{name}:{action}'")
        }
        (_, false, None) => format!("    '{excludes}--{long}=[{help}]:{name}:{action}'"),
    }
}

pub fn fish() -> String {
    let lines: Vec<String> = options::all().iter().map(fish_option).collect();
    lines.join("\n")
}

fn fish_option(option: &Described) -> String {
    let mut words = vec!["complete -c entra-psql -n 'not __entra_psql_has_program'".to_owned()];
    words.extend(option.short.map(|letter| format!("-s '{letter}'")));
    words.push(format!("-l {}", option.long));
    if let Some(value) = &option.value {
        match (value.is_optional, value.kind) {
            (true, _) => {}
            (_, Kind::File) => words.push("-r -F".to_owned()),
            _ => words.push("-x".to_owned()),
        }
        let candidates = match value.kind {
            Kind::Anything | Kind::File => None,
            Kind::Words => Some(option.words().join(" ")),
            kind => Some(format!("(__entra_psql_{})", kind_word(kind))),
        };
        words.extend(candidates.map(|candidates| format!("-a '{candidates}'")));
    }
    words.push(format!("-d '{}'", escaped(&option.help, "\\'")));
    words.join(" ")
}

pub fn powershell() -> String {
    let all = options::all();
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let lines: Vec<String> = all
        .iter()
        .map(|option| {
            let short = option.short.map(String::from).unwrap_or_default();
            let kind = option.value.as_ref().map_or("", |value| kind_word(value.kind));
            let optional = option.value.as_ref().is_some_and(|value| value.is_optional);
            format!(
                "        @{{ Long = '{}'; Short = '{short}'; Kind = '{kind}'; Optional = ${optional}; Help = {} }}",
                option.long,
                quoted(&option.help)
            )
        })
        .collect();
    let words: Vec<String> = all
        .iter()
        .filter(|option| option.has_words())
        .map(|option| {
            let words: Vec<String> = option.words().iter().map(|word| quoted(word)).collect();
            format!("        '{}' = @({})", option.long, words.join(", "))
        })
        .collect();
    format!(
        "    # Every option: its spelling, the kind of its value (nothing for a flag), and its description.\n    \
         $options = @(\n{}\n    )\n    $words = @{{\n{}\n    }}",
        lines.join("\n"),
        words.join("\n")
    )
}

pub fn elvish() -> String {
    let lines: Vec<String> = options::all().iter().map(elvish_option).collect();
    format!("  var options = [\n{}\n  ]", lines.join("\n"))
}

fn elvish_option(option: &Described) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut fields = Vec::new();
    fields.extend(
        option
            .short
            .map(|letter| format!("&short={}", quoted(&letter.to_string()))),
    );
    fields.push(format!("&long={}", option.long));
    if let Some(value) = &option.value {
        let attached = if value.is_optional {
            "optional"
        } else {
            "required"
        };
        let completer = match value.kind {
            Kind::Anything | Kind::Program => "{|_| }".to_owned(),
            Kind::Words => {
                let words: Vec<String> = option.words().iter().map(|word| quoted(word)).collect();
                format!("(one-of {})", words.join(" "))
            }
            kind => format!("${}~", kind_word(kind)),
        };
        let name = quoted(&value.name);
        fields.push(format!(
            "&arg-{attached}=$true &arg-desc={name} &completer={completer}"
        ));
    }
    // Last, where it can be left out.
    fields.push(format!("&desc={}", quoted(&option.help)));
    format!("    [{}]", fields.join(" "))
}

/// Returns `text` with a backslash before each of `special`.
fn escaped(text: &str, special: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
