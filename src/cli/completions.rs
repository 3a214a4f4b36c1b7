//! `nightbill completions`: a completion script for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::args::Cli;
use super::failure::Failure;
use super::terminal::Terminal;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill completions bash > /etc/bash_completion.d/nightbill\n  \
    nightbill completions zsh > ~/.zfunc/_nightbill\n  \
    nightbill completions fish > ~/.config/fish/completions/nightbill.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Prints the script, whatever `--output` says.
pub(crate) fn run(args: &CompletionsArgs, terminal: &Terminal) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "nightbill", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))
}
