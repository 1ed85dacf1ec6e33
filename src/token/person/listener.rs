//! Waits on the loopback address for the browser to bring a code.
//!
//! Anyone on this machine can connect to it, and any page in the browser can send requests to it.
//! So it only answers a short `GET` of the redirect's path under its own name and port, and only a
//! request with the right state ends the wait. Other users of this machine may read the state in
//! the browser's arguments and sign in as themselves instead, so their connections are refused.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use oauth2::CsrfToken;
use oauth2::url::form_urlencoded;
use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::peer;

/// More than any browser sends before the body. Entra's codes have one to two thousand bytes.
const LONGEST_HEAD: usize = 32 * 1024;

/// How long a request and its answer may take.
const TALK_TIME: Duration = Duration::from_secs(10);

/// How many connections may be open at a time: browsers open some that they don't use.
const MOST_CONNECTIONS: usize = 32;

pub enum Answer {
    /// An authorization code. It is a secret, so this has no `Debug`.
    Code(String),
    /// The reason that there is none.
    Refused(String),
}

pub struct Listener {
    listener: TcpListener,
    port: u16,
}

impl Listener {
    pub async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the answer that goes with `state`, and closes the listener. Anything else is
    /// refused, and the wait goes on.
    pub async fn answer(self, state: &CsrfToken) -> Answer {
        let state: Arc<str> = state.secret().as_str().into();
        let mut talks = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if talks.len() < MOST_CONNECTIONS => {
                    if let Ok((stream, _)) = accepted {
                        talks.spawn(timeout(TALK_TIME, talk(stream, self.port, state.clone())));
                    }
                }
                Some(talk) = talks.join_next() => {
                    // Anything else was too slow, broken off or refused.
                    if let Ok(Ok(Ok(Some(answer)))) = talk {
                        return answer;
                    }
                }
            }
        }
    }
}

/// Reads one request and answers it.
async fn talk(mut stream: TcpStream, port: u16, state: Arc<str>) -> io::Result<Option<Answer>> {
    let mut head = Vec::new();
    while end_of_head(&head).is_none() {
        if head.len() > LONGEST_HEAD {
            head.clear();
            break;
        }
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).await? {
            0 => break,
            count => head.extend_from_slice(&bytes[..count]),
        }
    }
    let mut read = read(&head, port, &state);
    if read.is_ok() && peer::is_strangers(&stream) {
        read = Err(STRANGERS);
    }
    let (status, text) = match &read {
        Ok(Answer::Code(_)) => ("200 OK", "You have signed in, and can close this window."),
        Ok(Answer::Refused(_)) => (
            "200 OK",
            "You have not signed in: see entra-psql for the reason. You can close this window.",
        ),
        Err(HttpRefusal { status, text }) => (*status, *text),
    };
    let page = page(text);
    let answer = format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'\r\n\
         Referrer-Policy: no-referrer\r\n\
         Cache-Control: no-store\r\n\
         Connection: close\r\n\r\n{page}",
        page.len()
    );
    // A browser that went away has still brought its code.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    Ok(read.ok())
}

/// Returns a page that loads nothing and runs nothing.
fn page(text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>entra-psql</title></head>\
         <body><p>{text}</p></body></html>\n"
    )
}

/// Why a request is refused, as its answer.
#[derive(Debug, PartialEq, Eq)]
pub struct HttpRefusal {
    status: &'static str,
    text: &'static str,
}

const MALFORMED: HttpRefusal = HttpRefusal {
    status: "400 Bad Request",
    text: "This isn't a request that a browser makes.",
};

const FOREIGN: HttpRefusal = HttpRefusal {
    status: "421 Misdirected Request",
    text: "This is the address of another site.",
};

const NOT_ALLOWED: HttpRefusal = HttpRefusal {
    status: "405 Method Not Allowed",
    text: "Only GET is answered here.",
};

const NOT_FOUND: HttpRefusal = HttpRefusal {
    status: "404 Not Found",
    text: "There is nothing here.",
};

const WRONG_STATE: HttpRefusal = HttpRefusal {
    status: "400 Bad Request",
    text: "This answer does not belong to the sign-in that is under way.",
};

const STRANGERS: HttpRefusal = HttpRefusal {
    status: "403 Forbidden",
    text: "This sign-in was started by another user of this machine.",
};

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n")
}

