//! From arguments to exit code.

use std::any::Any;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use super::args::{Cli, Command, GlobalArgs, LogFormat};
use super::failure::{EXIT_USAGE, Failure};
use super::terminal::{FailureDocument, Terminal};
use super::{check, compact, completions, explain, sample, schema, settle, timeline, verify};

/// Runs the command line and says how it went, by the exit codes of SPEC section 5.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with exit 0, mistakes to stderr with exit 2. A reader that has gone
            // away is no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EXIT_USAGE));
        }
    };
    start_logging(&cli.global);
    remember_panics();
    let terminal = Terminal::new(&cli.global);
    let command = cli.command.name();
    let began = Instant::now();
    tracing::info!(command, version = env!("CARGO_PKG_VERSION"), "run begins");
    let result = catch_unwind(AssertUnwindSafe(|| dispatch(&cli.command, &terminal)))
        .unwrap_or_else(|payload| Err(told(&terminal, command, bug(payload.as_ref()))));
    let exit_code = match result {
        Ok(()) => 0,
        Err(Told { exit_code }) => exit_code,
    };
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(command, exit_code, elapsed_ms, "run ends");
    ExitCode::from(exit_code)
}

/// A failure that the user has been told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// How the program ends.
    pub exit_code: u8,
}

fn dispatch(command: &Command, terminal: &Terminal) -> Result<(), Told> {
    let result = match command {
        // These tell their failures themselves: what they found before is part of what they say.
        Command::Settle(args) => return settle::run(args, terminal),
        Command::Verify(args) => return verify::run(args, terminal),
        Command::Timeline(args) => timeline::run(args, terminal),
        Command::Explain(args) => return explain::run(args, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Schema(args) => schema::run(args, terminal),
        Command::Sample(args) => sample::run(args, terminal),
        Command::Compact(args) => compact::run(args, terminal),
        Command::Completions(args) => completions::run(args, terminal),
    };
    result.map_err(|failure| told(terminal, command.name(), failure))
}

/// Tells the user of a failure.
pub(crate) fn told(terminal: &Terminal, command: &str, failure: Failure) -> Told {
    terminal.fail(&failure, &FailureDocument::new(command, &failure));
    Told {
        exit_code: failure.exit_code,
    }
}

/// Only nightbill's own events: what libraries log may hold signed URLs.
fn start_logging(args: &GlobalArgs) {
    let filter = EnvFilter::new(format!("off,nightbill={}", args.log_level.as_str()));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    let started = match args.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    // The program starts it once; where a test has started it before, its own stays.
    drop(started);
}

/// Where the last panic happened.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics quiet: the scan catches those of decoders and makes errors of them; [`run`] tells the others. With
/// `RUST_BACKTRACE` set, the hook that was there prints as well.
fn remember_panics() {
    let previous = std::panic::take_hook();
    let prints = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = panic.location().map(ToString::to_string);
        }
        if prints {
            previous(panic);
        }
    }));
}

fn bug(payload: &(dyn Any + Send)) -> Failure {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a message".to_owned());
    let at = LAST_PANIC.lock().ok().and_then(|last| last.clone());
    Failure::bug(&message, at.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_any_kind_is_a_bug_with_exit_1() {
        let payloads: [(Box<dyn Any + Send>, &str); 3] = [
            (Box::new("a law is broken"), "internal error: a law is broken"),
            (Box::new("of 3".to_owned()), "internal error: of 3"),
            (Box::new(3), "internal error: panic without a message"),
        ];
        for (payload, expected) in payloads {
            let failure = bug(payload.as_ref());
            assert!(failure.message.starts_with(expected), "{}", failure.message);
            assert_eq!(failure.exit_code, 1);
        }
    }
}
