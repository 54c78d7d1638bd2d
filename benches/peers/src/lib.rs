//! What the echo servers in `src/bin` share. Each binary is one server. `--listen ADDRESS` says where it listens,
//! `--no-gathering` lets it write each answer by itself, as the examples of its library do.

mod gathering;

pub use gathering::Gathering;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use tokio::net::TcpStream;

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

/// Gives each connection to `answer`, all of them on this thread.
///
/// # Errors
/// If the address cannot be bound, or no connection can be accepted any more.
pub fn serve_on_one_thread<F>(answer: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = listener()?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(tokio::task::unconstrained(answer(stream)));
        }
    })
}
