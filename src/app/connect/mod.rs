//! `plainws connect`: a client for people and scripts.
//!
//! | file | what |
//! |---|---|
//! | `talk/` | the conversation, its threads, and when it ends |
//! | `source.rs`, `prompt.rs` | where the input comes from: a pipe or file, or a line editor |
//! | `command.rs` | what a piece of the input asks for |
//! | `output.rs` | how messages are shown |
//! | `watch.rs` | pongs, and that something arrives |
//! | `reach.rs`, `proxy.rs`, `redirect.rs` | the way to the server |
//! | `outcome.rs` | how it ended, and the exit codes |
//! | `reconnect.rs` | what is tried again, and when |

mod command;
mod outcome;
mod output;
#[cfg(unix)]
mod prompt;
mod proxy;
mod reach;
mod reconnect;
mod redirect;
mod source;
mod talk;
mod watch;

use self::command::Meaning;
use self::outcome::Ending;
use self::output::{BinaryOut, Form, Output};
use self::reach::{Unopened, Way};
use self::reconnect::Pauses;
use self::source::{Per, Pieces};
use self::talk::{Rules, Talk};
use crate::app::show::lines::Lines;
use crate::app::show::trace;
use crate::app::{args, signals};
use clap::Args;
use plainws::net::random::Random;
use plainws::net::tap::Tap;
use plainws::protocol::message;
use plainws::{Error, Role, WebSocket};
use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
#[command(after_long_help = more())]
pub(crate) struct Options {
    #[command(flatten)]
    reach: reach::ReachOptions,

    #[command(flatten)]
    trace: args::TraceOption,

    /// Print a JSON object for each message and the end
    #[arg(long)]
    json: bool,

    /// How a binary message is printed
    #[arg(
        long,
        hide_short_help = true,
        value_enum,
        value_name = "FORM",
        default_value = "hex"
    )]
    binary_out: BinaryOut,

    /// Send the input as one binary message, or as --message-per says
    #[arg(long)]
    binary: bool,

    /// What of the input makes a message; commands are lines [default: line]
    #[arg(long, hide_short_help = true, value_enum, value_name = "WHAT")]
    message_per: Option<Per>,

    /// Take lines that begin with a slash for messages as well
    #[arg(long, hide_short_help = true)]
    no_commands: bool,

    /// Close after the first message
    #[arg(long)]
    once: bool,

    /// Close after N messages
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = args::number_above_0, conflicts_with = "once")]
    count: Option<NonZeroUsize>,

    /// Give up after this many seconds without a message; without it, never
    #[arg(long, hide_short_help = true, value_name = "S", value_parser = args::seconds)]
    timeout: Option<Duration>,

    /// Seconds of quiet after the input before it closes
    #[arg(long, value_name = "S", default_value = "1", value_parser = args::seconds_or_0)]
    linger: Duration,

    /// Listen on after the input until the server closes
    #[arg(short, long)]
    no_close: bool,

    /// Connect again, after growing pauses, when it is lost
    #[arg(long)]
    reconnect: bool,
}

fn more() -> String {
    format!(
        "\
Each line of the input is sent as a text message. Lines that begin with a
slash are commands:
{}

When it closes: all of the input is sent. After that,
  --once, --count N  when so many messages have been printed, even before the
                     input has ended, and not before
  -n, --no-close     not at all: it listens until the server closes
  otherwise          when nothing has arrived for --linger seconds
With nothing to send from the start, as from /dev/null, it listens as with -n.
Ctrl-C closes at any time, and a second one leaves at once. When both sides
have closed, it leaves even if the server does not end TCP.

On a terminal the line is edited at a prompt: Up brings earlier ones back, Tab
completes commands, a paste is one message, Ctrl-D ends the input. With
TERM=dumb there is no prompt.

With --reconnect it connects again when no connection can be made or one is
lost, after a Close with 1001 or 1011 to 1014, and after a status of 500 or
more; at random within 1 s, then 2 s, 4 s and so on up to 30 s. Any other
Close, a status below 500, a broken protocol and a --timeout are final. Input
that was not sent yet waits; what was sent on a lost connection is not sent
again.

Into a pipe or a file a text message is printed as it is, with a line end
after it; on a terminal nothing in it has an effect. When the reader of the
output has gone, as head has after -1, the program says so and ends with 1.

Exit codes:
{}",
        command::list("  "),
        outcome::table()
    )
}

/// Connects, and talks until the connection ends.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let form = options.form()?;
    let no_thread = |error: io::Error| format!("cannot start a thread: {error}");
    // All of it in one queue, so that a terminal shows messages among the trace where they came.
    let lines = Lines::waiting().map_err(no_thread)?;
    let way = options.reach.way(&lines)?;
    let output = Output::new(lines.clone(), form, options.binary_out);
    let talk = Arc::new(Talk::new(options.rules(), lines.clone(), output));
    let of_lines = Arc::clone(&talk);
    lines.on_failure(move |error| of_lines.cannot_show(error));
    let of_signals = Arc::clone(&talk);
    signals::on_each(move || of_signals.interrupt()).map_err(no_thread)?;

    let source = source(options, &talk, &lines);
    let ending = converse(&way, options, &talk, &lines, &source);
    if let Some(problem) = ending.problem() {
        lines.say(&problem);
    }
    let code = talk.finish(&ending);
    lines.finish(Duration::MAX);
    Ok(ExitCode::from(code))
}

