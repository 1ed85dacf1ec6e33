//! psql, which reads its own command line and gets the token beside it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::Options;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::handover::launch::{self, Launch};
use crate::handover::renew::Local;
use crate::handover::report;
use crate::handover::variables;
use crate::libpq::connection::PASSWORD;
use crate::libpq::target::Target;
use crate::psql::command_line::Wanted;
use crate::psql::locate;

use super::{Course, Handover, run};

pub struct Psql {
    path: PathBuf,
    words: Vec<OsString>,
}

impl Psql {
    pub fn new(path: PathBuf, words: Vec<OsString>) -> Self {
        Self { path, words }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a command line that Debian's wrapper around psql misreads. It finds `--cluster` in
    /// every argument up to `--`, even in the value of another option, and then connects to another
    /// host (`pg_wrapper` of postgresql-common).
    pub(super) fn check_wrapper(&self) -> Result<(), Failure> {
        let is_cluster = |word: &OsString| {
            let word = word.as_encoded_bytes();
            word == b"--cluster" || word.starts_with(b"--cluster=")
        };
        let mut options = self.words.iter().take_while(|word| *word != "--");
        if !options.any(is_cluster) || !locate::is_script(&self.path) {
            return Ok(());
        }
        let cause = format!(
            "`{}` would read `--cluster` in the value of another option as its own option, and connect elsewhere",
            self.path.display()
        );
        Err(Failure::usage(cause).hint(
            "put SQL that begins with `--cluster` into a file for `-f FILE`, or run psql itself with `--psql /usr/lib/postgresql/VERSION/bin/psql`",
        ))
    }

    /// Returns psql with arguments that connect it to a helper.
    pub(super) fn launch_with_helper(
        self,
        local: &Local,
        wanted: &Wanted,
        target: &Target,
        environment: &Environment,
    ) -> Result<Launch, Failure> {
        let words = local.words(self.words, wanted.database_word.as_deref(), target)?;
        let variables = Local::psql_variables(target, environment);
        Ok(new_launch(self.path, words, Some(variables)))
    }

    pub(super) fn hand_over(self, handover: &Handover<'_>) -> Result<i32, Failure> {
        match &handover.course {
            Course::WithoutToken { why, .. } => {
                let variables = why
                    .drops_password
                    .then(|| handover.environment.without(PASSWORD));
                let launch = new_launch(self.path, self.words, variables);
                run(&launch, handover.options, || report::no_token(why.reason))
            }
            Course::WithToken {
                settings,
                signed_in,
                ..
            } => {
                let words = variables::words(self.words, &signed_in.role);
                let variables =
                    variables::variables(handover.environment, settings, &signed_in.token);
                let launch = new_launch(self.path, words, Some(variables));
                run(&launch, handover.options, || {
                    handover.report(settings.variables())
                })
            }
        }
    }

    /// Runs psql as it would run without entra-psql, for this reason.
    pub fn run_untouched(self, options: &Options, reason: &str) -> Result<i32, Failure> {
        let launch = new_launch(self.path, self.words, None);
        run(&launch, options, || report::no_token(reason))
    }
}

fn new_launch(program: PathBuf, words: Vec<OsString>, environment: Option<Environment>) -> Launch {
    Launch {
        program,
        words,
        environment,
        role: launch::Role::Psql,
    }
}
