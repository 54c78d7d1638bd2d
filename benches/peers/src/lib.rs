//! What the echo servers in `src/bin` share. Each binary is one server. `--listen ADDRESS` says where it listens,
//! `--no-gathering` lets it write each answer by itself, as the examples of its library do.

mod gathering;

pub use gathering::Gathering;
use std::io;
use std::net::TcpListener;

/// The largest message that every server accepts, in bytes: more than the largest that is sent.
pub const LARGEST: usize = 32 << 20;

/// Binds to the address that the command line gives, or to a free port, and says where on standard output.
///
/// # Errors
/// If the address cannot be bound.
pub fn listener() -> io::Result<TcpListener> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--listen");
    let address = arguments.nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}
