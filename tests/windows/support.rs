//! What the tests about Windows need of a user.

use std::thread;
use std::time::{Duration, Instant};

use sandbox::Identity;

use crate::user::{Ran, User};
use crate::wine::{self, Account, Wine};

/// A test, by its name.
pub type Test = (&'static str, fn());

/// The server's name.
pub const HOST: &str = "mydb.postgres.database.azure.com";

/// The versions of psql that there are.
pub const VERSIONS: [&str; 2] = ["16", "18"];

/// Longer than anything takes that is not stuck.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Somebody signed in to az as `identity`, whose psql is of this version.
pub fn signed_in(version: &str, identity: Identity) -> User {
    before_server(User::signed_in(identity), version)
}

/// Somebody whom az does not know.
pub fn nobody(version: &str) -> User {
    before_server(User::nobody(), version)
}

/// With the server in the environment, and our program on `PATH`.
fn before_server(mut user: User, version: &str) -> User {
    let account = user.windows.as_mut().expect("an account of Windows");
    account.psql = account.wine.psql.join(version);
    let path = wine::path(user.home.path());
    let (port, roots) = (user.sandbox.port().to_string(), user.sandbox.ca_file());
    user.var("PATH", format!("{path}:{}", directory_of_program()))
        .var("PGHOST", HOST)
        .var("PGHOSTADDR", "127.0.0.1")
        .var("PGPORT", port)
        .var("PGSSLROOTCERT", roots)
}

/// Where our program is.
pub fn directory_of_program() -> String {
    let program = &Wine::find().expect("the parts").program;
    let directory = program.parent().expect("a directory");
    directory.display().to_string()
}

impl User {
    /// This user's account.
    pub fn account(&self) -> &Account {
        self.windows.as_ref().expect("an account of Windows")
    }

    /// What Windows calls a path below the home directory.
    pub fn windows_path(&self, path: &str) -> String {
        wine::windows(&self.home.path().join(path))
    }

    /// Runs a batch file of these lines, in the place of psql.
    pub fn run_batch(self, lines: &[&str]) -> Ran {
        let user = self.file("batch.cmd", &(lines.join("\r\n") + "\r\n"));
        let batch = user.windows_path("batch.cmd");
        user.args(["--no-entra", "--psql", &batch]).run()
    }
}

impl Ran {
    /// Failed with `code`, and said exactly a cause with `cause` in it and a remedy with `remedy`
    /// in it.
    #[track_caller]
    pub fn fails(&self, code: i32, cause: &str, remedy: &str) {
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{}", self.stderr);
        let said = lines[0]
            .strip_prefix("entra-psql: error: ")
            .expect("a cause");
        let hinted = lines[1]
            .strip_prefix("entra-psql: hint: ")
            .expect("a remedy");
        assert!(said.contains(cause), "{said:?} has no {cause:?}");
        assert!(hinted.contains(remedy), "{hinted:?} has no {remedy:?}");
        assert_eq!(self.stdout, "");
        assert_eq!(self.code, Some(code));
    }
}
