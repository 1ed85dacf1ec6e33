//! All links, if psql connects without a token.

use std::sync::mpsc::channel;
use std::thread;

use crate::cli::Options;
use crate::intent::WithoutToken;
use crate::libpq::connection::PASSWORD;
use crate::system::deadline::Deadline;
use crate::system::threads;
use crate::token::azure_cli;

use super::finding::{Finding, Link};
use super::judge::refusal::Who;
use super::judge::{network, programs, session};
use super::reporter::Reporter;
use super::{Checkup, locate, look};

impl Checkup<'_> {
    pub(super) fn examine_without_token(
        &self,
        flags: &Options,
        why: &WithoutToken,
        reporter: &mut Reporter,
    ) {
        let psql = locate(flags.psql.as_deref(), self.environment);
        let psql = psql.map(|program| {
            let deadline = Deadline::after(self.time);
            look::programs::check_psql(program, self.environment, deadline)
        });
        let finding = programs::psql(&psql);
        let psql = psql.ok().filter(|_| !finding.is_broken());
        reporter.add(finding);
        let az = azure_cli::TOOL.find(self.environment);
        reporter.add(programs::az_aside(az.as_deref(), "no token is due"));
        reporter.add(
            Finding::ok(Link::Decision, format!("no token is due: {}", why.reason))
                .remedy("if the server wants a token all the same, say so with `--entra`"),
        );
        self.report_servers(reporter);
        reporter.add(Finding::skip(Link::Tls, "psql's own, by `sslmode`"));
        let of_tokens = [
            Link::Authority,
            Link::Graph,
            Link::Token,
            Link::Role,
            Link::Group,
        ];
        reporter.add_all(of_tokens.map(|link| Finding::skip(link, "no token is due")));
        reporter.add(match psql {
            _ if self.wanted.asks_password => {
                Finding::unchecked(Link::SignIn, "`-W` has psql ask for a password")
            }
            None => Finding::unchecked(Link::SignIn, "`psql` is broken"),
            Some(psql) => {
                let arguments = look::session::arguments(self.wanted, None);
                let variables = why
                    .drops_password
                    .then(|| self.environment.without(PASSWORD));
                let variables = variables.as_ref().unwrap_or(self.environment);
                let deadline = Deadline::after(self.time);
                let opened = look::session::open(&psql.program, &arguments, variables, deadline);
                session::judge(&self.hide_secrets(opened), &Who::default())
            }
        });
    }

    /// Reports name and port of each server.
    fn report_servers(&self, reporter: &mut Reporter) {
        thread::scope(|scope| {
            let servers = self.target.hosts().iter().map(|host| {
                let (sender, known) = channel();
                let time = self.time;
                threads::aside(scope, move || {
                    look::server::check(host, false, time, &sender);
                });
                known
            });
            for known in servers.collect::<Vec<_>>() {
                let Ok(server) = known.recv() else { continue };
                reporter.add(network::name(&server));
                let server = known.recv().unwrap_or(server);
                reporter.add(network::port(&server));
            }
        });
    }
}
