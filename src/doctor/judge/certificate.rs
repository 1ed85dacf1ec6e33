//! Judges a server's TLS as psql would: the name, dates and chain of its certificate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::doctor::finding::{Finding, Link};
use crate::doctor::look::roots::{RootSource, Roots};
use crate::doctor::look::server::Server;
use crate::doctor::look::tls::{Shown, TlsError};
use crate::doctor::look::within;

use super::root;

/// With fewer days left, a certificate needs attention: Azure's are renewed long before.
const FEW_DAYS: u64 = 7;

/// The year 9999: every certificate has expired by then.
const LATEST: Duration = Duration::from_secs(253_370_764_800);

const DAY: u64 = 24 * 3600;

/// What psql will check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Nothing: `require` without roots.
    Nothing,
    /// The chain: `verify-ca`.
    Chain,
    /// The chain and the name: `verify-full`.
    All,
}

/// Judges the server's TLS.
pub fn judge(server: &Server, checks: Checks, roots: &Roots, now: SystemTime) -> Finding {
    match &server.tls {
        None => Finding::unchecked(Link::Tls, "there is no connection"),
        Some(Err(trouble)) => no_tls(server, trouble),
        Some(Ok(shown)) => judge_certificate(server, shown, checks, roots, now),
    }
}

fn no_tls(server: &Server, trouble: &TlsError) -> Finding {
    let at = format!("`{}` port {}", server.host, server.port);
    match trouble {
        TlsError::PlainText => Finding::fail(Link::Tls, format!("{at} does not support TLS, and a token is only sent over TLS"))
            .remedy("check the server and the port: Azure's servers support TLS, and a tunnel or proxy in between must pass it on"),
        TlsError::Silent => Finding::fail(Link::Tls, format!("{at} accepts connections and did not answer {}", within(server.time)))
            .remedy("check that this is PostgreSQL's port, and that nothing in between holds the connection back"),
        TlsError::Stranger => Finding::fail(Link::Tls, format!("{at} does not answer as a PostgreSQL server does"))
            .remedy("check the server and the port: PostgreSQL's default is 5432"),
        TlsError::Broken(why) => Finding::fail(Link::Tls, format!("{at}: the TLS handshake failed: {why}"))
            .remedy("check that nothing in between cuts the connection, and that the server supports TLS 1.2 or later"),
    }
}

fn judge_certificate(
    server: &Server,
    shown: &Shown,
    checks: Checks,
    roots: &Roots,
    now: SystemTime,
) -> Finding {
    let Some((own, others)) = shown.chain.split_first() else {
        return Finding::warn(Link::Tls, format!("`{}` sent no certificate", server.host));
    };
    let Ok(certificate) = EndEntityCert::try_from(own) else {
        return Finding::warn(
            Link::Tls,
            format!(
                "the certificate of `{}` cannot be read here: psql decides",
                server.host
            ),
        );
    };
    let names = names(&certificate);
    let issuer =
        common_name(certificate.issuer()).unwrap_or_else(|| "an unnamed authority".to_owned());
    let protocol = shown.protocol;
    let days = days_left(&certificate, now);
    let left = match days {
        Some(days) => format!(", {days} days left"),
        None => String::new(),
    };
    let found = format!(
        "{protocol}, a certificate for `{}`, issued by `{issuer}`{left}",
        names.join("`, `")
    );
    let chain = chain(&certificate, own, others, roots, now);
    let name = names.iter().any(|name| fits(name, &server.host));
    if checks == Checks::Nothing {
        let finding = if name && matches!(chain, Chain::Holds(_)) {
            Finding::ok
        } else {
            Finding::warn
        };
        return finding(
            Link::Tls,
            format!("{found}; `sslmode=require` checks neither name nor chain"),
        )
        .remedy("leave `sslmode` unset: `verify-full` makes the server prove its name");
    }
    let is_unknown = roots.place == RootSource::Unknown;
    let held = roots.certificates.as_deref().unwrap_or_default();
    let roots = shown_place(&roots.place);
    let end = match chain {
        Chain::Holds(end) => end,
        Chain::NoRoots(why) => {
            return Finding::fail(Link::Tls, format!("{found}; the roots in {roots} cannot be read: {why}"))
                .remedy("set `PGSSLROOTCERT` to a file of roots that you can read, or unset it to use the system's");
        }
        Chain::Expired(ago) => {
            return Finding::fail(
                Link::Tls,
                format!(
                    "{found}; it or one in its chain expired {} days ago",
                    ago.as_secs() / DAY
                ),
            )
            .remedy(
                "check this machine's clock; if it is right, the server's certificate must be renewed",
            );
        }
        Chain::NotYet => {
            return Finding::fail(Link::Tls, format!("{found}; it is not valid yet"))
                .remedy("check this machine's clock");
        }
        Chain::Unknown => {
            let end = root::name(own, others);
            let about = end
                .as_ref()
                .map_or_else(String::new, |end| format!("; its chain ends in `{end}`"));
            let finding = Finding::fail(
                Link::Tls,
                format!("{found}{about}; no root in {roots} leads to it"),
            );
            if let Some(retired) = end.and_then(|end| root::remedy(&end, held)) {
                return finding.remedy(retired);
            }
            return finding
                .remedy("to use the system's roots, unset `PGSSLROOTCERT` and remove `~/.postgresql/root.crt`; keep them up to date (`ca-certificates`)")
                .remedy(format!("if `{issuer}` inspects your network's traffic, have the database exempted, or install its root"));
        }
        Chain::Unsure(why) => {
            return Finding::warn(
                Link::Tls,
                format!("{found}; the chain cannot be checked here ({why}): psql decides"),
            )
            .remedies(is_unknown.then_some(
                "unset `PGSSLROOTCERT` to use the system's roots, in a form that this psql supports",
            ));
        }
    };
    if !name && checks == Checks::All {
        return Finding::fail(Link::Tls, format!("{found}; none of these names is `{}`", server.host))
            .remedy("connect by a name in the certificate; if that name leads elsewhere, set the address with `PGHOSTADDR`");
    }
    let end = end.map_or_else(String::new, |end| format!("its chain ends in `{end}`, "));
    let found = format!("{found}; {end}trusted by the roots in {roots}");
    if days.is_some_and(|days| days < FEW_DAYS) {
        return Finding::warn(Link::Tls, found).remedy("renew the server's certificate soon");
    }
    Finding::ok(Link::Tls, found)
}

