fn main() -> plainws::Result<()> {
    let ws = plainws::connect("ws://127.0.0.1:8000/echo")?;
    ws.send("Hello")?;
    if let Some(message) = ws.receive()? {
        println!("{message}");
    }
    Ok(()) // dropping it closes the connection
}
