//! Lets in who brings a token, before the connection is opened, and tells the handler who that is.
//!
//! ```sh
//! cargo run --no-default-features --example auth
//! cargo run -- connect ws://127.0.0.1:8000/
//! cargo run -- connect ws://127.0.0.1:8000/ --header 'Authorization: Bearer open-sesame'
//! ```
//!
//! A page cannot set that header, but its browser sends cookies: open http://127.0.0.1:8000/login?open-sesame

use plainws::{Admission, Applicant, Page, Request, Result, Server, WebSocket};

/// Who may come in. Real tokens are long, random, and looked up where nobody can guess them byte by byte.
const USERS: [(&str, &str); 2] = [("open-sesame", "Ali"), ("swordfish", "Groucho")];

#[derive(Clone, Copy)]
struct User {
    token: &'static str,
    name: &'static str,
}

fn main() -> Result<()> {
    server("127.0.0.1:8000")?.serve();
    Ok(())
}

pub(crate) fn server(address: &str) -> Result<Server> {
    Ok(Server::bind(address)?
        .admit(admit)
        .route("/", greet)
        .page_with("/", home)
        .page_with("/login", log_in)
        .page(
            "/script.js",
            Page::new("text/javascript", SCRIPT.as_bytes()),
        ))
}

/// Asked about each connection before the handshake is answered. A page of another site, with the visitor's cookie,
/// does not come this far: its Origin is refused before ([`Server::allow_origin`]).
fn admit(applicant: &Applicant<'_>) -> std::result::Result<Admission, Page> {
    match user(applicant.request) {
        Some(user) => Ok(Admission::default().extension(user)),
        None => Err(who_are_you()),
    }
}

fn greet(ws: &mut WebSocket) -> Result<()> {
    let name = ws.extension::<User>().map_or("nobody", |user| user.name);
    ws.send(format!("Welcome, {name}!"))?;
    for message in ws.messages() {
        ws.send(format!("{name}: {}", message?))?;
    }
    Ok(())
}

fn home(request: &Request) -> Page {
    match user(request) {
        Some(_) => Page::html(HOME),
        None => who_are_you(),
    }
}

/// Turns the token of the query into a cookie, which scripts cannot read and other sites' pages do not send.
fn log_in(request: &Request) -> Page {
    let Some(user) = request.query().and_then(user_of) else {
        return who_are_you();
    };
    let cookie = format!("token={}; Path=/; HttpOnly; SameSite=Strict", user.token);
    Page::text("")
        .status(303)
        .header("Location", "/")
        .header("Set-Cookie", &cookie)
}

/// RFC 9110 §11.6.1: a 401 says how to answer it.
fn who_are_you() -> Page {
    Page::refusal(401, "bring a token").header("WWW-Authenticate", "Bearer")
}

fn user(request: &Request) -> Option<User> {
    let header = request.header("Authorization");
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    user_of(token.or_else(|| cookie(request, "token"))?)
}

fn user_of(token: &str) -> Option<User> {
    let (token, name) = *USERS.iter().find(|(known, _)| *known == token)?;
    Some(User { token, name })
}

/// RFC 6265 §4.2.1: `name=value; other=value`.
fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let cookies = request.header("Cookie")?.split("; ");
    let mut pairs = cookies.filter_map(|cookie| cookie.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

const HOME: &str = r#"<!doctype html><meta charset="utf-8"><title>Members only</title>
<pre id="log"></pre><script src="/script.js"></script>"#;

const SCRIPT: &str = r"const ws = new WebSocket(location.href.replace('http', 'ws'));
ws.onmessage = event => { document.getElementById('log').textContent += event.data + '\n'; };
";
