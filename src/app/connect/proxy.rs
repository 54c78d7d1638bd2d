//! Which proxy a connection takes: the one of `--proxy`, else what the environment names, by the rules of curl.

use plainws::net::url::Url;
use plainws::protocol::request::split_authority;
use std::net::IpAddr;

/// A proxy, and where it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) url: String,
    /// The variable; nothing for `--proxy`.
    pub(super) variable: Option<&'static str>,
}

/// Where the environment names a proxy for servers without TLS.
const OF_WS: &[&str] = &["http_proxy", "all_proxy", "ALL_PROXY"];
/// The same for those with TLS.
const OF_WSS: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Chooses for a URL's server. `option` is used always, an empty one for no proxy at all. `environment` tells variables.
///
/// `HTTP_PROXY` is not looked at: a web server sets that for its scripts from a header that anyone may send.
pub(super) fn choose(
    url: &Url,
    option: Option<&str>,
    environment: impl Fn(&str) -> Option<String>,
) -> Option<Choice> {
    if let Some(url) = option {
        return (!url.is_empty()).then(|| Choice {
            url: url.to_owned(),
            variable: None,
        });
    }
    let first = |names: &[&'static str]| {
        let set = names
            .iter()
            .filter_map(|&name| Some((name, environment(name)?)));
        set.into_iter().find(|(_, value)| !value.is_empty())
    };
    let (variable, proxy) = first(if url.is_secure() { OF_WSS } else { OF_WS })?;
    let excepted = first(&["no_proxy", "NO_PROXY"]);
    let excepted = excepted.map(|(_, list)| list).unwrap_or_default();
    let (name, _) = split_authority(url.host());
    (!is_here(name) && !lists(&excepted, name)).then_some(Choice {
        url: proxy,
        variable: Some(variable),
    })
}

/// This machine: a proxy elsewhere would look for the server on its own.
fn is_here(name: &str) -> bool {
    let is_localhost = name.trim_end_matches('.').eq_ignore_ascii_case("localhost");
    is_localhost || address(name).is_some_and(|address| address.is_loopback())
}

