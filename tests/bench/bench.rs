//! `cargo bench`: see [`launch`]. The sandbox that it measures in is for Unix.

#[cfg(unix)]
mod contest;
#[cfg(unix)]
mod footprint;
#[cfg(unix)]
mod launch;
#[cfg(unix)]
mod proxy;

fn main() {
    #[cfg(unix)]
    launch::run();
    #[cfg(not(unix))]
    println!("nothing is measured: the sandbox is for Unix");
}
