use plainws::{Server, WebSocket};

fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
    for message in ws.messages() {
        ws.send(message?)?;
    }
    Ok(())
}

fn main() -> plainws::Result<()> {
    Server::bind("127.0.0.1:8000")?.route("/echo", echo).serve();
    Ok(())
}
