//! What a check found: data, for [`super::render`] to write.

use crate::plain_text;

/// A link of the chain from a command line to a session, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// This program.
    Version,
    /// psql and its libpq.
    Psql,
    /// The Azure CLI and its account.
    Az,
    /// What was decided about this command line.
    Decision,
    /// The server's name in the DNS.
    Name,
    /// The server's port.
    Port,
    /// The server's TLS and its certificate.
    Tls,
    /// Where tokens come from, as the network has it.
    Authority,
    /// Where names are looked up, as the network has it.
    Graph,
    /// The token.
    Token,
    /// The role's name.
    Role,
    /// The membership of the group that the role is.
    Group,
    /// A session, opened by psql.
    SignIn,
}

impl Link {
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

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Ok,
    /// It holds, or may hold, but deserves a look.
    Warn,
    /// Broken.
    Fail,
    /// Not checked.
    Skip,
}

impl Status {
    /// The word for it, legible without colour.
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
    /// How it is.
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

    /// A link that is as it should be.
    pub fn ok(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Ok, found.as_ref())
    }

    /// A link that deserves a look.
    pub fn warn(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Warn, found.as_ref())
    }

    /// A broken link.
    pub fn fail(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Fail, found.as_ref())
    }

    /// A link that there is no need to check.
    pub fn skip(link: Link, found: impl AsRef<str>) -> Self {
        Self::new(link, Status::Skip, found.as_ref())
    }

    /// A link that cannot be checked, `because` of another one.
    pub fn unchecked(link: Link, because: impl AsRef<str>) -> Self {
        let because = because.as_ref();
        Self::new(
            link,
            Status::Skip,
            &format!("not checked, because {because}"),
        )
    }

    /// The same finding with one more remedy.
    pub fn remedy(mut self, remedy: impl AsRef<str>) -> Self {
        self.remedies.push(plain_text::clean(remedy.as_ref()));
        self
    }

    /// The same finding with more remedies.
    pub fn remedies<S: AsRef<str>>(self, remedies: impl IntoIterator<Item = S>) -> Self {
        remedies.into_iter().fold(self, Self::remedy)
    }

    /// Whether nothing that leans on this link can hold.
    pub fn is_broken(&self) -> bool {
        self.status == Status::Fail
    }
}

/// What was found of every link that was looked at.
#[derive(Debug)]
pub struct Report {
    /// The findings, in the order of [`Link`].
    pub findings: Vec<Finding>,
    /// The names of the variables that play a part.
    pub variables: Vec<String>,
}

impl Report {
    /// Whether a sign-in works: one did.
    pub fn works(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.link == Link::SignIn && finding.status == Status::Ok)
    }

    /// The names of the broken links.
    pub fn broken(&self) -> Vec<&'static str> {
        let broken = self.findings.iter().filter(|finding| finding.is_broken());
        broken.map(|finding| finding.link.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_made_presentable() {
        let finding = Finding::ok(
            Link::Token,
            "a\tb\u{1b}[31m eyJhbGciOi.eyJhdWQi.c2ln, and on",
        )
        .remedy("\"eyJ0.x.y\"\nz");
        assert_eq!(finding.found, "a b [31m (hidden), and on");
        assert_eq!(finding.remedies, ["\"(hidden)\" z"]);
    }
}
