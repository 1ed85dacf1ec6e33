//! Runs the built program in a home and an environment of its own. Where the variables of
//! [`crate::wine`] are set, that is the program for Windows with a psql for Windows, and everything
//! else stays as it is.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sandbox::{Entra, Identity, Sandbox};
use tempfile::TempDir;

use crate::wine::{self, Account, Wine};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_entra-psql");

/// Asks who we are, over what, and in which database.
pub const WHO: &str = "select current_user, (select ssl from pg_stat_ssl where pid = pg_backend_pid()) is not null, current_database()";

/// Stands in for the identity endpoint of a virtual machine, which no test may ask: a port on which
/// nobody listens, and that no program is given.
const NO_MACHINE: &str = "http://127.0.0.1:1";

/// A user of the program: a home, an `az` that counts its calls, and the variables of a shell.
#[must_use]
pub struct User {
    pub home: TempDir,
    pub entra: Entra,
    pub sandbox: &'static Sandbox,
    variables: Vec<(OsString, OsString)>,
    arguments: Vec<OsString>,
    stdin: Vec<u8>,
    pub windows: Option<Account>,
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// The words of every az that was started, a line each.
    pub az: Vec<String>,
}

impl User {
    /// Somebody signed in to az as `identity`, whose environment points at the sandbox's Azure
    /// server.
    pub fn signed_in(identity: Identity) -> Self {
        let sandbox = Sandbox::shared();
        let user = Self::nobody();
        sandbox
            .sign_in(user.home.path(), identity)
            .expect("a profile");
        let entra = user.entra.port();
        assert_ne!(entra, 0);
        let az = sandbox.az_env(&user.entra, identity);
        let user = az
            .into_iter()
            .fold(user, |user, (name, value)| user.var(&name, value));
        user.var("PGHOSTADDR", "127.0.0.1")
            .var("PGPORT", sandbox.port().to_string())
            .var("PGSSLROOTCERT", sandbox.ca_file())
    }