/// Whether a list such as `example.com, .example.org, 10.0.0.0/8, *` has a host: by its name, or one that it is below,
/// by its address, or by the network of that.
fn lists(list: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let mut entries = list
        .split([',', ' ', '\t'])
        .filter(|entry| !entry.is_empty());
    entries.any(|entry| match (entry, address(&name)) {
        ("*", _) => true,
        (entry, Some(host)) => covers(entry, host),
        (entry, None) => {
            let entry = entry.trim_matches('.').to_ascii_lowercase();
            let above = name.strip_suffix(&entry);
            !entry.is_empty() && above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
    })
}

/// Whether `10.0.0.1`, `10.0.0.0/8` or `[::1]` is an address, or a network that it is in.
fn covers(entry: &str, host: IpAddr) -> bool {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => (network, length.parse().ok()),
        None => (entry, Some(128)),
    };
    let (Some(network), Some(length)) = (address(network), length) else {
        return false;
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((network, of_network), (host, of_host)) = (bits(network), bits(host));
    let differing = (network ^ host).leading_zeros();
    of_network == of_host && differing >= length.min(of_host)
}

fn address(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    bare.unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    /// The variable that names the proxy for a host without TLS.
    fn by(host: &str, environment: &[(&'static str, &str)]) -> Option<&'static str> {
        by_url(&format!("ws://{host}"), environment)
    }

    fn by_url(typed: &str, environment: &[(&'static str, &str)]) -> Option<&'static str> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let choice = choose(&url(typed), None, variable);
        choice.and_then(|choice| choice.variable)
    }

    #[test]
    fn the_option_goes_before_the_environment_and_an_empty_one_stands_for_none() {
        let environment = |name: &str| (name == "http_proxy").then(|| "e:1".to_owned());
        let here = url("ws://a");
        let chosen = |option| choose(&here, option, environment).map(|choice| choice.url);
        assert_eq!(chosen(Some("o:1")).as_deref(), Some("o:1"));
        assert_eq!(chosen(Some("")), None);
        assert_eq!(chosen(None).as_deref(), Some("e:1"));
        // Whoever names it means it.
        assert_eq!(
            choose(&url("ws://localhost"), Some("o:1"), environment)
                .map(|choice| choice.url)
                .as_deref(),
            Some("o:1")
        );
    }

    #[test]
    fn variables_are_looked_at_in_curls_order() {
        let all = [("http_proxy", "a"), ("all_proxy", "b"), ("ALL_PROXY", "c")];
        assert_eq!(by("a", &all), Some("http_proxy"));
        assert_eq!(by("a", &all[1..]), Some("all_proxy"));
        assert_eq!(by("a", &all[2..]), Some("ALL_PROXY"));
        assert_eq!(
            by("a", &[("http_proxy", ""), ("all_proxy", "b")]),
            Some("all_proxy")
        );
        for ignored in ["HTTP_PROXY", "https_proxy", "ws_proxy", "ftp_proxy"] {
            assert_eq!(by("a", &[(ignored, "a")]), None, "{ignored}");
        }
    }

    #[test]
    fn a_server_with_tls_has_variables_of_its_own() {
        #[rustfmt::skip]
        let all = [("https_proxy", "a"), ("HTTPS_PROXY", "b"), ("all_proxy", "c"), ("ALL_PROXY", "d"), ("http_proxy", "e")];
        let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        for (place, name) in names.into_iter().enumerate() {
            assert_eq!(by_url("wss://a", &all[place..]), Some(name));
        }
        assert_eq!(by_url("wss://a", &all[4..]), None);
        assert_eq!(by_url("wss://a", &[all[0], ("no_proxy", "a")]), None);
        assert_eq!(by_url("wss://localhost", &all), None);
        assert_eq!(by_url("ws://a", &all[..4]), Some("all_proxy"));
    }

    #[test]
    fn this_machine_is_never_reached_by_a_proxy_of_the_environment() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "localhost:8000",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:8000",
        ] {
            assert_eq!(by(host, &[("http_proxy", "a")]), None, "{host}");
        }
        assert!(by("localhost.example", &[("http_proxy", "a")]).is_some());
    }

    #[test]
    fn what_no_proxy_lists_is_reached_without() {
        #[rustfmt::skip]
        let rows = [
            ("*", "a", true),
            ("a", "a", true),
            ("a", "A.:80", true),
            ("A", "a:80", true),
            ("a", "b.a", true),
            (".a", "b.a", true),
            (".a", "a", true),
            ("a.", "a", true),
            ("a", "ba", false),
            ("b.a", "a", false),
            ("b, a", "a", true),
            ("b a", "a", true),
            ("b,,a,", "a", true),
            ("", "a", false),
            (".", "a", false),
            (",", "a", false),
            ("10.0.0.1", "10.0.0.1:80", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.1", "10.0.0.1", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/32", "10.0.0.1", false),
            ("10.0.0.1/99", "10.0.0.1", true),
            ("10.0.0.0/0", "11.1.2.3", true),
            ("0.0.0.0/0", "[1::1]", false),
            ("10.0.0.0/x", "10.1.2.3", false),
            ("[1::1]", "[1::1]:80", true),
            ("1::1", "[1:0::1]", true),
            ("1::/16", "[1:2::1]", true),
            ("1::/16", "[2:2::1]", false),
            ("::/0", "[2:2::1]", true),
        ];
        for (list, host, is_listed) in rows {
            let environment = [("http_proxy", "p"), ("no_proxy", list)];
            assert_eq!(
                by(host, &environment).is_none(),
                is_listed,
                "{list:?}: {host}"
            );
            let environment = [("http_proxy", "p"), ("NO_PROXY", list)];
            assert_eq!(
                by(host, &environment).is_none(),
                is_listed,
                "{list:?}: {host}"
            );
        }
        // The lower-case one counts if both are set.
        let both = [("http_proxy", "p"), ("no_proxy", "b"), ("NO_PROXY", "a")];
        assert!(by("a", &both).is_some());
    }
}
