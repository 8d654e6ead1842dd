//! How words leave the program, and failures: a sentence and an exit code, or one JSON object.

use std::{
    fmt,
    io::{ErrorKind, Write},
    process::{ExitCode, exit},
};

use wick::{AppError, ErrorCode};

/// The exit code where nobody reads any more, as of `wick list | head -1`: what a shell says of programs that the system
/// ends for it.
const NOBODY_READS: i32 = 141;

/// Words on standard output. In place of `print!`, which panics where nobody reads.
macro_rules! out {
    ($($text:tt)*) => { $crate::output::write(std::io::stdout().lock(), format_args!($($text)*)) };
}

/// A line on standard output.
macro_rules! outln {
    () => { out!("\n") };
    ($($text:tt)*) => { out!("{}\n", format_args!($($text)*)) };
}

/// Words on standard error.
macro_rules! err {
    ($($text:tt)*) => { $crate::output::write(std::io::stderr().lock(), format_args!($($text)*)) };
}

/// A line on standard error.
macro_rules! errln {
    () => { err!("\n") };
    ($($text:tt)*) => { err!("{}\n", format_args!($($text)*)) };
}

/// Writes at once, and ends the program quietly where nobody reads any more.
pub fn write(mut to: impl Write, words: fmt::Arguments<'_>) {
    let Err(error) = to.write_fmt(words).and_then(|()| to.flush()) else {
        return;
    };
    match error.kind() {
        ErrorKind::BrokenPipe => exit(NOBODY_READS),
        _ => {
            // Where standard error is what cannot be written to, nothing can be said.
            let _ = writeln!(std::io::stderr(), "wick: cannot write: {error}");
            exit(i32::from(exit_code(ErrorCode::FileReadFailed)))
        }
    }
}

/// Tells of the failure and gives its exit code.
pub fn fail(error: &wick::Error, json: bool) -> ExitCode {
    let error = AppError::from(error);
    match json {
        true => outln!("{}", serde_json::json!({ "error": error })),
        false if error.code == ErrorCode::Cancelled => errln!("stopped"),
        false => errln!("wick: {}{}", error.message, advice(error.code)),
    }
    ExitCode::from(exit_code(error.code))
}

/// The exit code for a model that can be read and not run.
pub const CANNOT_RUN: u8 = 4;

/// Exit codes are promises to scripts: see `wick --help`.
fn exit_code(code: ErrorCode) -> u8 {
    use ErrorCode::*;
    match code {
        EmptyMessage | InvalidSettings | PromptTooLong => 2,
        FileReadFailed | DiskFull | FileInUse | ModelsFolderMissing => 3,
        NotGguf
        | UnsupportedGgufVersion
        | FileTruncated
        | FileMalformed
        | UnsupportedArchitecture
        | UnsupportedTensorType
        | UnsupportedTokenizer
        | NoChatTemplate
        | ChatTemplateFailed
        | ModelMissing
        | ModelChanged => CANNOT_RUN,
        EngineCrashed | EngineStartFailed | DeviceUnavailable | NotANumber | ComputeFailed => 5,
        StorageUnwritable | StorageDamaged | StorageFromNewerVersion | StorageFailed => 6,
        NoModel | NotFound => 7,
        Offline | HubNotFound | HubGated | HubSignIn | HubRateLimited | HubFailed | HubRefused
        | DownloadCorrupt => 8,
        Cancelled => 130,
        LinkRefused | Busy | Internal => 1,
    }
}

fn advice(code: ErrorCode) -> &'static str {
    use ErrorCode::*;
    match code {
        NotGguf => "\nWick runs models in the GGUF format: look for a file that ends in .gguf.",
        FileTruncated => "\nThe download was probably cut off: fetch the file again.",
        FileMalformed => "\nFetch the file again, from a source you trust.",
        UnsupportedArchitecture | UnsupportedTensorType | UnsupportedTokenizer => {
            "\nThis model needs another program, or a newer Wick."
        }
        NoChatTemplate => "\nUse the instruct or chat version of the model.",
        NoModel => {
            "\nImport one with: wick import FILE.gguf, or download one: wick recommend, wick pull"
        }
        NotFound => "\nSee what there is with: wick list",
        ModelMissing => "\nImport the file again with: wick import FILE.gguf",
        ModelChanged => "\nSee whether it is whole with: wick verify NAME",
        ModelsFolderMissing => "\nConnect the disk that it lies on.",
        PromptTooLong => "\nShorten the prompt, or give more room with --context.",
        EngineCrashed => "\nA smaller model or --context needs less memory.",
        StorageUnwritable => "\nName another folder in WICK_DATA_DIR.",
        StorageFromNewerVersion => {
            "\nInstall the newer Wick, or name another folder in WICK_DATA_DIR."
        }
        Offline => "\nCheck the network, and the proxy in the settings or the environment.",
        HubNotFound => "\nCheck the name; for a private model sign in with: wick login",
        HubGated => "\nThen sign in with: wick login",
        HubSignIn => "\nMake a token in your account's settings there, and try: wick login",
        DiskFull => "\nFree some space and try again.",
        _ => "",
    }
}
