//! Driving the real program: building it, giving it a site of its own, serving, speaking to it, ending it.

pub(crate) mod conversations;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod program;
pub(crate) mod records;
pub(crate) mod seeded;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod traffic;
pub(crate) mod upstream;
pub(crate) mod witness;

/// Prints a figure that a test measured; `cargo xtask test` shows it under its table.
#[expect(clippy::print_stdout, reason = "figures are what the harnesses are for")]
pub(crate) fn note(figure: &str) {
    println!("\nfigure: {figure}");
}
