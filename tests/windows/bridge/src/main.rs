//! Stands on Windows for a program that Wine does not run, such as az's Python: `bridge PORT PROGRAM WORDS…` has the test
//! process that listens on this port run a program of Linux with these words, its variables and its standard input.
//!
//! Without words it says the names of the variables that Windows gives to everybody, and stays until its standard input
//! ends, so that the session lasts meanwhile.

use std::env;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process;
use std::thread;

use bridge::{Kind, receive, send};

fn main() {
    let words: Vec<String> = env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let ended = match words.split_first() {
        Some((port, words)) => run(port, words),
        None => stay().map(|()| 0),
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

fn run(port: &str, words: &[String]) -> io::Result<i32> {
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

/// What stands in the environment; not the current directories of drives, which Windows keeps there too.
fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .map(|(name, value)| {
            let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
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