    /// Somebody without any sign-in, and with nothing in the environment but what every shell has.
    pub fn nobody() -> Self {
        let sandbox = Sandbox::shared();
        let home = tempfile::tempdir().expect("a home");
        let bin = home.path().join("bin");
        fs::create_dir(&bin).expect("a directory");
        let run = home.path().join("run");
        fs::create_dir(&run).expect("a directory");
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).expect("its mode");
        let user = Self {
            entra: sandbox.new_entra().expect("an Entra"),
            sandbox,
            variables: Vec::new(),
            arguments: Vec::new(),
            stdin: Vec::new(),
            windows: Wine::wanted().map(|wine| Account::new(wine, home.path())),
            home,
        };
        let az = sandbox.az_dir().join("az");
        user.program(
            "az",
            &format!(
                "#!/bin/sh\nprintf '%s\\n' \"$*\" >> \"$HOME/az.log\"\nexec '{}' \"$@\"\n",
                az.display()
            ),
        );
        let home = user.home.path().to_owned();
        user.var("HOME", &home)
            .var("PATH", wine::path(&home))
            .var("LC_ALL", "C.UTF-8")
            .var("XDG_RUNTIME_DIR", home.join("run"))
            .var("AZURE_POD_IDENTITY_AUTHORITY_HOST", NO_MACHINE)
    }

    /// Puts an executable text first on the user's `PATH`, in the place of any of that name. On
    /// Windows a batch file is there that has it run.
    pub fn program(&self, name: &str, text: &str) -> PathBuf {
        let file = self.home.path().join("bin").join(name);
        // A child writes it: what another test starts meanwhile could inherit a descriptor of this
        // process, and a program that is open for writing can't be run.
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat >\"$0\""])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut pipe = writer.stdin.take().expect("a pipe");
        pipe.write_all(text.as_bytes()).expect("a program");
        drop(pipe);
        assert!(writer.wait().expect("its end").success());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its mode");
        let Some(account) = &self.windows else {
            return file;
        };
        let batch_file = file.with_extension("cmd");
        fs::write(&batch_file, account.wine.batch_file(&file)).expect("a batch file");
        batch_file
    }

    /// A file in the home directory that only its owner may read. libpq's own are on Windows where
    /// its libpq looks for them.
    pub fn file(self, name: &str, text: &str) -> Self {
        if self.windows.is_some()
            && let Some(place) = wine::place_of(name)
        {
            fs::create_dir_all(self.home.path().join(".postgresql")).expect("a directory");
            return self.binary_file(place, text.as_bytes());
        }
        self.binary_file(name, text.as_bytes())
    }

    /// The same, for a file that need not be text.
    pub fn binary_file(self, name: &str, bytes: &[u8]) -> Self {
        let file = self.home.path().join(name);
        fs::write(&file, bytes).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
        self
    }

    pub fn var(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self = self.without(name);
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        let arguments = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned());
        self.arguments.extend(arguments);
        self
    }

    /// The same, in front of the others: psql.exe 16 reads no option behind an operand.
    pub fn args_in_front<S: AsRef<OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let others = std::mem::take(&mut self.arguments);
        self.args(arguments).args(others)
    }

    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.into();
        self
    }

    /// The program with this user's environment, not yet started, its input and output still open.
    pub fn command(&self) -> Command {
        match &self.windows {
            None => self.command_of(PROGRAM),
            Some(account) => self.waited_for(account, &account.wine.program),
        }
    }

    /// The same, whose process is the program itself, to be ended or to have a terminal. On Windows
    /// its exit code means nothing then.
    pub fn command_itself(&self) -> Command {
        let Some(account) = &self.windows else {
            return self.command_of(PROGRAM);
        };
        let command = account.command(&account.wine.program, self.variables());
        self.with_arguments(command)
    }

    pub fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter().map(|(name, value)| (name, value))
    }

    fn with_arguments(&self, mut command: Command) -> Command {
        command.args(&self.arguments).current_dir(self.home.path());
        command
    }

    /// Another program with this user's environment and arguments.
    pub fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        self.with_arguments(self.tool(program))
    }

    /// Another program with this user's environment and no arguments yet.
    pub fn tool(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.variables())
            .current_dir(self.home.path());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self) -> Ran {
        self.run_changed(|_| {})
    }

    /// Runs the program to its end, with something changed in its command.
    pub fn run_changed(&self, change: impl FnOnce(&mut Command)) -> Ran {
        let mut command = self.command();
        change(&mut command);
        self.ran(command)
    }

    pub fn waited_for(&self, account: &Account, program: &Path) -> Command {
        self.with_arguments(account.waited_for(program, self.variables()))
    }

    pub fn ran(&self, mut command: Command) -> Ran {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that does not read its input closes the pipe.
        let _ = child.stdin.take().expect("a pipe").write_all(&self.stdin);
        let output = child.wait_with_output().expect("the program ends");
        Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            az: self.az_calls(),
        }
    }

    /// The words of every az that was started so far.
    pub fn az_calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.home.path().join("az.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Asks [`WHO`] in a form that is easy to compare, without a start-up file.
    pub fn asks_who(self) -> Self {
        self.args_in_front(["-XAt", "-c", WHO])
    }
}

impl Ran {
    /// Signed in as `role` to `database` over TLS, with `calls` of az, and nothing was said.
    #[track_caller]
    pub fn is_signed_in(&self, role: &str, database: &str, calls: usize) {
        assert_eq!(self.stderr, "");
        assert_eq!(self.stdout, format!("{role}|t|{database}\n"));
        assert_eq!(self.code, Some(0));
        assert_eq!(self.az.len(), calls, "{:#?}", self.az);
    }
}

/// Whether the program under test is the one for Windows.
pub fn is_windows() -> bool {
    Wine::wanted().is_some()
}

/// What a program said, with the ends of line that Unix has. Wine's own complaint is left out, which
/// it makes where a thread still runs when its process ends.
pub fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !is_windows() {
        return text.into_owned();
    }
    let text = text.replace("\r\n", "\n");
    let lines = text.split_inclusive('\n');
    lines
        .filter(|line| !line.starts_with("wine client error:"))
        .collect()
}
