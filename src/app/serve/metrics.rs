//! `/healthz` and `/metrics`, the latter in the text format of Prometheus.

use super::ending::Readiness;
use super::exposition::{CONTENT_TYPE, Exposition, Histogram, Kind};
use super::process::Process;
use crate::app::show::lines::Lines;
use plainws::net::log::{Outcome, Record};
use plainws::{CloseCode, Handle, Page, Server, Stats};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is measured.
#[derive(Clone)]
pub(super) struct Measured {
    pub(super) server: Handle,
    pub(super) readiness: Readiness,
    pub(super) lines: Lines,
    pub(super) max_memory: usize,
    pub(super) counted: Counted,
}

/// What the server does not count itself.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    process: Process,
    durations: Arc<Histogram>,
    max_connections: Arc<AtomicUsize>,
}

/// Seconds, from those who only look in to those who stay for days.
const DURATIONS: [u32; 8] = [1, 10, 60, 300, 1800, 3600, 4 * 3600, 24 * 3600];

impl Counted {
    /// To be called when the process begins.
    pub(super) fn new(max_connections: usize) -> Self {
        Self {
            process: Process::begun(),
            durations: Arc::new(Histogram::new(&DURATIONS)),
            max_connections: Arc::new(AtomicUsize::new(max_connections)),
        }
    }

    /// Once it is known that the system allows fewer.
    pub(super) fn allow(&self, max_connections: usize) {
        self.max_connections
            .store(max_connections, Ordering::Relaxed);
    }

    pub(super) fn count(&self, record: &Record<'_>) {
        if let Outcome::Closed { .. } = record.outcome {
            self.durations.count(record.duration);
        }
    }
}

/// Adds these paths to a server, and `/healthz/live`, which answers as long as anything does.
pub(super) fn add_to(server: Server, measured: Measured) -> Server {
    let readiness = measured.readiness.clone();
    server
        .reserved_page("/healthz/live", |_| healthy())
        .reserved_page("/healthz", move |_| match readiness.is_ready() {
            true => healthy(),
            false => Page::text("draining\n").status(503),
        })
        .reserved_page("/metrics", move |_| {
            Page::new(CONTENT_TYPE, measured.text().into_bytes())
        })
}

fn healthy() -> Page {
    Page::text("ok\n")
}

impl Measured {
    fn text(&self) -> String {
        let mut text = Exposition::default();
        text.each(
            "plainws_build_info",
            Kind::Gauge,
            "The version of this program.",
            "version",
            [(env!("CARGO_PKG_VERSION"), 1)],
        );
        text.one(
            "plainws_ready",
            Kind::Gauge,
            "Whether new clients are welcome: 1, or 0 from the beginning of the end on.",
            u8::from(self.readiness.is_ready()),
        );
        text.one(
            "plainws_max_connections",
            Kind::Gauge,
            "TCP connections that may be open at once.",
            self.counted.max_connections.load(Ordering::Relaxed),
        );
        text.one(
            "plainws_max_memory_bytes",
            Kind::Gauge,
            "Bytes that may be held for messages at once.",
            self.max_memory,
        );
        add_stats(&mut text, &self.server.stats());
        text.histogram(
            "plainws_websocket_duration_seconds",
            "How long WebSocket connections that have ended were there, with their handshakes.",
            &self.counted.durations,
        );
        text.one(
            "plainws_log_lines_dropped_total",
            Kind::Counter,
            "Lines of the log that could not be written in time.",
            self.lines.dropped(),
        );
        self.counted.process.add_to(&mut text);
        text.into_text()
    }
}

/// Of what is counted by a label, the values that alarms are about are there from the beginning: a count that
/// appears for the first time looks to Prometheus as if it had not grown.
const CLOSES: [CloseCode; 9] = [
    CloseCode::NORMAL,
    CloseCode::GOING_AWAY,
    CloseCode::PROTOCOL_ERROR,
    CloseCode::NO_STATUS,
    CloseCode::ABNORMAL,
    CloseCode::POLICY,
    CloseCode::TOO_BIG,
    CloseCode::INTERNAL_ERROR,
    CloseCode::TRY_AGAIN_LATER,
];
const REFUSALS: [&str; 4] = [
    "too-many-connections",
    "too-many-of-address",
    "no-descriptor",
    "no-thread",
];

fn add_stats(text: &mut Exposition, stats: &Stats) {
    let traffic = stats.traffic;
    text.one(
        "plainws_connections_total",
        Kind::Counter,
        "TCP connections accepted and given a place.",
        stats.connections,
    );
    text.one(
        "plainws_connections_open",
        Kind::Gauge,
        "TCP connections open now.",
        stats.open_connections,
    );
    text.one(
        "plainws_websockets_total",
        Kind::Counter,
        "WebSocket connections opened.",
        stats.websockets,
    );
    text.one(
        "plainws_websockets_open",
        Kind::Gauge,
        "WebSocket connections open now.",
        stats.open_websockets,
    );
    text.each(
        "plainws_messages_total",
        Kind::Counter,
        "Messages, by direction.",
        "direction",
        [
            ("received", traffic.messages_received),
            ("sent", traffic.messages_sent),
        ],
    );
    text.each(
        "plainws_bytes_total",
        Kind::Counter,
        "Bytes on WebSocket connections, by direction.",
        "direction",
        [
            ("received", traffic.bytes_received),
            ("sent", traffic.bytes_sent),
        ],
    );
    let mut closes = BTreeMap::from(CLOSES.map(|code| (folded(code), 0)));
    for (code, count) in &stats.closes {
        *closes.entry(folded(*code)).or_default() += count;
    }
    text.each(
        "plainws_closes_total",
        Kind::Counter,
        "WebSocket connections ended, by the peer's close code.",
        "code",
        closes,
    );
    let responses = stats
        .responses
        .iter()
        .map(|(status, count)| (*status, *count));
    text.each(
        "plainws_responses_total",
        Kind::Counter,
        "HTTP responses, by status.",
        "status",
        responses,
    );
    let mut refusals = BTreeMap::from(REFUSALS.map(|reason| (reason, 0)));
    refusals.extend(&stats.refusals);
    text.each(
        "plainws_refusals_total",
        Kind::Counter,
        "Requests refused, by reason.",
        "reason",
        refusals,
    );
    text.one(
        "plainws_memory_held_bytes",
        Kind::Gauge,
        "Bytes held for messages of all connections, without the first 64 KiB of each.",
        stats.memory_held,
    );
    text.one(
        "plainws_memory_refusals_total",
        Kind::Counter,
        "Messages refused for want of memory.",
        stats.memory_refusals,
    );
    text.one(
        "plainws_handler_panics_total",
        Kind::Counter,
        "Handlers, logs, and makers of pages and taps that panicked.",
        stats.panics,
    );
    text.one(
        "plainws_tls_failures_total",
        Kind::Counter,
        "Connections that could not be secured by TLS.",
        stats.tls_failures,
    );
    text.one(
        "plainws_accept_failures_total",
        Kind::Counter,
        "Connections that could not be accepted.",
        stats.accept_failures,
    );
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
        let mut text = Exposition::default();
        add_stats(&mut text, &stats);
        let text = text.into_text();
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
