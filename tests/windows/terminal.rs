//! The program at a pseudo-terminal.

use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};

use crate::support::PATIENCE;
use crate::user::User;

pub struct Terminal(PtySession);

impl Terminal {
    /// Starts the program with this user's arguments.
    pub fn of(user: &User) -> Self {
        // Wine's console moves the cursor where a space would be.
        let options = Options::new()
            .timeout_ms(u64::try_from(PATIENCE.as_millis()).ok())
            .strip_ansi_escape_codes(true);
        Self(spawn_with_options(user.command_itself(), options).expect("a terminal"))
    }

    /// Waits until text appears that a pattern matches, and returns what stands before it.
    #[track_caller]
    pub fn shows(&mut self, pattern: &str) -> String {
        let shown = self.0.exp_regex(pattern);
        let (before, _) = shown.unwrap_or_else(|why| panic!("{pattern}: {why}"));
        before
    }

    /// Types a line, and the key that a console wants behind it.
    pub fn enter(&mut self, line: &str) {
        self.0.send(&format!("{line}\r")).expect("a line");
        self.0.flush().expect("a line");
    }

    pub fn interrupt(&mut self) {
        self.0.send_control('c').expect("a Ctrl-C");
    }

    /// Waits for the program's end, and returns what it still said.
    #[track_caller]
    pub fn ends(&mut self) -> String {
        self.0.exp_eof().expect("the end")
    }
}