/// Reads what the head of a request brings.
pub fn read(head: &[u8], port: u16, state: &str) -> Result<Answer, HttpRefusal> {
    let end = end_of_head(head).ok_or(MALFORMED)?;
    let head = std::str::from_utf8(&head[..end]).map_err(|_| MALFORMED)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(MALFORMED);
    };
    let mut hosts = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, host)| host.trim());
    let own = [format!("localhost:{port}"), format!("127.0.0.1:{port}")];
    // A page whose name was pointed at this address sends its own name.
    let is_own = |host: &str| own.iter().any(|own| own.eq_ignore_ascii_case(host));
    if !hosts.next().is_some_and(is_own) || hosts.next().is_some() {
        return Err(FOREIGN);
    }
    if method != "GET" {
        return Err(NOT_ALLOWED);
    }
    let Some(("/", query)) = target.split_once('?') else {
        return Err(NOT_FOUND);
    };
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    if value("state").as_deref() != Some(state) {
        return Err(WRONG_STATE);
    }
    if let Some(error) = value("error") {
        return Ok(Answer::Refused(value("error_description").unwrap_or(error)));
    }
    value("code")
        .filter(|code| !code.is_empty())
        .map(Answer::Code)
        .ok_or(MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Result<String, &'static str> {
        match read(head.as_bytes(), 7, "s&t") {
            Ok(Answer::Code(code)) => Ok(code),
            Ok(Answer::Refused(why)) => Ok(format!("refused: {why}")),
            Err(refusal) => Err(refusal.text),
        }
    }

    #[test]
    fn only_our_own_redirect_is_read() {
        let get = |target: &str| {
            parse(&format!(
                "GET {target} HTTP/1.1\r\nhost: LOCALHOST:7\r\n\r\n"
            ))
        };
        assert_eq!(get("/?code=a%2Bb&state=s%26t"), Ok("a+b".to_owned()));
        assert_eq!(
            get("/?error=e&error_description=AADSTS1:+no&state=s%26t"),
            Ok("refused: AADSTS1: no".to_owned())
        );
        assert_eq!(get("/?error=e&state=s%26t"), Ok("refused: e".to_owned()));
        assert_eq!(get("/?code=a&state=s"), Err(WRONG_STATE.text));
        assert_eq!(get("/?code=a"), Err(WRONG_STATE.text));
        assert_eq!(get("/?code=&state=s%26t"), Err(MALFORMED.text));
        assert_eq!(get("/favicon.ico"), Err(NOT_FOUND.text));
        assert_eq!(get("/other?code=a&state=s%26t"), Err(NOT_FOUND.text));
    }

    #[test]
    fn foreign_and_broken_requests_are_refused() {
        let good = "/?code=a&state=s%26t";
        for (head, refusal) in [
            (
                format!("GET {good} HTTP/1.1\r\nHost: 127.0.0.1:7\r\n\r\n"),
                None,
            ),
            (
                format!("GET {good} HTTP/1.1\r\nHost: evil.example:7\r\n\r\n"),
                Some(FOREIGN),
            ),
            (
                format!("GET {good} HTTP/1.1\r\nHost: localhost:8\r\n\r\n"),
                Some(FOREIGN),
            ),
            (
                format!("GET {good} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                Some(FOREIGN),
            ),
            (format!("GET {good} HTTP/1.1\r\n\r\n"), Some(FOREIGN)),
            (
                format!("GET {good} HTTP/1.1\r\nHost: localhost:7\r\nHost: evil\r\n\r\n"),
                Some(FOREIGN),
            ),
            (
                format!("POST {good} HTTP/1.1\r\nHost: localhost:7\r\n\r\n"),
                Some(NOT_ALLOWED),
            ),
            (
                format!("GET {good} HTTP/1.1\r\nHost: localhost:7\r\n"),
                Some(MALFORMED),
            ),
            (
                format!("GET  {good} HTTP/1.1\r\nHost: localhost:7\r\n\r\n"),
                Some(MALFORMED),
            ),
            ("\u{1}\r\n\r\n".to_owned(), Some(MALFORMED)),
            (String::new(), Some(MALFORMED)),
        ] {
            let refused = parse(&head).err();
            assert_eq!(refused, refusal.map(|refusal| refusal.text), "{head:?}");
        }
    }
}
