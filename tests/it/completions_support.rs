//! A shell at a terminal, where Tab and Enter are typed, with a log of all that it starts and
//! connects to.

use std::fs;

use rexpect::session::PtySession;

use crate::remember::directory;
use crate::support::{PROGRAM, User, at_terminal, tool, until};

/// What is typed, and the arguments that come of it with Tab and Enter.
pub struct Case {
    pub typed: String,
    pub words: Vec<String>,
}

pub fn case(typed: &str, words: &[&str]) -> Case {
    Case {
        typed: typed.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    }
}

pub const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "elvish"];

/// Somebody with a directory for what is theirs alone, and a shell.
pub fn user_of(shell: &str) -> User {
    let user = User::nobody();
    fs::create_dir(directory(&user)).expect("a directory");
    ready(user, shell)
}

/// Installs what is missing, and an `entra-psql` that tells its arguments.
pub fn ready(user: User, shell: &str) -> User {
    sandbox::ensure_programs(&[(shell, shell), ("strace", "strace")]).expect("they are there");
    // The word that ends it is not on a line that is typed.
    let recorder =
        "#!/bin/sh\nprintf '%s\\0' \"$@\" > \"$HOME/arguments\"\nprintf 'go'\nprintf 'tit\\n'\n";
    user.program("entra-psql", recorder);
    user.var("TERM", "xterm")
}

pub fn keep(user: &User, name: &str, text: &str) {
    fs::write(directory(user).join(name), text).expect("a file");
}

/// A shell at a terminal, with the completion script that the program prints.
pub struct Shell<'a> {
    user: &'a User,
    terminal: PtySession,
    /// The keys that complete a word.
    tab: &'static str,
}

impl<'a> Shell<'a> {
    /// Starts it, with a log of what it and its children start and connect to.
    pub fn start(user: &'a User, shell: &str, options: &[&str]) -> Self {
        let printed = user
            .tool(PROGRAM)
            .args(["--completions", shell])
            .args(options)
            .output()
            .expect("a run");
        let home = user.home.path();
        let script = home.join("script");
        fs::write(&script, printed.stdout).expect("a file");
        let script = script.display();
        let (file, text) = match shell {
            "bash" => (".bashrc", format!(". '{script}'; PS1=ready:")),
            "zsh" => (
                ".zshrc",
                format!("autoload -U compinit; compinit -uD; . '{script}'; PS1=ready:"),
            ),
            "fish" => (
                "rc.fish",
                format!("source '{script}'; function fish_prompt; echo -n ready:; end"),
            ),
            // Ctrl-G takes the first that elvish lists, if it lists any.
            _ => (
                "rc.elv",
                format!(
                    "eval (slurp < '{script}'); set edit:prompt = {{ put ready: }}\n\
                     set edit:completion:binding[Ctrl-G] = $edit:completion:accept~\n\
                     set edit:insert:binding[Ctrl-G] = {{ }}"
                ),
            ),
        };
        fs::write(home.join(file), text + "\n").expect("a file");
        let mut command = user.tool(tool("strace"));
        command
            .args(["-f", "-qq", "--seccomp-bpf", "-o", "calls", "-e"])
            .arg("trace=execve,execveat,?fork,?vfork,clone,?clone3,socket,connect,bind")
            .arg(tool(shell));
        match shell {
            "bash" => command.arg("-i"),
            "zsh" => command.args(["-d", "-i"]),
            "fish" => command.args(["--no-config", "-i", "-C", "source ~/rc.fish"]),
            // Without a place for its history, elvish starts no process that would keep it.
            _ => command
                .args(["-sock", "/dev/null/none", "-db", "/dev/null/none", "-rc"])
                .arg(home.join(file)),
        };
        let mut terminal = at_terminal(command);
        until(&mut terminal, "ready:");
        let tab = if shell == "elvish" { "\t\x07" } else { "\t" };
        Self {
            user,
            terminal,
            tab,
        }
    }

    fn send(&mut self, keys: &str) {
        self.terminal.send(keys).expect("sent");
        self.terminal.flush().expect("sent");
    }

    /// Types arguments of the program, and then some keys. Returns what the shell shows until the
    /// program has run, and the arguments that the program got.
    #[track_caller]
    pub fn run(&mut self, typed: &str, keys: &str) -> (String, Vec<String>) {
        self.send(&format!("entra-psql {typed}{keys}"));
        let prompt = self.terminal.exp_regex("gotit[\\s\\S]*ready:");
        let (shown, _) = prompt.unwrap_or_else(|error| panic!("{typed}: {error}"));
        let told = fs::read(self.user.home.path().join("arguments")).expect("arguments");
        let told = String::from_utf8(told).expect("text");
        let words = told.split_terminator('\0').map(str::to_owned);
        (shown, words.collect())
    }

    /// Ends it. Returns the log.
    pub fn end(mut self) -> String {
        self.send("exit\r");
        self.terminal.exp_eof().expect("the shell ends");
        fs::read_to_string(self.user.home.path().join("calls")).expect("a log")
    }

    /// Tries each case, and proves that what Enter ran is all that was started.
    #[track_caller]
    pub fn completes(mut self, cases: &[Case]) {
        let (user, keys) = (self.user, format!("{}\r", self.tab));
        self.run("", "\r");
        for Case { typed, words } in cases {
            let (shown, told) = self.run(typed, &keys);
            assert_eq!(told, *words, "{typed}: {shown}");
        }
        let log = self.end();
        assert!(!user.home.path().join("harm").exists());
        assert_eq!(runs_alone(&log), cases.len(), "{log}");
    }
}

/// Returns how often the program was run after its first run. Nothing else may have been started
/// or connected to until its last.
#[track_caller]
fn runs_alone(log: &str) -> usize {
    let is_run = |line: &&str| line.contains(" execve(") && line.contains("/bin/entra-psql\"");
    let lines: Vec<&str> = log.lines().collect();
    let first = lines.iter().position(&is_run).expect("a run");
    let last = lines.iter().rposition(&is_run).expect("a run");
    let between = lines[first + 1..=last].iter().copied();
    let (runs, others): (Vec<&str>, Vec<&str>) = between.partition(is_run);
    // A thread is no process, and the end of a call is no call.
    let is_call = |line: &&str| {
        let no_call = ["CLONE_THREAD", " resumed>", " --- ", " +++ "];
        !no_call.iter().any(|text| line.contains(text))
    };
    let is_start = |line: &&str| line.contains("clone") || line.contains("fork(");
    let (starts, others): (Vec<&str>, Vec<&str>) =
        others.into_iter().filter(is_call).partition(is_start);
    assert_eq!((starts.len(), others), (runs.len(), Vec::new()), "{log}");
    runs.len()
}
