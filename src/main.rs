//! The program: hands its words to the library, prints an error once, exits.

#![cfg_attr(unix, no_main)]

use std::ffi::OsString;

fn run(words: Vec<OsString>) -> i32 {
    entra_psql::run(words).unwrap_or_else(|failure| {
        entra_psql::report::tell(&failure);
        failure.exit_code()
    })
}

// The compiler's unwinder goes into the program: as a library of its own it costs every start the loader's work, and a
// program that aborts on panics has little use for it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "names a library, and nothing in it")]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

/// C's `main`: Rust's own start-up would have SIGPIPE ignored and closed standard files opened, and psql,
/// which this process becomes, would inherit both.
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
    run(words)
}

#[cfg(not(unix))]
fn main() {
    std::process::exit(run(std::env::args_os().skip(1).collect()));
}
