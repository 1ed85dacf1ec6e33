//! What a check found, as data.

use crate::plain_text;

/// A link of the chain from a command line to a session, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// This program.
    Version,
    /// psql and its libpq.
    Psql,
    /// The Azure CLI and its account.
    Az,
    /// Whether a token is due for this command line, and how to get it.
    Decision,
    /// The server's name in the DNS.
    Name,
    /// The server's port.
    Port,
    /// The server's TLS and its certificate.
    Tls,
    /// Whether the network leads to where tokens are issued.
    Authority,
    /// Whether the network leads to where names are looked up.
    Graph,
    Token,
    /// The role's name.
    Role,
    /// Your membership of the group that you sign in as.
    Group,
    /// A session, opened by psql.
    SignIn,
}

impl Link {
    pub const ALL: [Self; 13] = [
        Self::Version,
        Self::Psql,
        Self::Az,
        Self::Decision,
        Self::Name,
        Self::Port,
        Self::Tls,
        Self::Authority,
        Self::Graph,
        Self::Token,
        Self::Role,
        Self::Group,
        Self::SignIn,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Psql => "psql",
            Self::Az => "az",
            Self::Decision => "decision",
            Self::Name => "name",
            Self::Port => "port",
            Self::Tls => "tls",
            Self::Authority => "authority",
            Self::Graph => "graph",
            Self::Token => "token",
            Self::Role => "role",
            Self::Group => "group",
            Self::SignIn => "sign-in",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    /// It works, or may work, but needs attention.
    Warn,
    /// It does not work.
    Fail,
    /// It was not checked.
    Skip,
}

impl Status {
    /// Returns the word for it, which is clear without colour.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }
}

/// What was found of one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub link: Link,
    pub status: Status,
    /// What was found, in a line.
    pub found: String,
    /// What to do about it, a line each.
    pub remedies: Vec<String>,
}

impl Finding {
    fn new(link: Link, status: Status, found: &str) -> Self {
        Self {
            link,
            status,
            found: plain_text::clean(found),
            remedies: Vec::new(),
        }
    }

    /// A link that works.
    pub fn ok(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Ok, found.as_ref())
    }

    /// A link that works, or may work, but needs attention.
    pub fn warn(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Warn, found.as_ref())
    }

    /// A link that does not work.
    pub fn fail(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Fail, found.as_ref())
    }

    /// A link that there is no need to check.
    pub fn skip(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Skip, found.as_ref())
    }

    /// A link that is not checked, `because` of another one.
    pub fn unchecked(link: Link, because: impl AsRef<str>) -> Self {
        let because = because.as_ref();
        Self::new(link, Status::Skip, &format!("not checked: {because}"))
    }

    /// Returns this finding with one more remedy.
    pub fn remedy(mut self, remedy: impl AsRef<str>) -> Self {
        self.remedies.push(plain_text::clean(remedy.as_ref()));
        self
    }

    /// Returns this finding with more remedies.
    pub fn remedies<S: AsRef<str>>(self, remedies: impl IntoIterator<Item = S>) -> Self {
        remedies.into_iter().fold(self, Self::remedy)
    }

    /// Whether nothing that needs this link can work.
    pub fn is_broken(&self) -> bool {
        self.status == Status::Fail
    }
}

/// What was found of every link.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, in the order of [`Link`].
    pub findings: Vec<Finding>,
    /// The names of the environment variables that matter.
    pub variables: Vec<String>,
}

impl Report {
    /// Whether a session was opened.
    pub fn works(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.link == Link::SignIn && finding.status == Status::Ok)
    }

    /// Returns the names of the links that do not work.
    pub fn broken(&self) -> Vec<&'static str> {
        let broken = self.findings.iter().filter(|finding| finding.is_broken());
        broken.map(|finding| finding.link.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_cleaned() {
        let finding = Finding::ok(
            Link::Token,
            "a\tb\u{1b}[31m eyJhbGciOi.eyJhdWQi.c2ln, and on",
        )
        .remedy("\"eyJ0.x.y\"\nz");
        assert_eq!(finding.found, "a b [31m (hidden), and on");
        assert_eq!(finding.remedies, ["\"(hidden)\" z"]);
    }
}
