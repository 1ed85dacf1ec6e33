//! The program: argv in, exit code out.

#![cfg_attr(unix, no_main)]
#![deny(clippy::disallowed_methods)]

#[cfg(unix)]
use std::ffi::OsString;

// The compiler's unwinder goes into the program: as a library of its own it costs every start the
// loader's work, and a program that aborts on panics has little use for it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "names a library, and nothing in it")]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

/// C's `main`: Rust's own start-up would have SIGPIPE ignored and closed standard files opened, and
/// psql, which this process becomes, would inherit both.
#[cfg(unix)]
#[expect(unsafe_code, reason = "C's entry point and its arguments")]
#[unsafe(no_mangle)]
extern "C" fn main(
    count: std::ffi::c_int,
    words: *const *const std::ffi::c_char,
) -> std::ffi::c_int {
    use std::ffi::CStr;
    use std::os::unix::ffi::OsStringExt as _;

    let count = usize::try_from(count).unwrap_or_default();
    let words = (1..count)
        .map(|at| {
            // SAFETY: C hands `count` strings to main, each with a NUL at its end.
            let word = unsafe { CStr::from_ptr(*words.add(at)) };
            OsString::from_vec(word.to_bytes().to_vec())
        })
        .collect();
    entra_psql::run(words)
}

#[cfg(not(unix))]
fn main() {
    #[expect(clippy::disallowed_methods, reason = "here the arguments come in")]
    let words = std::env::args_os().skip(1).collect();
    std::process::exit(entra_psql::run(words));
}