/// Connects and talks, and with `--reconnect` does so again until that cannot help.
fn converse(
    way: &Way<'_>,
    options: &Options,
    talk: &Arc<Talk>,
    lines: &Lines,
    source: &Source,
) -> Ending {
    let mut pauses = Pauses::default();
    loop {
        let ending = match open(way, options, talk, lines, source) {
            Ok(ws) => {
                let opened = Instant::now();
                let ending = talk.listen(ws);
                pauses.lasted(opened.elapsed());
                ending
            }
            Err(unopened) => unopened.into(),
        };
        if !options.reconnect || talk.is_ending() || !reconnect::is_worthwhile(&ending) {
            return ending;
        }
        if let Some(problem) = ending.problem() {
            lines.say(&problem);
        }
        let pause = pauses.next(random());
        lines.say(&format!("trying again in {:.1} s", pause.as_secs_f64()));
        // A signal meanwhile ends the program.
        thread::sleep(pause);
    }
}

/// Opens the input.
type Source = Arc<dyn Fn() -> Pieces + Send + Sync>;

/// Where the input comes from: from a prompt, where that is possible.
#[cfg_attr(not(unix), expect(unused_variables, reason = "there is no prompt"))]
fn source(options: &Options, talk: &Arc<Talk>, lines: &Lines) -> Source {
    let per = options.per();
    #[cfg(unix)]
    if per == Per::Line && !options.binary && prompt::is_possible() {
        let (shows, talk) = (Arc::clone(talk), Arc::clone(talk));
        let uses = prompt::Uses {
            has_commands: options.meaning() == Meaning::TextOrCommand,
            shown: Box::new(move |line| shows.typed(line)),
            interrupt: Box::new(move || talk.interrupt()),
        };
        if let Ok(prompt) = prompt::prepare(lines, uses) {
            return Arc::new(move || prompt::open(&prompt).unwrap_or_else(|_| source::open(per)));
        }
    }
    Arc::new(move || source::open(per))
}

/// Connects by the way that leads to the server, and begins to read the input.
fn open(
    way: &Way<'_>,
    options: &Options,
    talk: &Arc<Talk>,
    lines: &Lines,
    source: &Source,
) -> Result<WebSocket, Unopened> {
    let ws = way.open(|| {
        talk.begin();
        tap(options, talk, lines)
    })?;
    // Before anybody can press Ctrl-C at a prompt.
    talk.opened(&ws);
    let source = Arc::clone(source);
    let input = talk.start_input(options.meaning(), move || source());
    input.map_err(Error::from)?;
    Ok(ws)
}

/// Shows what passes, if that is asked for, and follows it.
fn tap(options: &Options, talk: &Arc<Talk>, lines: &Lines) -> Tap {
    let limits = message::Limits::default();
    let trace = options.trace.trace;
    let trace = trace.map(|level| trace::tap(0, Role::Client, limits, level, lines.clone()));
    let talk = Arc::clone(talk);
    Box::new(move |direction, bytes| {
        if let Some(trace) = &trace {
            trace(direction, bytes);
        }
        talk.passed(direction, bytes);
    })
}

/// A number for a pause. Without a source of random ones, the longest pause is the best.
fn random() -> u32 {
    Random::new().map_or(u32::MAX, |mut random| u32::from_ne_bytes(random.bytes()))
}

impl Options {
    /// How messages are printed.
    ///
    /// # Errors
    ///
    /// Raw bytes cannot be printed like that.
    fn form(&self) -> Result<Form, String> {
        let is_terminal = io::stdout().is_terminal();
        match self.binary_out {
            BinaryOut::Raw if self.json => {
                Err("--json cannot print raw bytes: hex or base64".into())
            }
            BinaryOut::Raw if is_terminal => {
                Err("raw bytes are not for a terminal: redirect them into a file or a pipe".into())
            }
            _ if self.json => Ok(Form::Json),
            _ if is_terminal => Ok(Form::Marked),
            _ => Ok(Form::Plain),
        }
    }

    fn rules(&self) -> Rules {
        let count = self.count.map(|count| count.get() as u64);
        let count = count.or(self.once.then_some(1));
        Rules {
            count,
            timeout: self.timeout,
            linger: (!self.no_close && count.is_none()).then_some(self.linger),
            is_typed: io::stdin().is_terminal(),
            piece: match self.per() {
                Per::Line => "line",
                Per::Input | Per::Nul => "message",
            },
        }
    }

    fn per(&self) -> Per {
        let unless_told = if self.binary { Per::Input } else { Per::Line };
        self.message_per.unwrap_or(unless_told)
    }

    fn meaning(&self) -> Meaning {
        if self.binary {
            Meaning::Binary
        } else if self.no_commands || self.per() != Per::Line {
            Meaning::Text
        } else {
            Meaning::TextOrCommand
        }
    }
}
