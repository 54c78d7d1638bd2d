//! What `plainws serve` says first: where it is, what it serves, how to stop it and how to try it.

use super::files::Files;
#[cfg(unix)]
use crate::app::listen::Name;
use crate::app::listen::{Place, TcpPlace};

use std::env;

/// The text for a server at these places, and for where its health and metrics are, if they have a place of their own.
pub(super) fn banner(
    places: &[Place],
    watched: Option<&Place>,
    prefixes: &[String],
    has_lab: bool,
    files: Option<&Files>,
    is_secure: bool,
) -> String {
    let scheme = if is_secure { "https" } else { "http" };
    let at = |place: &Place| match place {
        Place::Tcp(TcpPlace { address, .. }) => format!("{scheme}://{address}/"),
        #[cfg(unix)]
        Place::Unix(place) => place.name.to_string(),
    };
    let all: Vec<_> = places.iter().map(at).collect();
    let mut text = format!(
        "plainws serves {}\n\
         \n\
         \x20 /test_websocket, /clock   the time, once a second\n\
         \x20 /test_socket, /echo       each message comes back\n",
        all.join("\n               "),
    );
    if has_lab {
        let is_tcp = |place: &&Place| matches!(place, Place::Tcp(_));
        let url = places.iter().find(is_tcp).map(at);
        let url = url.map_or(String::new(), |url| format!(": {url}lab"));
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
    if let Some(watched) = watched {
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
    text + "\n" + &about(places, is_secure)
}

/// Who reaches it, how it is stopped, and a command to copy.
fn about(places: &[Place], is_secure: bool) -> String {
    let mut text = String::new();
    let tcp: Vec<_> = places.iter().filter_map(Place::tcp).collect();
    for place in &tcp {
        let others: Vec<_> = place.others.iter().map(ToString::to_string).collect();
        if !others.is_empty() {
            let others = others.join(", ");
            text += &format!("Not on {others}, which that name stands for too.\n");
        }
    }
    #[cfg(unix)]
    for place in places {
        if let Place::Unix(place) = place {
            text += &match places {
                [_] => format!("{} ", place.permissions),
                _ => format!("{}\n  {}\n", place.name, place.permissions),
            };
        }
    }
    if !tcp.is_empty() {
        text += "Pages in a browser, WebSocket at the same paths. ";
    }
    text += "Ctrl-C stops it.\n";
    let command = tcp.first().map(|place| try_tcp(place, is_secure));
    #[cfg(unix)]
    let command = command.or_else(|| {
        places.iter().find_map(|place| match place {
            Place::Unix(place) => Some(try_unix(&place.name, is_secure)),
            Place::Tcp(_) => None,
        })
    });
    text + &format!("Try it: {}\n", command.unwrap_or_default())
}

/// For which host its certificate is, and who trusts that, is not known here, and for a try on this machine it need
/// not be.
fn try_tcp(place: &TcpPlace, is_secure: bool) -> String {
    let address = place.reached_at();
    let url = match is_secure {
        true => format!("wss://{address}/echo --insecure"),
        false => format!("ws://{address}/echo"),
    };
    format!("{} connect {url}", again(is_secure))
}

#[cfg(unix)]
fn try_unix(name: &Name, is_secure: bool) -> String {
    let url = match is_secure {
        true => "--insecure https://localhost/",
        false => "http://localhost/",
    };
    let (flag, name) = match name {
        Name::Path(path) => ("--unix-socket", path.display().to_string()),
        #[cfg(target_os = "linux")]
        Name::Abstract(name) => ("--abstract-unix-socket", name.clone()),
    };
    format!("curl {flag} {} {url}", quoted(&name))
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
