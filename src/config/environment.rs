//! What the process was started with: its words and its variables, and itself once more.
#![expect(clippy::disallowed_methods, reason = "this is where the environment is read")]

use std::env::{args_os, current_exe, var_os};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use clap::Arg;

/// The words of the command line, the program's name first.
pub(super) fn words() -> impl Iterator<Item = OsString> {
    args_os()
}

/// The same command, for which a variable that is empty does not exist: platforms and `.env` files
/// leave one empty to say that there is none. An empty option stays what its user wrote.
pub(super) fn without_empty(command: clap::Command) -> clap::Command {
    let command = command.mut_args(unless_empty);
    command.mut_subcommands(|command| command.mut_args(unless_empty))
}

fn unless_empty(argument: Arg) -> Arg {
    let Some(name) = argument.get_env().map(ToOwned::to_owned) else { return argument };
    if var_os(&name).is_none_or(|value| !value.is_empty()) {
        return argument;
    }
    // clap would read the variable, so it may not know it; the help still tells it.
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    argument.env(None::<&str>).help(format!("{help} [env: {}=]", name.display()))
}

/// This program again, with the same words and environment, as a worker.
///
/// # Errors
///
/// When the system does not tell which file this program is.
pub fn worker_command() -> io::Result<Command> {
    // A new version may have been put in the place of this one's file; the path then names the new.
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    if PROGRAM.get().is_none() {
        let _ = PROGRAM.set(current_exe()?);
    }
    let mut command = Command::new(PROGRAM.get().expect("it was just set"));
    command.args(words().skip(1)).arg("--worker");
    Ok(command)
}

/// Whether the environment has a variable that is meant for a library of ours.
pub fn is_set(name: &str) -> bool {
    var_os(name).is_some()
}
