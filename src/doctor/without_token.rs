//! All links, if psql connects without a token.

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::cli::Options;
use crate::intent::{WithoutToken, trust};
use crate::libpq::connection::PASSWORD;
use crate::system::deadline::Deadline;
use crate::system::threads;
use crate::token::azure_cli;

use super::finding::{Finding, Link};
use super::judge::session::{self, Who};
use super::judge::{decision, programs};
use super::look::server::Server;
use super::reporter::Reporter;
use super::survey::{is_one_reached, judge_steps, unless};
use super::{Checkup, locate, look};

/// Why a link is not checked.
const NOT_NEEDED: &str = "not needed: psql connects without an access token";

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
        reporter.add(programs::az_aside(az.as_deref(), NOT_NEEDED));
        reporter.add(self.judge_password(flags, why));
        self.report_servers(reporter);
        reporter.add(tls_left_to_psql());
        let of_tokens = [
            Link::Authority,
            Link::Graph,
            Link::Token,
            Link::Role,
            Link::Group,
        ];
        reporter.add_all(of_tokens.map(|link| Finding::skip(link, NOT_NEEDED)));
        reporter.add(match psql {
            _ if self.wanted.asks_password => {
                Finding::unchecked(Link::SignIn, "`-W` makes psql ask for a password")
            }
            None => Finding::unchecked(Link::SignIn, "`psql` failed"),
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

    /// Judges why no token is due. On a host that would get one, only a password keeps it away.
    fn judge_password(&self, flags: &Options, why: &WithoutToken) -> Finding {
        let is_forbidden =
            flags.no_entra || Options::variable_forbids_token(self.environment) == Ok(true);
        let trusted = trust::listed(self.environment);
        let would_get_one = trust::judge(self.target, false, &trusted).any();
        if is_forbidden || !would_get_one || self.wanted.asks_password {
            return decision::no_token(why.reason);
        }
        decision::password(
            self.target,
            why.drops_password || self.target.reads_passfile(),
        )
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
            let servers: Vec<_> = servers.collect();
            if let [known] = &servers[..] {
                reporter.add_all(judge_name_and_port(known));
                return;
            }
            let judged = servers
                .iter()
                .map(|known| judge_name_and_port(known).collect());
            let judged: Vec<Vec<Finding>> = judged.collect();
            let is_reached = is_one_reached(&judged);
            for finding in judged.into_iter().flatten() {
                reporter.add(unless(|| is_reached, finding));
            }
        });
    }
}

/// Judges name and port of a server, each as soon as it is known. Its TLS is not checked.
fn judge_name_and_port(known: &Receiver<Server>) -> impl Iterator<Item = Finding> {
    judge_steps(known, |_| tls_left_to_psql()).take(2)
}

fn tls_left_to_psql() -> Finding {
    Finding::skip(Link::Tls, "left to psql: no access token is sent")
}
