//! The whole application behind one type: [`Wick`].

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use wick_engine::process::protocol::{DeviceChoice, KeepOnDisk, LoadOptions};

use crate::{
    AppEvent, EngineCommand, Error, Paths, Result, Settings, SettingsPatch,
    chat::{Chat, ChatSummary, RunningReplies, conversation_of},
    download::Downloads,
    hardware::Machine,
    hub::Connection,
    library::{Availability, Cancels, Library, LibraryModel},
    runtime::{LoadTarget, Runtime},
    store::{self, Store},
};

/// Something about the data folder that the user should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub enum StorageNotice {
    /// The database was damaged; it was set aside whole, and a new one begun.
    DamagedSetAside {
        /// Where it lies now.
        kept_at: String,
    },
}

/// The application.
#[derive(Debug)]
pub struct Wick {
    pub(crate) paths: Paths,
    pub(crate) store: Store,
    pub(crate) runtime: Runtime,
    pub(crate) running: RunningReplies,
    pub(crate) machine: Machine,
    pub(crate) connection: Connection,
    settings: Mutex<Settings>,
    events: broadcast::Sender<AppEvent>,
    pub(crate) cancels: Cancels,
    pub(crate) downloads: Downloads,
}

/// Most bytes on disk that keep what was read in chats.
const KV_CACHE_BYTES: u64 = 4 << 30;

const SETTINGS: &str = "settings";
const NEW_DRAFT: &str = "new_chat_draft";

/// Sets aside a database that this Wick cannot read, and says where it lies now.
pub fn set_storage_aside(paths: &Paths) -> Result<PathBuf> {
    store::set_aside(&paths.database())
}

impl Wick {
    /// Opens the data folder. A damaged database is set aside and told of; one of a newer Wick is an error.
    pub fn open(paths: Paths, engine: EngineCommand) -> Result<(Arc<Self>, Option<StorageNotice>)> {
        paths.prepare()?;
        let database = paths.database();
        let (store, notice) = match Store::open(&database) {
            Err(Error::StorageDamaged { .. }) => {
                let kept_at = store::set_aside(&database)?.display().to_string();
                let notice = StorageNotice::DamagedSetAside { kept_at };
                (Store::open(&database)?, Some(notice))
            }
            opened => (opened?, None),
        };
        // Settings that do not parse are those of no Wick: the defaults serve better than a dead end.
        let settings = store
            .document(SETTINGS)?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Library::open(&paths, &store)?.recover_move()?;
        Library::open(&paths, &store)?.find_unlisted()?;
        store.empty_trash()?;
        let wick = Self {
            paths,
            store,
            runtime: Runtime::new(engine),
            running: RunningReplies::default(),
            machine: Machine::default(),
            connection: Connection::default(),
            settings: Mutex::new(settings),
            events: broadcast::Sender::new(256),
            cancels: Cancels::default(),
            downloads: Downloads::default(),
        };
        wick.limit_downloads(wick.settings().download_limit_bytes_per_second);
        Ok((Arc::new(wick), notice))
    }

    /// Marks replies that a Wick which is gone was writing. For the window, of which there is only one.
    pub fn mark_interrupted(&self) -> Result<()> {
        self.store.mark_interrupted().map(drop)
    }

    /// Where everything lies.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The engine process.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Everything that happens from now on.
    pub fn events(&self) -> broadcast::Receiver<AppEvent> {
        self.events.subscribe()
    }

    pub(crate) fn announce(&self, event: AppEvent) {
        // Nobody listening is fine.
        self.events.send(event).ok();
    }

