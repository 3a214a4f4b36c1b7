//! The one place that writes to stdout and stderr.
//!
//! A reader that closes stdout early (`nightbill schema | head`) is no failure: what is left to print is dropped. Rust
//! programs ignore SIGPIPE, and nightbill keeps it so: a closed pipe must not kill a run that is posting money.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::args::{ColorChoice, GlobalArgs, LogFormat, OutputFormat};
use super::failure::Failure;

/// How text may look: what colours, letters and width the reader can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether colours are wanted.
    pub colour: bool,
    /// Whether letters beyond ASCII are understood.
    pub utf8: bool,
    /// Columns of the terminal; None when it is none.
    pub width: Option<u16>,
}

impl Look {
    /// No colours, ASCII, any width.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self {
        colour: false,
        utf8: false,
        width: None,
    };

    /// `text` in bold.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(text, Style::new().bold())
    }

    /// `text` as good news.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint(text, AnsiColor::Green.on_default().bold())
    }

    /// `text` as an aside.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(text, Style::new().dimmed())
    }

    fn warning(self, text: &str) -> String {
        self.paint(text, AnsiColor::Yellow.on_default().bold())
    }

    /// `text` as bad news.
    pub(crate) fn error(self, text: &str) -> String {
        self.paint(text, AnsiColor::Red.on_default().bold())
    }

    fn help(self, text: &str) -> String {
        self.paint(text, AnsiColor::Cyan.on_default().bold())
    }

    fn paint(self, text: &str, style: Style) -> String {
        if self.colour && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// Where a command prints.
#[derive(Debug)]
pub(crate) struct Terminal {
    output: OutputFormat,
    quiet: bool,
    log_format: LogFormat,
    shows_progress: bool,
    stdout: Look,
    stderr: Look,
}

impl Terminal {
    /// As the arguments and the environment have it.
    pub(crate) fn new(args: &GlobalArgs) -> Self {
        let utf8 = locale_is_utf8(|name| std::env::var(name).ok());
        let is_plain = asks_for_plain(|name| std::env::var_os(name));
        let look = |is_terminal: bool| Look {
            colour: wants_colour(args.color, is_terminal, is_plain),
            utf8,
            width: None,
        };
        let (stdout, stderr) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let width = stdout.then(|| comfy_table::Table::new().width()).flatten();
        Self {
            output: args.output,
            quiet: args.quiet,
            log_format: args.log_format,
            // Log lines and a progress bar would overwrite each other.
            shows_progress: stderr && !args.quiet && args.log_format == LogFormat::Text && !args.log_level.is_chatty(),
            stdout: Look { width, ..look(stdout) },
            stderr: look(stderr),
        }
    }

    /// Whether a progress bar on stderr makes sense.
    pub(crate) fn shows_progress(&self) -> bool {
        self.shows_progress
    }

    /// Prints a command's result: the value as JSON, or the text that `render` makes of it. `--quiet` drops the text.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        render: impl FnOnce(&T, Look) -> String,
    ) -> Result<(), Failure> {
        if self.quiet && self.output == OutputFormat::Text {
            return Ok(());
        }
        self.asked_for(value, render)
    }

    /// Prints what the user asked to see: the same, but `--quiet` drops nothing.
    pub(crate) fn asked_for<T: Serialize>(
        &self,
        value: &T,
        render: impl FnOnce(&T, Look) -> String,
    ) -> Result<(), Failure> {
        match self.output {
            OutputFormat::Json => self.print(&to_json(value)),
            OutputFormat::Text => self.print(&render(value, self.stdout)),
        }
    }

    /// Prints the result of a command that found what it looked for and fails for it: text and failure, or one JSON
    /// document.
    pub(crate) fn failed_result<T: Serialize>(
        &self,
        failure: &Failure,
        document: &T,
        render: impl FnOnce(&T, Look) -> String,
    ) -> Result<(), Failure> {
        if self.output == OutputFormat::Text {
            self.print(&render(document, self.stdout))?;
        }
        self.fail(failure, document);
        Ok(())
    }

    /// Prints text as it is, even with `--quiet`: what the user asked for.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        write_or_closed(&mut std::io::stdout().lock(), text)
    }

    /// Tells the user something that does not end the run.
    pub(crate) fn warn(&self, message: &str) {
        match self.log_format {
            LogFormat::Json => tracing::warn!("{message}"),
            LogFormat::Text => self.to_stderr(&format!("{} {message}\n", self.stderr.warning("warning:"))),
        }
    }

    /// Tells why the command failed: on stderr, and with `--output json` on stdout too, as `document`.
    pub(crate) fn fail<T: Serialize>(&self, failure: &Failure, document: &T) {
        self.say(failure);
        if self.output == OutputFormat::Json {
            // The failure is told already; that its JSON cannot be written adds nothing.
            let _ = self.print(&to_json(document));
        }
    }

    /// Tells why the command failed, on stderr alone.
    fn say(&self, failure: &Failure) {
        match self.log_format {
            LogFormat::Json => tracing::error!(
                exit_code = failure.exit_code,
                help = failure.help.as_deref(),
                "{}",
                failure.message
            ),
            LogFormat::Text => self.to_stderr(&render_failure(failure, self.stderr)),
        }
    }

    /// There is nobody left to tell when stderr is closed.
    fn to_stderr(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// What `--output json` prints when a command fails.
#[derive(Debug, Serialize)]
pub(crate) struct FailureDocument<'a> {
    /// Version of the documents: [`JSON_FORMAT`].
    format: u32,
    command: &'a str,
    error: FailureFields<'a>,
}

