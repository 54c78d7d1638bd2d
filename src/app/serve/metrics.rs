//! `/healthz` and `/metrics`, the latter in the text format of Prometheus.

use super::ending::Readiness;
use plainws::{CloseCode, Handle, Page, Server, Stats};
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

/// Adds these paths to a server, and `/healthz/live`, which answers as long as anything does.
pub(super) fn add_to(server: Server, handle: &Handle, readiness: &Readiness) -> Server {
    let (handle, readiness) = (handle.clone(), readiness.clone());
    server
        .reserved_page("/healthz/live", |_| healthy())
        .reserved_page("/healthz", move |_| match readiness.is_ready() {
            true => healthy(),
            false => Page::text("draining\n").status(503),
        })
        .reserved_page("/metrics", move |_| {
            Page::new(
                "text/plain; version=0.0.4; charset=utf-8",
                text(&handle.stats()).into_bytes(),
            )
        })
}

fn healthy() -> Page {
    Page::text("ok\n")
}

fn text(stats: &Stats) -> String {
    let traffic = stats.traffic;
    let mut text = Metrics::default();
    text.one(
        "connections_total",
        "counter",
        "TCP connections accepted and given a place.",
        stats.connections,
    );
    text.one(
        "connections_open",
        "gauge",
        "TCP connections open now.",
        stats.open_connections,
    );
    text.one(
        "threads",
        "gauge",
        "Threads of connections, one each.",
        stats.open_connections,
    );
    text.one(
        "websockets_total",
        "counter",
        "WebSocket connections opened.",
        stats.websockets,
    );
    text.one(
        "websockets_open",
        "gauge",
        "WebSocket connections open now.",
        stats.open_websockets,
    );
    text.many(
        "messages_total",
        "Messages, by direction.",
        "direction",
        [
            ("received", traffic.messages_received),
            ("sent", traffic.messages_sent),
        ],
    );
    text.many(
        "bytes_total",
        "Bytes on WebSocket connections, by direction.",
        "direction",
        [
            ("received", traffic.bytes_received),
            ("sent", traffic.bytes_sent),
        ],
    );
    let mut closes = BTreeMap::new();
    for (code, count) in &stats.closes {
        *closes.entry(folded(*code)).or_default() += count;
    }
    text.many(
        "closes_total",
        "WebSocket connections ended, by the peer's close code.",
        "code",
        closes,
    );
    let responses = stats
        .responses
        .iter()
        .map(|(status, count)| (*status, *count));
    text.many(
        "responses_total",
        "HTTP responses, by status.",
        "status",
        responses,
    );
    let refusals = stats
        .refusals
        .iter()
        .map(|(reason, count)| (*reason, *count));
    text.many(
        "refusals_total",
        "Requests refused, by reason.",
        "reason",
        refusals,
    );
    text.one(
        "memory_held_bytes",
        "gauge",
        "Bytes held for messages of all connections, without the first 64 KiB of each.",
        stats.memory_held,
    );
    text.one(
        "memory_refusals_total",
        "counter",
        "Messages refused for want of memory.",
        stats.memory_refusals,
    );
    text.one(
        "handler_panics_total",
        "counter",
        "Handlers, logs, and makers of pages and taps that panicked.",
        stats.panics,
    );
    text.one(
        "tls_failures_total",
        "counter",
        "Connections that could not be secured by TLS.",
        stats.tls_failures,
    );
    text.one(
        "accept_failures_total",
        "counter",
        "Connections that could not be accepted.",
        stats.accept_failures,
    );
    text.0
}

/// A close code as a label. Those that peers may choose freely share one for each range: a series for each
/// would be as many as they like (§7.4.2).
fn folded(code: CloseCode) -> String {
    match code.0 {
        3000..=3999 => "3000-3999".into(),
        4000..=4999 => "4000-4999".into(),
        code => code.to_string(),
    }
}

#[derive(Default)]
struct Metrics(String);

impl Metrics {
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "plainws_{name} {value}");
    }

    fn many<L: Display>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) {
        self.head(name, "counter", help);
        for (of, value) in values {
            let _ = writeln!(self.0, "plainws_{name}{{{label}=\"{of}\"}} {value}");
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(
            self.0,
            "# HELP plainws_{name} {help}\n# TYPE plainws_{name} {kind}\n"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_cannot_make_as_many_series_as_there_are_close_codes() {
        let mut stats = Stats::default();
        let codes = (0..=u16::MAX)
            .map(CloseCode)
            .filter(|code| code.is_allowed_on_wire());
        stats.closes = codes.map(|code| (code, 1)).collect();
        let text = text(&stats);
        let series: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("plainws_closes_total{"))
            .collect();
        assert!(series.len() < 20, "{series:#?}");
        for one in [
            r#"plainws_closes_total{code="1000"} 1"#,
            r#"plainws_closes_total{code="3000-3999"} 1000"#,
            r#"plainws_closes_total{code="4000-4999"} 1000"#,
        ] {
            assert!(series.contains(&one), "{one} in {series:#?}");
        }
    }
}
