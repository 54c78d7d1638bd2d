//! Which web pages may open a connection (§10.2).
//!
//! Any page in a visitor's browser can open `ws://localhost`; the browser only says in `Origin` where
//! the page came from. Programs that are no browsers send no Origin and could send any.

/// The pages that may connect besides those of the same host.
#[derive(Clone, Debug, Default)]
pub struct OriginPolicy {
    allowed: Vec<String>,
}

impl OriginPolicy {
    /// Allows one more origin, such as `https://example.com`; `null` means pages without one.
    pub fn allow(&mut self, origin: impl Into<String>) {
        self.allowed.push(origin.into());
    }

    /// Whether a request may open a connection: it has no Origin, or one of the host it was sent to,
    /// or one that was allowed.
    #[must_use]
    pub fn permits(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        let is_allowed = self
            .allowed
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin));
        is_allowed || host.is_some_and(|host| is_same_host(origin, host))
    }
}

/// Compares host and port. The scheme only tells the default port. It is not compared, because a proxy
/// in front of the server may have taken the TLS away.
fn is_same_host(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let without_default = |authority: &str| {
        authority
            .strip_suffix(default_port)
            .unwrap_or(authority)
            .to_ascii_lowercase()
    };
    without_default(authority) == without_default(host)
}
