//! What the process was started with: its words and its variables, and itself once more.
#![expect(clippy::disallowed_methods, reason = "this is where the environment is read")]

use std::env::{args_os, current_exe, var_os};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use clap::{Arg, CommandFactory};

use super::Cli;

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

/// This program again, with the same words and environment, as a worker. Everybody on the host can
/// read the words of a process, so the secrets among them become variables, which only its user can
/// read.
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
    let (words, variables) = without_secrets(words().skip(1));
    command.args(words).arg("--worker").envs(variables);
    Ok(command)
}

/// Takes the secrets out of words that were understood: the rest, and the variables that say the same.
fn without_secrets(
    words: impl Iterator<Item = OsString>,
) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
    let secrets = secrets();
    let (mut rest, mut variables, mut words) = (Vec::new(), Vec::new(), words);
    while let Some(word) = words.next() {
        let secret = secrets.iter().find_map(|(option, variable)| {
            match word.as_bytes().strip_prefix(option.as_bytes())? {
                b"" => Some((variable, None)),
                [b'=', value @ ..] => Some((variable, Some(OsString::from_vec(value.to_vec())))),
                // A longer option.
                _ => None,
            }
        });
        let Some((variable, value)) = secret else {
            rest.push(word);
            continue;
        };
        let value = value.or_else(|| words.next()).unwrap_or_default();
        variables.push((variable.clone(), value));
    }
    (rest, variables)
}

/// The options whose values must not be seen, each with its variable.
fn secrets() -> Vec<(String, OsString)> {
    let command = Cli::command();
    let hidden = command.get_arguments().filter(|it| it.is_hide_env_values_set());
    let pairs =
        hidden.filter_map(|it| Some((format!("--{}", it.get_long()?), it.get_env()?.into())));
    pairs.collect()
}

/// Whether the environment has a variable that is meant for a library of ours.
pub fn is_set(name: &str) -> bool {
    var_os(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_the_command_line_of_a_worker_in_either_form() {
        let words = [
            "serve",
            "--redis-url",
            "redis://:one@host",
            "--port=1",
            "--session-key=two",
            "--session-key-previous",
            "three",
            "--redis-tls-verify",
            "false",
        ];

        let (rest, variables) = without_secrets(words.into_iter().map(OsString::from));

        assert_eq!(rest, ["serve", "--port=1", "--redis-tls-verify", "false"]);
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let expected = [
            pair("REDIS_URL", "redis://:one@host"),
            pair("SESSION_KEY", "two"),
            pair("SESSION_KEY_PREVIOUS", "three"),
        ];
        assert_eq!(variables, expected);
    }

    #[test]
    fn the_options_with_secrets_are_these() {
        let mut options: Vec<_> = secrets().into_iter().map(|(option, _)| option).collect();
        options.sort();

        assert_eq!(options, ["--redis-url", "--session-key", "--session-key-previous"]);
    }
}
