//! The steps of an echo in memory, each beside the same step of others, as far as theirs can be called from outside,
//! and beside a copy of as many bytes.

use criterion::Criterion;
use plainws::protocol::connection::{Connection, Event};
use plainws::protocol::frame::{self, Header, MaskingKey, Opcode};
use plainws::protocol::utf8::Decoder;
use std::hint::black_box;
use std::io::{self, Cursor, Read, Write};
use std::str;
use std::time::Duration;
use tungstenite::protocol::frame::{FrameHeader, coding};
use tungstenite::protocol::{Role, WebSocket};

const KEY: MaskingKey = [0x37, 0xfa, 0x21, 0x3d];
const SMALL: usize = 125;
const SIZES: [usize; 3] = [SMALL, 4 * 1024, 64 * 1024];

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args();
    header(&mut criterion);
    masking(&mut criterion);
    text(&mut criterion);
    echo(&mut criterion);
}

/// A client's header with a 16-bit length, read and written.
fn header(criterion: &mut Criterion) {
    let header = Header {
        payload_length: 4096,
        ..of_client(Opcode::Binary, 0)
    };
    let mut wire = Vec::with_capacity(frame::MAX_HEADER);
    header.encode(&mut wire);

    let mut group = criterion.benchmark_group("read a header");
    group.bench_function("plainws", |bench| {
        bench.iter(|| Header::decode(black_box(&wire)));
    });
    group.bench_function("tungstenite", |bench| {
        bench.iter(|| FrameHeader::parse(&mut Cursor::new(black_box(&wire))));
    });
    group.finish();

    let theirs = FrameHeader {
        opcode: coding::OpCode::Data(coding::Data::Binary),
        mask: Some(KEY),
        ..FrameHeader::default()
    };
    let mut output = Vec::with_capacity(frame::MAX_HEADER);
    let mut group = criterion.benchmark_group("write a header");
    group.bench_function("plainws", |bench| {
        bench.iter(|| {
            output.clear();
            black_box(&header).encode(&mut output);
        });
    });
    group.bench_function("tungstenite", |bench| {
        bench.iter(|| {
            output.clear();
            black_box(&theirs).format(black_box(4096), &mut output)
        });
    });
    group.finish();
}

/// Tungstenite and tokio-websockets have functions of their own for this, but none that can be called.
fn masking(criterion: &mut Criterion) {
    for size in SIZES {
        let mut payload = vec![b'a'; size];
        let source = payload.clone();
        let mut group = criterion.benchmark_group(format!("mask {size} bytes"));
        group.bench_function("plainws", |bench| {
            bench.iter(|| frame::mask(black_box(&mut payload), KEY, 0));
        });
        group.bench_function("fastwebsockets", |bench| {
            bench.iter(|| fastwebsockets::unmask(black_box(&mut payload), KEY));
        });
        group.bench_function("memcpy", |bench| {
            bench.iter(|| black_box(&mut payload).copy_from_slice(black_box(&source)));
        });
        group.finish();
    }
}

/// plainws copies what it has checked into a `String`; the others only check.
fn text(criterion: &mut Criterion) {
    let kinds = [
        ("ASCII", "The quick brown fox jumps over. "),
        ("mixed", "Grüße, κόσμε, 世界! "),
        ("CJK", "人類社会のすべての構成員の固有の尊厳と"),
    ];
    for (kind, unit) in kinds {
        for size in [SMALL, 64 * 1024] {
            let text = repeated(unit, size);
            let bytes = text.as_bytes();
            let mut copy = String::with_capacity(size);
            let mut group = criterion.benchmark_group(format!("check {size} bytes of {kind} text"));
            group.bench_function("plainws, with its copy", |bench| {
                bench.iter(|| {
                    copy.clear();
                    Decoder::default().decode(black_box(bytes), &mut copy)
                });
            });
            group.bench_function("simdutf8", |bench| {
                bench.iter(|| simdutf8::basic::from_utf8(black_box(bytes)));
            });
            group.bench_function("std", |bench| {
                bench.iter(|| str::from_utf8(black_box(bytes)));
            });
            group.bench_function("memcpy", |bench| {
                bench.iter(|| {
                    copy.clear();
                    copy.push_str(black_box(&text));
                });
            });
            group.finish();
        }
    }
}

/// A message from a client's frame in memory to the server's frame with the same bytes in memory. All copy the
/// frame once first, as the system would; that is in each figure.
fn echo(criterion: &mut Criterion) {
    for (opcode, name) in [(Opcode::Binary, "binary"), (Opcode::Text, "mixed text")] {
        for size in SIZES {
            let wire = client_frame(opcode, repeated("Grüße, κόσμε, 世界! ", size).as_bytes());
            let mut group = criterion.benchmark_group(format!("echo {size} bytes, {name}"));

            let (mut ours, mut input, mut output) = (
                Connection::server(Default::default()),
                Vec::new(),
                Vec::new(),
            );
            group.bench_function("plainws", |bench| {
                bench.iter(|| {
                    input.clone_from(&wire);
                    let (_, event) = ours.receive(&mut input).expect("the frame is legal");
                    let Some(Event::Message(message)) = event else {
                        unreachable!("the frame is whole");
                    };
                    ours.send(message).expect("the connection is open");
                    ours.take_output(&mut output);
                    black_box(&output);
                });
            });

            let mut theirs = WebSocket::from_raw_socket(Again::new(&wire), Role::Server, None);
            group.bench_function("tungstenite", |bench| {
                bench.iter(|| {
                    theirs.get_mut().rewind();
                    let message = theirs.read().expect("the frame is legal and whole");
                    theirs.send(message).expect("memory takes all");
                    black_box(&theirs.get_ref().output);
                });
            });

            group.bench_function("memcpy", |bench| {
                bench.iter(|| {
                    black_box(&mut input).copy_from_slice(black_box(&wire));
                });
            });
            group.finish();
        }
    }
}

/// The same frame to read, over and over, and what was written since.
struct Again<'a> {
    wire: &'a [u8],
    rest: &'a [u8],
    output: Vec<u8>,
}

impl<'a> Again<'a> {
    const fn new(wire: &'a [u8]) -> Self {
        Self {
            wire,
            rest: wire,
            output: Vec::new(),
        }
    }

    fn rewind(&mut self) {
        self.rest = self.wire;
        self.output.clear();
    }
}

impl Read for Again<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.rest.read(buffer)
    }
}

impl Write for Again<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text over and over, up to the last character that `size` bytes hold whole.
fn repeated(text: &str, size: usize) -> String {
    let mut long = text.repeat(size / text.len() + 1);
    let end = (0..=size).rev().find(|&end| long.is_char_boundary(end));
    long.truncate(end.unwrap_or(0));
    long
}

fn client_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    of_client(opcode, payload.len()).encode(&mut wire);
    let header_length = wire.len();
    wire.extend_from_slice(payload);
    frame::mask(wire.split_at_mut(header_length).1, KEY, 0);
    wire
}

const fn of_client(opcode: Opcode, payload_length: usize) -> Header {
    Header {
        fin: true,
        rsv: 0,
        opcode,
        masking_key: Some(KEY),
        payload_length: payload_length as u64,
    }
}
