//! Holds nothing: a package needs a library or a program, and this one has only tests. They are in `main.rs`.
