//! Bytes as tools write them, without the program that is judged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// A way to write bytes.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Which tool does.
    pub name: &'static str,
    /// Writes them.
    pub write: fn(&[u8]) -> String,
    /// It has a line for each 16 bytes, and an offset in each.
    pub is_dump: bool,
}

/// All of them.
// One a line, to be read as a table.
#[rustfmt::skip]
pub const FORMATS: &[Format] = &[
    dump("xxd", |bytes| lines(bytes, |at, row| format!("{at:08x}: {:39}  {}\n", cells(row, 2, false), text(row)))),
    dump("xxd-g1", |bytes| lines(bytes, |at, row| format!("{at:08x}: {:47}  {}\n", cells(row, 1, false), text(row)))),
    dump("xxd-g4", |bytes| lines(bytes, |at, row| format!("{at:08x}: {:35}  {}\n", cells(row, 4, false), text(row)))),
    dump("xxd-e", |bytes| lines(bytes, |at, row| format!("{at:08x}: {:35}  {}\n", little_endian(row), text(row)))),
    dump("hexdump-C", |bytes| lines(bytes, |at, row| format!("{at:08x}  {:47}  |{}|\n", cells(row, 1, false), text(row))) + &format!("{:08x}\n", bytes.len())),
    dump("hexdump", |bytes| lines(bytes, |at, row| format!("{at:07x} {:39}\n", cells(row, 2, true))) + &format!("{:07x}\n", bytes.len())),
    dump("od-x1", |bytes| lines(bytes, |at, row| format!("{at:07o} {}\n", cells(row, 1, false))) + &format!("{:07o}\n", bytes.len())),
    dump("od", |bytes| lines(bytes, |at, row| format!("{at:07o}{}\n", octal_words(row))) + &format!("{:07o}\n", bytes.len())),
    dump("od-u1", |bytes| lines(bytes, |at, row| format!("{at:07o}{}\n", joined(row, "", |byte| format!(" {byte:3}")))) + &format!("{:07o}\n", bytes.len())),
    dump("wireshark", |bytes| lines(bytes, |at, row| format!("{at:04x}   {:47}   {}\n", cells(row, 1, false), text(row)))),
    dump("tcpdump", |bytes| lines(bytes, |at, row| format!("\t0x{at:04x}:  {:39}  {}\n", cells(row, 2, false), text(row)))),
    dump("gdb", |bytes| lines(bytes, |at, row| format!("0x7ffe{at:08x}:\t{}\n", joined(row, "\t", |byte| format!("0x{byte:02x}"))))),
    list("hex", |bytes| joined(bytes, " ", |byte| format!("{byte:02x}"))),
    list("hex-run", |bytes| joined(bytes, "", |byte| format!("{byte:02X}"))),
    list("colons", |bytes| joined(bytes, ":", |byte| format!("{byte:02x}"))),
    list("hyphens", |bytes| joined(bytes, "-", |byte| format!("{byte:02X}"))),
    list("0x", |bytes| joined(bytes, ", ", |byte| format!("0x{byte:x}"))),
    list("rust", |bytes| format!("{bytes:?}")),
    list("rust-hex", |bytes| format!("{bytes:02x?}")),
    list("rust-short-hex", |bytes| format!("{bytes:x?}")),
    list("java", |bytes| format!("[{}]", joined(bytes, ", ", |byte| i8::from_ne_bytes([byte]).to_string()))),
    list("go", |bytes| format!("[{}]", joined(bytes, " ", |byte| byte.to_string()))),
    list("javascript", |bytes| format!("Uint8Array({}) [ {} ]", bytes.len(), joined(bytes, ", ", |byte| byte.to_string()))),
    list("node", |bytes| format!("<Buffer {}>", joined(bytes, " ", |byte| format!("{byte:02x}")))),
    list("json", |bytes| format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", joined(bytes, ",", |byte| byte.to_string()))),
    list("c-array", |bytes| format!("unsigned char x[] = {{\n{}\n}};\nunsigned int x_len = {};\n", joined(bytes, ", ", |byte| format!("0x{byte:02x}")), bytes.len())),
    list("python", |bytes| format!("b'{}'", joined(bytes, "", python))),
    list("c-string", |bytes| format!("\"{}\"", joined(bytes, "", |byte| format!("\\{byte:03o}")))),
    list("escapes", |bytes| joined(bytes, "", |byte| format!("\\x{byte:02x}"))),
    list("base64", |bytes| STANDARD.encode(bytes)),
    list("session", |bytes| format!("#1 > 0.25 {}\n", joined(bytes, " ", |byte| format!("{byte:02x}")))),
    list("yaml", |bytes| format!("packets:\n  - packet: 1\n    peer: 0\n    data: !!binary |\n      {}\n", STANDARD.encode(bytes))),
];

const fn dump(name: &'static str, write: fn(&[u8]) -> String) -> Format {
    Format {
        name,
        write,
        is_dump: true,
    }
}

const fn list(name: &'static str, write: fn(&[u8]) -> String) -> Format {
    Format {
        name,
        write,
        is_dump: false,
    }
}

/// The lines of a dump; of lines that repeat the one before, a `*` is left.
fn lines(bytes: &[u8], line: fn(usize, &[u8]) -> String) -> String {
    let mut text = String::new();
    let rows: Vec<&[u8]> = bytes.chunks(16).collect();
    let mut is_left_out = false;
    for (i, row) in rows.iter().enumerate() {
        let is_last = i + 1 == rows.len();
        let is_repeated = i > 0 && !is_last && rows[i - 1] == *row;
        if !is_repeated {
            text += &line(i * 16, row);
        } else if !is_left_out {
            text += "*\n";
        }
        is_left_out = is_repeated;
    }
    text
}

fn joined(bytes: &[u8], between: &str, write: fn(u8) -> String) -> String {
    bytes
        .iter()
        .map(|&byte| write(byte))
        .collect::<Vec<_>>()
        .join(between)
}

/// Cells of so many bytes; as little-endian numbers, the last one filled up with zeros.
fn cells(row: &[u8], size: usize, is_number: bool) -> String {
    let cell = |cell: &[u8]| {
        let mut cell = cell.to_vec();
        if is_number {
            cell.resize(size, 0);
            cell.reverse();
        }
        joined(&cell, "", |byte| format!("{byte:02x}"))
    };
    row.chunks(size).map(cell).collect::<Vec<_>>().join(" ")
}

/// As `xxd -e`, which sets a short cell to the right.
fn little_endian(row: &[u8]) -> String {
    let cell = |cell: &[u8]| {
        let mut cell = cell.to_vec();
        cell.reverse();
        format!("{:>8}", joined(&cell, "", |byte| format!("{byte:02x}")))
    };
    row.chunks(4).map(cell).collect::<Vec<_>>().join(" ")
}

fn octal_words(row: &[u8]) -> String {
    let mut text = String::new();
    for pair in row.chunks(2) {
        let word = u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]);
        let _ = write!(text, " {word:06o}");
    }
    text
}

/// Bytes as the column beside them shows them.
fn text(row: &[u8]) -> String {
    let shown = |&byte: &u8| {
        if (0x20..0x7F).contains(&byte) {
            char::from(byte)
        } else {
            '.'
        }
    };
    row.iter().map(shown).collect()
}

fn python(byte: u8) -> String {
    match byte {
        b'\\' | b'\'' => format!("\\{}", char::from(byte)),
        0x20..=0x7E => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}
