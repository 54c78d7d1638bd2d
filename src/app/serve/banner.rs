//! What `plainws serve` says first: where it is, what it serves, how to stop it and how to try it.

use super::files::Files;
use crate::app::listen::{Place, TcpPlace};

use std::env;

/// The text for a server, and for the place where its health and metrics are, if they have one of their own.
pub(super) fn banner(
    places: &[Place],
    prefixes: &[String],
    has_lab: bool,
    files: Option<&Files>,
    is_secure: bool,
) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    let at = |place: &Place| match place {
        Place::Tcp(TcpPlace { address, .. }) => format!("{scheme}://{address}/"),
        #[cfg(unix)]
        Place::Unix(file) => format!("unix:{}", file.path().display()),
    };
    let mut text = format!(
        "plainws serves {}\n\
         \n\
         \x20 /test_websocket, /clock   the time, once a second\n\
         \x20 /test_socket, /echo       each message comes back\n",
        at(&places[0]),
    );
    if has_lab {
        let url = match &places[0] {
            place @ Place::Tcp(_) => format!(": {}lab", at(place)),
            #[cfg(unix)]
            Place::Unix(_) => String::new(),
        };
        text += &format!("  /lab                      every bit that passes{url}\n");
    }
    if let Some(files) = files {
        text += &format!(
            "  /…                        the files of {}\n",
            files.folder()
        );
    }
    for prefix in prefixes {
        text += &format!("  {prefix}/…  the same again\n");
    }
    if let Some(watched) = places.get(1) {
        text += &match watched {
            Place::Tcp(TcpPlace { address, .. }) => format!(
                "\nIts health and metrics: http://{address}/healthz, http://{address}/metrics\n"
            ),
            #[cfg(unix)]
            Place::Unix(_) => {
                format!(
                    "\nIts health and metrics: /healthz and /metrics at {}\n",
                    at(watched)
                )
            }
        };
    }
    text + "\n" + &about(&places[0], is_secure)
}

/// Who reaches it, how it is stopped, and a command to copy. For which host its certificate is, and who trusts that,
/// is not known here, and for a try on this machine it need not be.
fn about(place: &Place, is_secure: bool) -> String {
    match place {
        Place::Tcp(place) => {
            let others: Vec<_> = place.others.iter().map(ToString::to_string).collect();
            let others = match &others[..] {
                [] => String::new(),
                others => format!(
                    "Not on {}, which that name stands for too.\n",
                    others.join(", ")
                ),
            };
            let address = place.reached_at();
            let url = match is_secure {
                true => format!("wss://{address}/echo --insecure"),
                false => format!("ws://{address}/echo"),
            };
            format!(
                "{others}Pages in a browser, WebSocket at the same paths. Ctrl-C stops it.\n\
                 Try it: {} connect {url}\n",
                again(is_secure),
            )
        }
        #[cfg(unix)]
        Place::Unix(file) => format!(
            "{} Ctrl-C stops it.\n\
             Try it: curl --unix-socket {} {}\n",
            file.permissions(),
            quoted(&file.path().display().to_string()),
            match is_secure {
                true => "--insecure https://localhost/",
                false => "http://localhost/",
            },
        ),
    }
}

/// What starts this program once more, with TLS if that is needed: cargo has put it into no path.
fn again(with_tls: bool) -> String {
    if env::var_os("CARGO").is_some() {
        return match with_tls {
            true => "cargo run --features tls --".into(),
            false => "cargo run --".into(),
        };
    }
    let typed = env::args_os().next().unwrap_or_default();
    let typed = typed.to_string_lossy();
    if is_word(&typed) {
        typed.into_owned()
    } else {
        "plainws".into()
    }
}

/// Whether every shell takes this as it is.
fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

/// A word for a shell of Unix.
#[cfg(unix)]
fn quoted(text: &str) -> String {
    if is_word(text) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
