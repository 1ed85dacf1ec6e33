//! What a person who opens the sandbox reads first.

use std::io::{self, IsTerminal as _};

use sandbox::{Identity, Sandbox};

/// Greets a person at a terminal, on standard error, who is about to sign in as the group `role`.
pub fn greet(sandbox: &Sandbox, identity: Identity, role: &str) {
    if io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal() {
        eprint!("{}", greeting(sandbox.host(), identity.entry().name, role));
    }
}

fn greeting(host: &str, user: &str, role: &str) -> String {
    format!(
        "You are {user}, and sign in as the group \"{role}\".
The server is {host}, on this machine only.

Try:
  \\conninfo                                         show how you are connected
  select * from pgaadauth_list_principals(false);   list the roles and their identities
  \\c app                                            connect to another database

To leave, type \\q. That removes the server and everything in it.
To check each step of the sign-in, run: cargo run -p sandbox -- --doctor

"
    )
}
