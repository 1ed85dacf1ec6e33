//! The program: argv in, exit code out.

#![cfg_attr(unix, no_main)]
#![deny(clippy::disallowed_methods)]

#[cfg(unix)]
use std::ffi::OsString;

// The compiler's unwinder is linked into the program. As a separate library it would cost the
// loader time at every start, and a program that aborts on panics hardly uses it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "names a library, and nothing in it")]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

/// C's `main`. Rust's own start-up ignores SIGPIPE and opens standard files that are closed. psql
/// would inherit both, because this process execs it.
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
    let word = |at| {
        // SAFETY: C passes `count` strings to main, each with a NUL at its end.
        let word = unsafe { CStr::from_ptr(*words.add(at)) };
        OsString::from_vec(word.to_bytes().to_vec())
    };
    let name = || if count > 0 { word(0) } else { OsString::new() };
    entra_psql::run((1..count).map(word).collect(), name)
}

#[cfg(not(unix))]
fn main() {
    #[expect(clippy::disallowed_methods, reason = "here the arguments come in")]
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    std::process::exit(entra_psql::run(words.collect(), || name.clone()));
}
