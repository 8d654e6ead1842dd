//! One window per data folder: the first holds a lock and listens; any other asks it to come forward, and ends.

use std::{
    fs::{self, File, TryLockError},
    io,
};

use interprocess::local_socket::{Listener, ListenerOptions, Name, Stream, prelude::*};
use tauri::{AppHandle, Runtime};
use wick::Paths;

use crate::window;

/// What became of the attempt to be the one window.
#[derive(Debug)]
pub enum Claim {
    /// This is the one.
    First {
        /// Held until the program ends.
        lock: File,
        /// Where others knock; `None` where the system gives no socket.
        listener: Option<Listener>,
    },
    /// Another one is there, and has been asked to come forward.
    Taken,
    /// The folder takes no lock. The page says what is wrong with it.
    Unguarded,
}

/// Tries to be the one window of this data folder.
pub fn claim(paths: &Paths) -> Claim {
    let lock = fs::create_dir_all(paths.root()).and_then(|()| File::create(paths.instance_lock()));
    let Ok(lock) = lock else {
        return Claim::Unguarded;
    };
    match lock.try_lock() {
        Ok(()) => Claim::First {
            lock,
            listener: listen(paths).ok(),
        },
        Err(TryLockError::WouldBlock) => {
            if let Err(error) = knock(paths) {
                eprintln!(
                    "Wick is already running, and could not be brought to the front: {error}"
                );
            }
            Claim::Taken
        }
        Err(TryLockError::Error(_)) => Claim::Unguarded,
    }
}

impl Claim {
    /// Shows the window whenever somebody knocks. The lock holds for as long as what is returned lives.
    pub fn listen<R: Runtime>(self, app: &AppHandle<R>) -> Option<File> {
        let Self::First { lock, listener } = self else {
            return None;
        };
        if let Some(listener) = listener {
            let app = app.clone();
            std::thread::spawn(move || await_knocks(&listener, || window::show(&app)));
        }
        Some(lock)
    }
}

/// To connect is the whole message: nothing is read, so nothing can be smuggled in.
fn await_knocks(listener: &Listener, mut on_knock: impl FnMut()) {
    while listener.accept().is_ok() {
        on_knock();
    }
}

fn knock(paths: &Paths) -> io::Result<()> {
    Stream::connect(socket_name(paths)?).map(drop)
}

fn listen(paths: &Paths) -> io::Result<Listener> {
    // Who holds the lock may take the name over: a socket of that name is left from a Wick that was killed.
    let options = ListenerOptions::new().name(socket_name(paths)?);
    options.try_overwrite(true).create_sync()
}

/// Inside the data folder, where only this user can knock.
#[cfg(unix)]
fn socket_name(paths: &Paths) -> io::Result<Name<'static>> {
    use interprocess::local_socket::GenericFilePath;
    /// What fits into a socket's address on every Unix.
    const MAX_SOCKET_PATH_BYTES: usize = 100;
    let path = paths.root().join("window.socket");
    match path.as_os_str().len() {
        ..=MAX_SOCKET_PATH_BYTES => path.to_fs_name::<GenericFilePath>(),
        _ => hashed_name(paths),
    }
}

#[cfg(not(unix))]
fn socket_name(paths: &Paths) -> io::Result<Name<'static>> {
    hashed_name(paths)
}

fn hashed_name(paths: &Paths) -> io::Result<Name<'static>> {
    use interprocess::local_socket::GenericNamespaced;
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    paths.root().hash(&mut hasher);
    format!("wick-{:016x}.socket", hasher.finish()).to_ns_name::<GenericNamespaced>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_window_knocks_at_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::at(folder.path().join("data"));
        let Claim::First { lock, listener } = claim(&paths) else {
            panic!("nobody else is there");
        };
        let listener = listener.unwrap();
        let waiting = std::thread::spawn(move || listener.accept().map(drop));
        assert!(matches!(claim(&paths), Claim::Taken));
        waiting.join().unwrap().unwrap();
        drop(lock);
        assert!(matches!(claim(&paths), Claim::First { .. }));
    }

    #[test]
    fn a_socket_left_by_a_killed_window_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::at(folder.path());
        let Claim::First { lock, listener } = claim(&paths) else {
            panic!("nobody else is there");
        };
        // The name stays, as after a kill.
        std::mem::forget(listener);
        drop(lock);
        let Claim::First { listener, .. } = claim(&paths) else {
            panic!("the lock is free again");
        };
        assert!(listener.is_some());
    }

    #[test]
    fn a_folder_that_takes_no_lock_does_not_stop_the_window() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let paths = Paths::at(file.path());
        assert!(matches!(claim(&paths), Claim::Unguarded));
    }

    #[test]
    fn a_folder_with_a_long_name_has_a_socket_too() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::at(folder.path().join("long".repeat(40)));
        let Claim::First { listener, .. } = claim(&paths) else {
            panic!("nobody else is there");
        };
        assert!(listener.is_some());
    }
}
