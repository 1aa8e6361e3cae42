//! The command word decides which function runs.

use std::io::Write;
use std::process::ExitCode;

use quadrant::config::{Cli, Command, Config};
use quadrant::{import, supervisor, telemetry, worker};

fn main() -> ExitCode {
    let cli = match Cli::from_env() {
        Ok(cli) => cli,
        Err(answer) if answer.is_answer() => return said(std::io::stdout(), &answer, 0),
        Err(error) => return said(std::io::stderr(), &format!("quadrant: {error}\n"), 2),
    };
    let done = match cli.command {
        None => serve(&cli.config),
        Some(Command::Serve(config)) => serve(&config),
        Some(Command::Import(import)) => import::run(&import),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // `{:#}` is the whole chain in one line.
        Err(error) => said(std::io::stderr(), &format!("quadrant: {error:#}\n"), 1),
    }
}

fn serve(config: &Config) -> anyhow::Result<()> {
    telemetry::start(config.log_format, &config.rust_log);
    if config.worker { worker::run(config) } else { supervisor::run(config) }
}

fn said(mut to: impl Write, what: &impl std::fmt::Display, code: u8) -> ExitCode {
    // A closed pipe is no reason to fail differently.
    let _ = write!(to, "{what}");
    ExitCode::from(code)
}