    /// The settings as they are.
    pub fn settings(&self) -> Settings {
        self.settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the settings, on disk first.
    pub fn update_settings(&self, patch: SettingsPatch) -> Result<Settings> {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let new = settings.patched(patch)?;
        let text = serde_json::to_string(&new)
            .map_err(|_| Error::Internal("settings do not serialize"))?;
        self.store.save_document(SETTINGS, &text)?;
        settings.clone_from(&new);
        drop(settings);
        self.limit_downloads(new.download_limit_bytes_per_second);
        self.announce(AppEvent::SettingsChanged {
            settings: Box::new(new.clone()),
        });
        Ok(new)
    }

    /// Chats newest first; with a query, those whose title or messages contain it.
    pub fn chats(&self, query: Option<&str>) -> Result<Vec<ChatSummary>> {
        self.store.chats(query)
    }

    /// A chat with all its messages.
    pub fn open_chat(&self, id: i64) -> Result<Chat> {
        let summary = self.store.chat(id)?;
        let (active_leaf_id, draft) = self.store.chat_position(id)?;
        Ok(Chat {
            summary,
            messages: self.store.messages(id)?,
            active_leaf_id,
            draft,
        })
    }

    /// Gives the chat a title; a blank one is refused.
    pub fn rename_chat(&self, id: i64, title: &str) -> Result<ChatSummary> {
        let title = crate::chat::title_from(title);
        if title.is_empty() {
            return Err(Error::EmptyMessage);
        }
        self.store.rename_chat(id, &title)?;
        self.announce(AppEvent::ChatsChanged);
        self.store.chat(id)
    }

    /// Moves the chat to the trash, from which [`Wick::restore_chat`] brings it back.
    pub fn delete_chat(&self, id: i64) -> Result<()> {
        self.store.delete_chat(id)?;
        let conversation = conversation_of(id);
        self.runtime.forget(&conversation);
        wick_engine::generate::forget_on_disk(&self.paths.kv_cache(), &conversation);
        self.announce(AppEvent::ChatsChanged);
        Ok(())
    }

    /// Brings a deleted chat back.
    pub fn restore_chat(&self, id: i64) -> Result<ChatSummary> {
        self.store.restore_chat(id)?;
        self.announce(AppEvent::ChatsChanged);
        self.store.chat(id)
    }

    /// Remembers which branch is shown.
    pub fn select_leaf(&self, chat_id: i64, message_id: i64) -> Result<()> {
        self.store.select_leaf(chat_id, message_id)
    }

    /// Keeps text that was typed and not sent; without a chat, that of the next new one.
    pub fn save_draft(&self, chat_id: Option<i64>, text: &str) -> Result<()> {
        match chat_id {
            Some(id) => self.store.save_draft(id, text),
            None => self.save_new_draft(text),
        }
    }

    pub(crate) fn save_new_draft(&self, text: &str) -> Result<()> {
        self.store.save_document(NEW_DRAFT, text)
    }

    /// Text that was typed for a chat that does not exist yet.
    pub fn new_draft(&self) -> Result<String> {
        Ok(self.store.document(NEW_DRAFT)?.unwrap_or_default())
    }

    /// Makes this the model of new replies, and loads it.
    pub async fn select_model(&self, id: &str) -> Result<()> {
        self.choose(id)?;
        self.preload().await
    }

    /// Loads the model that will answer, so that the first answer is quick.
    pub async fn preload(&self) -> Result<()> {
        let (settings, model) = self.model_to_answer()?;
        let target = self.placed(self.load_target(&settings, &model)?).await;
        self.load(&target, |_| {}).await
    }

    /// Has a model loaded, and notes the memory it takes.
    pub(crate) async fn load(&self, target: &LoadTarget, progress: impl FnMut(f32)) -> Result<()> {
        let report = self.runtime.load(target, progress).await?;
        // That it is shown as not used is no reason not to answer.
        self.store.model_is_used(&target.model_id).ok();
        if report.is_new {
            self.note(target, &report.model, None, report.memory);
        }
        Ok(())
    }

    pub(crate) fn choose(&self, id: &str) -> Result<Settings> {
        self.update_settings(SettingsPatch {
            model_id: Some(Some(id.to_owned())),
            ..SettingsPatch::default()
        })
    }

    /// The chosen model, or the first of the library where none is.
    pub(crate) fn model_to_answer(&self) -> Result<(Settings, LibraryModel)> {
        let settings = self.settings();
        let models = self.models()?;
        let chosen = settings.model_id.as_deref();
        let model = models
            .iter()
            .find(|model| Some(model.id.as_str()) == chosen)
            .or_else(|| {
                models
                    .iter()
                    .find(|model| model.availability == Availability::Available)
            })
            .ok_or(Error::NoModel)?;
        let name = model.info.name.clone();
        let path = self.model_file(&model.id)?.display().to_string();
        match model.availability {
            Availability::Available => Ok((settings, model.clone())),
            Availability::Missing => Err(Error::ModelMissing { name, path }),
            Availability::Changed => Err(Error::ModelChanged { name, path }),
            Availability::FolderMissing => Err(Error::ModelsFolderMissing { path }),
        }
    }

    /// How to load a model, wherever it is computed; [`Wick::placed`] says where.
    pub(crate) fn load_target(
        &self,
        settings: &Settings,
        model: &LibraryModel,
    ) -> Result<LoadTarget> {
        Ok(LoadTarget {
            model_id: model.id.clone(),
            path: self.model_file(&model.id)?,
            options: LoadOptions {
                context_length: settings.context_length,
                device: DeviceChoice::Auto,
                cache_type: settings.cache_type,
                keep_on_disk: Some(KeepOnDisk {
                    folder: self.paths.kv_cache(),
                    model: model.id.clone(),
                    max_bytes: KV_CACHE_BYTES,
                }),
                ..LoadOptions::default()
            },
            threads: settings.threads.or_else(|| self.best_threads()),
        })
    }
}
