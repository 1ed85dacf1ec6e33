//! What Wine leaves open between Linux and Windows, by its first word:
//!
//! - `to-linux PORT PROGRAM WORDS…` stands for a program that Wine does not run, such as az's
//!   Python: it has the test process that listens on this port run a program of Linux with these
//!   words, its variables and its standard input.
//! - `run PROGRAM WORDS…` runs a program of Windows and ends with its exit code. Wine tells Linux a
//!   wrong one, now and then, of a program that had several threads; this one has one.
//! - `stay` says the names of the variables that Windows gives to everybody, and stays until its
//!   standard input ends, so that the session lasts meanwhile.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{self, Command};
use std::thread;

use bridge::{Kind, receive, send};

fn main() {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let text = |words: &[OsString]| -> Vec<String> {
        let words = words.iter().map(|word| word.to_string_lossy().into_owned());
        words.collect()
    };
    let ended = match words.as_slice() {
        [what, port, words @ ..] if what == "to-linux" => {
            to_linux(&port.to_string_lossy(), &text(words))
        }
        [what, program, words @ ..] if what == "run" => Command::new(program)
            .args(words)
            .status()
            .map(|status| status.code().unwrap_or(1)),
        [what] if what == "stay" => stay().map(|()| 0),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    };
    match ended {
        Ok(code) => process::exit(code),
        Err(why) => {
            eprintln!("bridge: {why}");
            process::exit(1)
        }
    }
}

fn stay() -> io::Result<()> {
    for (name, _) in variables() {
        println!("{name}");
    }
    println!();
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn to_linux(port: &str, words: &[String]) -> io::Result<i32> {
    let port = port.parse().map_err(io::Error::other)?;
    let way = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    way.set_nodelay(true)?;
    for word in words {
        send(&way, Kind::Word, word.as_bytes())?;
    }
    for (name, value) in variables() {
        send(&way, Kind::Variable, format!("{name}={value}").as_bytes())?;
    }
    send(&way, Kind::Run, b"")?;
    let input = way.try_clone()?;
    // It may wait for input that never comes, and is left behind then.
    thread::spawn(move || {
        let mut piece = [0; 8192];
        // Input that cannot be read has ended.
        while let Ok(length) = io::stdin().read(&mut piece)
            && send(&input, Kind::Input, &piece[..length]).is_ok()
            && length > 0
        {}
    });
    loop {
        let (kind, bytes) = receive(&way)?;
        match kind {
            Kind::Output => put(io::stdout(), &bytes)?,
            Kind::Error => put(io::stderr(), &bytes)?,
            Kind::Exit => {
                let code = String::from_utf8_lossy(&bytes).into_owned();
                return code.parse().map_err(io::Error::other);
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// What stands in the environment; not the current directories of drives, which Windows keeps there
/// too.
fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .map(|(name, value)| {
            let text = |text: OsString| text.to_string_lossy().into_owned();
            (text(name), text(value))
        })
        .filter(|(name, _)| !name.starts_with('='))
}

/// Writes text with the ends of line that programs of this system write.
fn put(mut to: impl io::Write, bytes: &[u8]) -> io::Result<()> {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) if cfg!(windows) => to.write_all(&[text, b"\r\n"].concat())?,
            _ => to.write_all(line)?,
        }
    }
    to.flush()
}