/// The failure itself.
#[derive(Debug, Serialize)]
pub(crate) struct FailureFields<'a> {
    message: &'a str,
    help: Option<&'a str>,
    exit_code: u8,
}

impl<'a> FailureDocument<'a> {
    /// The document of a failure.
    pub(crate) fn new(command: &'a str, failure: &'a Failure) -> Self {
        Self {
            format: JSON_FORMAT,
            command,
            error: FailureFields::new(failure),
        }
    }
}

impl<'a> FailureFields<'a> {
    /// The fields of a failure.
    pub(crate) fn new(failure: &'a Failure) -> Self {
        Self {
            message: &failure.message,
            help: failure.help.as_deref(),
            exit_code: failure.exit_code,
        }
    }
}

/// Version of every JSON document on stdout; a change that breaks readers raises it.
pub(crate) const JSON_FORMAT: u32 = 1;

/// A document as it is printed.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("documents are structs with string keys");
    text.push('\n');
    text
}

/// `error: …`, its help below it.
pub(crate) fn render_failure(failure: &Failure, look: Look) -> String {
    let mut text = format!("{} {}\n", look.error("error:"), failure.message);
    if let Some(help) = &failure.help {
        text.push_str(&format!("  {} {help}\n", look.help("help:")));
    }
    text
}

fn write_or_closed(out: &mut impl Write, text: &str) -> Result<(), Failure> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::write("stdout", &error)),
    }
}

fn wants_colour(choice: ColorChoice, is_terminal: bool, is_plain: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => is_terminal && !is_plain,
    }
}

/// Whether the environment asks for no colours: `NO_COLOR` present and not empty (no-color.org), or a dumb terminal.
fn asks_for_plain(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    variable("NO_COLOR").is_some_and(|value| !value.is_empty()) || variable("TERM").is_some_and(|term| term == "dumb")
}

/// The first of the locale variables that is set decides (POSIX, 8.2).
fn locale_is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| variable(name))
        .find(|value| !value.is_empty())
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Breaks(ErrorKind);

    impl Write for Breaks {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_but_a_full_disk_is() {
        assert_eq!(write_or_closed(&mut Breaks(ErrorKind::BrokenPipe), "x"), Ok(()));
        let failure = write_or_closed(&mut Breaks(ErrorKind::StorageFull), "x").expect_err("must fail");
        assert_eq!(failure.exit_code, 5);
    }

    #[test]
    fn colour_only_where_wanted() {
        let cases = [
            (ColorChoice::Always, false, true, true),
            (ColorChoice::Never, true, false, false),
            (ColorChoice::Auto, true, false, true),
            (ColorChoice::Auto, true, true, false),
            (ColorChoice::Auto, false, false, false),
        ];
        for (choice, is_terminal, is_plain, expected) in cases {
            assert_eq!(
                wants_colour(choice, is_terminal, is_plain),
                expected,
                "{choice:?} {is_terminal} {is_plain}"
            );
        }
        let coloured = Look {
            colour: true,
            ..Look::PLAIN
        };
        assert_eq!(coloured.bold("x"), "\u{1b}[1mx\u{1b}[0m");
        assert_eq!(Look::PLAIN.bold("x"), "x");
    }

    #[test]
    fn the_environment_decides_colours_and_letters() {
        let set = |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.into());
        assert!(asks_for_plain(set("NO_COLOR", "1")));
        assert!(!asks_for_plain(set("NO_COLOR", "")));
        assert!(asks_for_plain(set("TERM", "dumb")));
        assert!(!asks_for_plain(set("TERM", "xterm")));
        let locale = |all: &'static str, lang: &'static str| {
            locale_is_utf8(move |name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            })
        };
        assert!(locale("", "de_DE.UTF-8"));
        assert!(locale("C.utf8", "C"));
        assert!(!locale("C", "de_DE.UTF-8"), "LC_ALL decides");
        assert!(!locale("", ""));
    }
}
