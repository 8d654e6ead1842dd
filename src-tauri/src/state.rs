//! What the commands share: the data folder, and the application once `app_start` has opened it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use wick::{AppError, EngineCommand, Error, Paths, Settings, StorageNotice, Wick};

/// What the page needs before it can show anything.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct StartState {
    /// Version of Wick.
    pub version: String,
    /// The settings as they are.
    pub settings: Settings,
    /// Where everything lies.
    pub data_folder: String,
    /// Something about the data folder that the user should know.
    pub notice: Option<StorageNotice>,
    /// Cores of the processor, hyper-threads not counted.
    pub physical_cores: u32,
    /// Memory of the machine; 0 where the system does not tell.
    pub total_memory_bytes: u64,
}

/// The state behind every command.
#[derive(Debug)]
pub struct Desktop {
    paths: Result<Paths, AppError>,
    engine: Result<EngineCommand, AppError>,
    opened: Mutex<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    wick: Arc<Wick>,
    notice: Option<StorageNotice>,
}

impl Desktop {
    /// The data folder of this user, and this program as the engine.
    pub fn from_environment() -> Self {
        Self {
            paths: Paths::from_environment().map_err(AppError::from),
            engine: EngineCommand::this_program().map_err(AppError::from),
            opened: Mutex::default(),
        }
    }

    /// Everything in one folder, with any engine.
    #[cfg(test)]
    pub fn at(paths: Paths, engine: EngineCommand) -> Self {
        Self {
            paths: Ok(paths),
            engine: Ok(engine),
            opened: Mutex::default(),
        }
    }

    /// A panic elsewhere left the state whole: it is only ever set at once.
    fn opened(&self) -> MutexGuard<'_, Option<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The data folder.
    pub fn paths(&self) -> Result<&Paths, AppError> {
        self.paths.as_ref().map_err(Clone::clone)
    }

    /// The application, once `app_start` has opened it.
    pub fn wick(&self) -> Result<Arc<Wick>, AppError> {
        match &*self.opened() {
            Some(opened) => Ok(opened.wick.clone()),
            None => Err(Error::Internal("a command came before app_start").into()),
        }
    }

    /// Opens the application. It is returned by the call that opened it, so that its background work begins once.
    pub fn start(&self) -> Result<(StartState, Option<Arc<Wick>>), AppError> {
        let mut opened = self.opened();
        if let Some(opened) = &*opened {
            return Ok((start_state(opened), None));
        }
        let (wick, notice) = Wick::open(self.paths()?.clone(), self.engine.clone()?)?;
        wick.mark_interrupted()?;
        // What a Wick that died had in its trash. What cannot be deleted stays there.
        wick.empty_model_trash().ok();
        let opened = opened.insert(Opened { wick, notice });
        Ok((start_state(opened), Some(opened.wick.clone())))
    }

    /// Sets aside a database that cannot be opened, and says where it lies now.
    pub fn set_storage_aside(&self) -> Result<String, AppError> {
        let opened = self.opened();
        if opened.is_some() {
            return Err(Error::Internal("a database in use is not set aside").into());
        }
        let kept_at = wick::set_storage_aside(self.paths()?)?;
        Ok(kept_at.display().to_string())
    }
}

fn start_state(opened: &Opened) -> StartState {
    let memory = sysinfo::System::new().map(|mut system| {
        system.refresh_memory();
        system.total_memory()
    });
    let logical = || std::thread::available_parallelism().map_or(1, usize::from);
    let cores = sysinfo::System::physical_core_count().unwrap_or_else(|_| logical());
    StartState {
        version: env!("CARGO_PKG_VERSION").into(),
        settings: opened.wick.settings(),
        data_folder: opened.wick.paths().root().display().to_string(),
        notice: opened.notice.clone(),
        physical_cores: u32::try_from(cores).unwrap_or(u32::MAX),
        total_memory_bytes: memory.unwrap_or_default(),
    }
}