fn shown_place(place: &RootSource) -> String {
    match place {
        RootSource::System => "the system's store".to_owned(),
        RootSource::OpenSsl(_) => "the store of psql's OpenSSL".to_owned(),
        RootSource::Unknown => "`system`".to_owned(),
        RootSource::File(file) => format!("`{}`", file.display()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Chain {
    /// The name of the root that it ends in.
    Holds(Option<String>),
    Expired(Duration),
    NotYet,
    Unknown,
    NoRoots(String),
    /// psql's own library may judge it otherwise.
    Unsure(String),
}

fn chain(
    certificate: &EndEntityCert<'_>,
    own: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    roots: &Roots,
    now: SystemTime,
) -> Chain {
    let roots = match &roots.certificates {
        Ok(roots) => roots,
        Err(why) if roots.place == RootSource::Unknown => return Chain::Unsure(why.clone()),
        Err(why) => return Chain::NoRoots(why.clone()),
    };
    let anchors: Vec<_> = roots
        .iter()
        .filter_map(|root| anchor_from_trusted_cert(root).ok())
        .collect();
    let time = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    match verify(certificate, others, &anchors, time) {
        Ok(end) => Chain::Holds(end),
        Err(Error::CertExpired { time, not_after }) => {
            Chain::Expired(Duration::from_secs(time.as_secs() - not_after.as_secs()))
        }
        Err(Error::CertNotValidYet { .. }) => Chain::NotYet,
        // OpenSSL accepts a certificate that is itself among the roots.
        Err(_) if roots.iter().any(|root| root == own) => Chain::Holds(None),
        // A root of the same name with another key is a different root.
        Err(Error::UnknownIssuer | Error::InvalidSignatureForPublicKey) => Chain::Unknown,
        Err(why) => Chain::Unsure(why.to_string()),
    }
}

/// Returns the name of the root that the chain ends in.
fn verify(
    certificate: &EndEntityCert<'_>,
    others: &[CertificateDer<'_>],
    anchors: &[TrustAnchor<'_>],
    time: UnixTime,
) -> Result<Option<String>, Error> {
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    certificate
        .verify_for_usage(
            algorithms.all,
            anchors,
            others,
            time,
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map(|path| common_name(&path.anchor().subject))
}

/// Returns how many days the certificate has left. A check at the end of time reports its end.
fn days_left(certificate: &EndEntityCert<'_>, now: SystemTime) -> Option<u64> {
    let refused = verify(certificate, &[], &[], UnixTime::since_unix_epoch(LATEST)).err()?;
    let Error::CertExpired { not_after, .. } = refused else {
        return None;
    };
    let end = UNIX_EPOCH + Duration::from_secs(not_after.as_secs());
    Some(end.duration_since(now).unwrap_or_default().as_secs() / DAY)
}

/// Returns the names that a certificate is for: its alternative names, or its common name if there
/// are none, as in libpq (`pgtls_verify_peer_name_matches_certificate_guts`).
fn names(certificate: &EndEntityCert<'_>) -> Vec<String> {
    let names: Vec<_> = certificate.valid_dns_names().map(str::to_owned).collect();
    if names.is_empty() {
        return common_name(certificate.subject()).into_iter().collect();
    }
    names
}

/// Whether a certificate's name is `host`, in any case. A `*` stands for its first label.
fn fits(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => host
            .split_once('.')
            .is_some_and(|(first, parent)| !first.is_empty() && parent.eq_ignore_ascii_case(rest)),
        None => name.eq_ignore_ascii_case(host),
    }
}

/// Returns the common name in an encoded name, else its organisation: a short string after the
/// attribute's identifier (X.520: 2.5.4.3 and 2.5.4.10).
pub(super) fn common_name(encoded: &[u8]) -> Option<String> {
    let attribute = |number| {
        let identifier = [6, 3, 0x55, 4, number];
        let at = encoded.windows(5).position(|window| window == identifier)?;
        let [_, length, rest @ ..] = &encoded[at + 5..] else {
            return None;
        };
        let text = rest.get(..usize::from(*length)).filter(|_| *length < 128)?;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    attribute(3).or_else(|| attribute(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_label() {
        for (name, host, fit) in [
            ("a.example", "A.Example", true),
            ("*.example", "a.example", true),
            ("*.example", "a.b.example", false),
            ("*.example", "example", false),
            ("a.example", "b.example", false),
        ] {
            assert_eq!(fits(name, host), fit, "{name} {host}");
        }
    }

    #[test]
    fn names_are_read_out_of_their_encoding() {
        let encoded = [
            0x31, 12, 0x30, 10, 6, 3, 0x55, 4, 3, 0x0c, 3, b'a', b'b', b'c',
        ];
        assert_eq!(common_name(&encoded).as_deref(), Some("abc"));
        assert_eq!(common_name(&encoded[..12]), None);
        assert_eq!(common_name(&[]), None);
    }
}
