//! fastwebsockets on one thread, as in its own `examples/echo_server.rs`.

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket, WebSocketError, upgrade};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use plainws_peers::{Gathering, LARGEST};
use std::io;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

fn main() -> io::Result<()> {
    plainws_peers::serve_on_one_thread(|stream| {
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(answer))
            .with_upgrades()
    })
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    tokio::spawn(tokio::task::unconstrained(echo(upgraded)));
    Ok(response)
}

async fn echo(upgraded: upgrade::UpgradeFut) -> Result<(), WebSocketError> {
    let stream = Gathering::new(socket(upgraded.await?));
    let mut websocket = WebSocket::after_handshake(stream, Role::Server);
    websocket.set_max_message_size(LARGEST);
    let mut websocket = FragmentCollector::new(websocket);
    loop {
        let frame = websocket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => break,
            OpCode::Text | OpCode::Binary => websocket.write_frame(frame).await?,
            _ => {}
        }
    }
    Ok(websocket.into_inner().shutdown().await?)
}

/// The socket itself, which is faster than hyper's `dyn` of it.
fn socket(upgraded: WebSocket<TokioIo<Upgraded>>) -> TcpStream {
    let upgraded = upgraded.into_inner().into_inner();
    let parts = upgraded
        .downcast::<TokioIo<TcpStream>>()
        .expect("that is what was accepted");
    assert!(
        parts.read_buf.is_empty(),
        "a message before the answer to the request"
    );
    parts.io.into_inner()
}
