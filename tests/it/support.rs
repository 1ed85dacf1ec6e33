//! What only these tests need of a user, and of the system that the program is for.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::{SigHandler, Signal, signal};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use socket2::{Domain, Socket, Type};

pub use crate::user::{PROGRAM, Ran, User, is_windows, text};

impl User {
    /// Takes a program away again.
    pub fn remove_program(&self, name: &str) {
        let file = self.home.path().join("bin").join(name);
        fs::remove_file(&file).expect("a program");
        if self.windows.is_some() {
            fs::remove_file(file.with_extension("cmd")).expect("a batch file");
        }
    }

    /// Without any sign-in in the account's credential store. On Linux a user has a store only
    /// where a test brings one.
    pub fn without_sign_ins(self) -> Self {
        if let Some(account) = &self.windows {
            let key = r"HKCU\Software\Wine\Credential Manager";
            // Where nothing was kept it complains, and all is well.
            let ended = account
                .system_program("reg.exe")
                .args(["delete", key, "/f"])
                .output();
            ended.expect("an end");
        }
        self
    }

    /// Somebody who has no directory for what is theirs alone, and cannot have one.
    pub fn keeps_nothing(self) -> Self {
        if self.windows.is_some() {
            fs::remove_dir(self.home.path().join("run")).expect("a directory");
        }
        self.var("XDG_RUNTIME_DIR", "/dev/null")
            .var("XDG_CACHE_HOME", "/dev/null")
    }

    /// The program with this user's environment, and only this argument.
    pub fn command_with_only(&self, argument: &str) -> Command {
        let mut command = match &self.windows {
            None => self.tool(PROGRAM),
            Some(account) => account.waited_for(&account.wine.program, self.variables()),
        };
        command.arg(argument).current_dir(self.home.path());
        command
    }

    /// Runs psql itself in the program's place.
    pub fn run_psql(&self) -> Ran {
        match &self.windows {
            None => self.run_program(self.sandbox.postgres_bin_dir().join("psql")),
            Some(account) => self.ran(self.waited_for(account, &account.psql.join("psql.exe"))),
        }
    }

    /// Runs another program with this user's environment and arguments to its end.
    pub fn run_program(&self, program: impl AsRef<OsStr>) -> Ran {
        self.ran(self.command_of(program))
    }
}

/// Makes a command's program stop on Ctrl-C. A shell tells what it starts in the background to
/// ignore these signals, and every program inherits that, so a test that sends one can't rely on
/// what the test program was started with.
pub fn heeding_signals(mut command: Command) -> Command {
    let to_default = || {
        for named in [Signal::SIGINT, Signal::SIGQUIT] {
            #[expect(unsafe_code, reason = "no handler is installed that could run")]
            unsafe { signal(named, SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    #[expect(
        unsafe_code,
        reason = "between fork and exec, only async-signal-safe calls are made"
    )]
    unsafe {
        command.pre_exec(to_default);
    }
    command
}

/// Returns a shell that runs `script`, whose `"$@"` is the program with this user's arguments.
pub fn in_shell(user: &User, script: &str) -> Command {
    let mut shell = user.tool(tool("sh"));
    shell
        .args(["-c", script, "sh", PROGRAM])
        .args(user.command().get_args());
    shell
}

/// Starts a command at a pseudo-terminal of its own.
pub fn at_terminal(command: Command) -> PtySession {
    spawn_command(command, Some(60_000)).expect("a terminal")
}

/// What the terminal shows before `text`.
#[track_caller]
pub fn until(terminal: &mut PtySession, text: &str) -> String {
    terminal
        .exp_string(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What the terminal shows until the program ends, and its exit code.
pub fn to_the_end(mut terminal: PtySession) -> (String, i32) {
    let shown = terminal.exp_eof().expect("the end");
    match terminal.process().wait().expect("its end") {
        WaitStatus::Exited(_, code) => (shown, code),
        status => panic!("{status:?}"),
    }
}

/// What is right where the program runs: on Unix, or on Windows.
pub fn here<T>(unix: T, windows: T) -> T {
    if is_windows() { windows } else { unix }
}

/// Where a program is that the tests need besides the sandbox's.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let places = ["/usr/bin", "/bin", "/usr/local/bin"];
    places
        .iter()
        .map(|place| Path::new(place).join(name))
        .find(|program| program.exists())
        .unwrap_or_else(|| panic!("`{name}` is needed by this test and is not installed"))
}

/// A port where nobody listens, and which nobody else gets as long as this lives.
pub struct ClosedPort(Socket);

impl ClosedPort {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&address.into()).expect("a port");
        Self(socket)
    }

    pub fn number(&self) -> u16 {
        let address = self.0.local_addr().expect("its address");
        address.as_socket().expect("its number").port()
    }

    /// Has the system accept connections from now on, which nobody answers.
    pub fn fall_silent(&self) {
        self.0.listen(16).expect("it listens");
    }
}

/// Compiles a library of `tests/it` that is loaded into programs, into `directory`.
pub fn preloaded(source: &str, directory: &Path) -> PathBuf {
    let library = directory.join(source).with_extension("so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(source);
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([library.as_path(), source.as_path()])
        .status()
        .expect("a C compiler, which Rust's linker is");
    assert!(status.success());
    library
}

/// Writes a line that is seen even where the test passes: how much of something could not be run.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
