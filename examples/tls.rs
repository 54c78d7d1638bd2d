//! A server that speaks TLS, a client that trusts its certificate, and a new certificate while both go on.
//!
//! ```sh
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout key.pem -out cert.pem \
//!     -subj /CN=localhost -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1
//! cargo run --no-default-features --features tls --example tls
//! ```
//!
//! Make another certificate with the first command, and press Enter: the next client is shown the new one.

use plainws::{Client, ClientTls, Server, ServerTls, WebSocket};
use std::error::Error;
use std::path::Path;
use std::{fs, io, thread};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";

fn main() -> Result<()> {
    let tls = tls(CERTIFICATE, KEY)?;
    let server = server("127.0.0.1:8000", &tls)?;
    thread::spawn(move || server.serve());
    say_hello()?;
    for line in io::stdin().lines() {
        line?;
        match renew(&tls, CERTIFICATE, KEY) {
            Ok(()) => say_hello()?,
            Err(error) => println!("the certificate stays the one before: {error}"),
        }
    }
    Ok(())
}

pub(crate) fn tls(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<ServerTls> {
    Ok(ServerTls::from_pem(
        &fs::read(certificate)?,
        &fs::read(key)?,
    )?)
}

/// What the server has is a clone, which shares the certificate. Nothing changes if one of the files is bad.
pub(crate) fn renew(
    tls: &ServerTls,
    certificate: impl AsRef<Path>,
    key: impl AsRef<Path>,
) -> Result<()> {
    Ok(tls.renew(&fs::read(certificate)?, &fs::read(key)?)?)
}

pub(crate) fn server(address: &str, tls: &ServerTls) -> plainws::Result<Server> {
    Ok(Server::bind(address)?
        .tls(tls.clone())
        .route("/", |ws| -> plainws::Result<()> {
            for message in ws.messages() {
                ws.send(message?)?;
            }
            Ok(())
        }))
}

/// Connects to a server whose certificate nobody but itself has signed.
pub(crate) fn client(url: &str, trusted: impl AsRef<Path>) -> Result<WebSocket> {
    let tls = ClientTls::from_pem(&fs::read(trusted)?)?;
    Ok(Client::new(url)?.tls(tls).connect()?)
}

fn say_hello() -> Result<()> {
    let ws = client("wss://localhost:8000/", CERTIFICATE)?;
    ws.send("Hello")?;
    let answer = ws.receive()?.ok_or("the server has closed")?;
    let secured_by = ws.secured_by().unwrap_or_default();
    println!("{answer} over {secured_by}");
    Ok(())
}
