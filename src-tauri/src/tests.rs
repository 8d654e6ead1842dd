//! The real commands behind the real permissions, on a runtime that needs no display.

use serde_json::{Value, json};
use tauri::{
    App, Manager, WebviewWindow,
    ipc::{CallbackFn, InvokeBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};
use tempfile::TempDir;
use wick::{EngineCommand, Paths};

use crate::{app, command_names::COMMANDS, state::Desktop, window};

struct Page {
    _app: App<MockRuntime>,
    window: WebviewWindow<MockRuntime>,
}

impl Page {
    fn open(paths: Paths) -> Self {
        let engine = EngineCommand::new("no-such-engine", ["--engine"]);
        let app = app(mock_builder(), Desktop::at(paths, engine)).unwrap();
        let window = window::open(app.handle()).unwrap();
        Self { _app: app, window }
    }

    fn started(folder: &TempDir) -> Self {
        let page = Self::open(Paths::at(folder.path()));
        page.call("app_start", json!({})).unwrap();
        page
    }

    fn call_from(&self, url: &str, command: &str, arguments: Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.into(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: url.parse().unwrap(),
            body: InvokeBody::Json(arguments),
            headers: Default::default(),
            invoke_key: INVOKE_KEY.into(),
        };
        get_ipc_response(&self.window, request).map(|body| body.deserialize().unwrap())
    }

    fn call(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let own = match cfg!(windows) {
            true => "http://tauri.localhost",
            false => "tauri://localhost",
        };
        self.call_from(own, command, arguments)
    }
}

fn in_database(folder: &TempDir, statement: &str) {
    let database = Paths::at(folder.path()).database();
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute_batch(statement).unwrap();
}

fn with_a_chat() -> (TempDir, Page) {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::started(&folder);
    in_database(
        &folder,
        "INSERT INTO chats (id, title, created_at_ms, updated_at_ms) VALUES (7, 'Candles', 1, 1)",
    );
    (folder, page)
}

#[test]
fn every_command_is_granted_and_handled() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(Paths::at(folder.path()));
    // Without arguments most refuse, each in its own words. Those left out would open a file browser.
    let is_quiet = |name: &&&str| !["app_open_data_folder", "models_folder_open"].contains(name);
    for command in COMMANDS.iter().filter(is_quiet) {
        if let Err(error) = page.call(command, json!({})) {
            let error = error.to_string();
            assert!(!error.contains("not allowed"), "{command}: {error}");
            assert!(!error.contains("not found"), "{command}: {error}");
        }
    }
}

#[test]
fn what_is_not_granted_is_denied() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(Paths::at(folder.path()));
    for command in [
        "app_eval",
        "plugin:dialog|open",
        "plugin:event|emit",
        "plugin:window|close",
    ] {
        let error = page.call(command, json!({})).unwrap_err().to_string();
        assert!(
            error.contains("not allowed") || error.contains("not found"),
            "{error}"
        );
    }
    let error = page.call_from("https://example.org/", "app_start", json!({}));
    assert!(error.unwrap_err().to_string().contains("not allowed"));
}

#[test]
fn starts_on_an_empty_folder_and_again_after_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(Paths::at(folder.path()));
    let state = page.call("app_start", json!({})).unwrap();
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(state["dataFolder"], folder.path().display().to_string());
    assert_eq!(state["notice"], Value::Null);
    assert!(state["physicalCores"].as_u64().unwrap() >= 1);
    assert!(state["totalMemoryBytes"].as_u64().unwrap() > 0);
    let again = page.call("app_start", json!({})).unwrap();
    assert_eq!(again["settings"], state["settings"]);
    assert_eq!(
        page.call("chats_list", json!({ "query": null })),
        Ok(json!([]))
    );
    assert_eq!(
        page.call("engine_status", json!({})),
        Ok(json!({ "state": "idle" }))
    );
}

#[test]
fn a_database_from_the_future_is_refused_until_it_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    in_database(
        &folder,
        "PRAGMA user_version = 999; CREATE TABLE future (a)",
    );
    let page = Page::open(Paths::at(folder.path()));
    let error = page.call("app_start", json!({})).unwrap_err();
    assert_eq!(error["code"], "storage_from_newer_version");
    let kept_at = page.call("app_set_storage_aside", json!({})).unwrap();
    assert!(std::path::Path::new(kept_at.as_str().unwrap()).exists());
    page.call("app_start", json!({})).unwrap();
    let error = page.call("app_set_storage_aside", json!({})).unwrap_err();
    assert_eq!(error["code"], "internal");
}

#[test]
fn a_folder_that_cannot_be_written_is_said_to_be_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let page = Page::open(Paths::at(file.path()));
    let error = page.call("app_start", json!({})).unwrap_err();
    assert_eq!(error["code"], "storage_unwritable");
}

#[test]
fn a_chat_is_renamed_deleted_and_restored() {
    let (_folder, page) = with_a_chat();
    let renamed = page.call("chat_rename", json!({ "chatId": 7, "title": "Wicks" }));
    assert_eq!(renamed.unwrap()["title"], "Wicks");
    let list = || page.call("chats_list", json!({ "query": null })).unwrap();
    assert_eq!(list()[0]["title"], "Wicks");
    page.call("chat_delete", json!({ "chatId": 7 })).unwrap();
    assert_eq!(list(), json!([]));
    page.call("chat_restore", json!({ "chatId": 7 })).unwrap();
    assert_eq!(list()[0]["title"], "Wicks");
    let error = page.call("chat_open", json!({ "chatId": 8 })).unwrap_err();
    assert_eq!(error["code"], "not_found");
}

#[test]
fn drafts_are_kept_for_chats_and_for_the_next_one() {
    let (_folder, page) = with_a_chat();
    let save =
        |chat: Value, text| page.call("chat_save_draft", json!({ "chatId": chat, "text": text }));
    save(json!(7), "to a chat").unwrap();
    save(Value::Null, "to no chat").unwrap();
    let chat = page.call("chat_open", json!({ "chatId": 7 })).unwrap();
    assert_eq!(chat["draft"], "to a chat");
    assert_eq!(
        page.call("chat_new_draft", json!({})),
        Ok(json!("to no chat"))
    );
}

#[test]
fn settings_change_field_by_field_and_unknown_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::started(&folder);
    let update = |patch: Value| page.call("settings_update", json!({ "patch": patch }));
    assert_eq!(update(json!({ "theme": "dark" })).unwrap()["theme"], "dark");
    assert_eq!(update(json!({ "threads": 2 })).unwrap()["theme"], "dark");
    assert_eq!(
        update(json!({ "threads": null })).unwrap()["threads"],
        Value::Null
    );
    assert_eq!(
        update(json!({ "threads": 0 })).unwrap_err()["code"],
        "invalid_settings"
    );
    assert!(update(json!({ "shell": "sh" })).is_err());
}

#[test]
fn the_machine_is_told_whatever_its_drivers_do() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::started(&folder);
    // The program that looks for graphics processors is not there.
    let report = page.call("hardware_inspect", json!({})).unwrap();
    let profile = &report["profile"];
    assert!(profile["processor"]["usableCores"].as_u64() >= Some(1));
    assert!(profile["memory"]["totalBytes"].as_u64() > Some(0));
    assert!(profile["gpuSearch"]["failure"].is_string(), "{profile}");
    assert_eq!(report["needsCalibration"], true);
    let arguments = json!({ "onProgress": "__CHANNEL__:1" });
    let error = page.call("hardware_calibrate", arguments).unwrap_err();
    assert_eq!(error["code"], "engine_start_failed");
    page.call("hardware_cancel_calibration", json!({})).unwrap();
    assert_eq!(page.call("hardware_measurements", json!({})), Ok(json!([])));
    let wishes = json!({ "preferences": { "prefer": "speed", "leaveFreeBytes": 0 } });
    let advice = page.call("recommend_models", wishes).unwrap();
    let (predictions, recommended) = (&advice["predictions"], &advice["recommendations"]);
    let models = &wick::catalog::Catalog::builtin().entries;
    assert_eq!(predictions.as_array().map(Vec::len), Some(models.len()));
    // Nothing was measured.
    assert_eq!(predictions[0]["decode_tokens_per_second"], Value::Null);
    let recommended = recommended.as_array().unwrap();
    assert!(recommended.iter().all(|one| one["reasons"][0].is_string()));
}

#[test]
fn the_hub_is_known_without_asking_it_and_a_token_never_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::started(&folder);
    let catalog = page.call("hub_catalog", json!({})).unwrap();
    assert!(catalog[0]["repository"].is_string());
    // Nobody listens there.
    let patch = json!({ "hubEndpoint": "http://127.0.0.1:9" });
    page.call("settings_update", json!({ "patch": patch }))
        .unwrap();
    let account = page.call("hub_account", json!({})).unwrap();
    let expected = json!({ "hasToken": false, "keptIn": "file", "endpoint": "http://127.0.0.1:9" });
    assert_eq!(account, expected);
    let error = page
        .call("hub_set_token", json!({ "token": "hf secret" }))
        .unwrap_err();
    assert_eq!(error["code"], "hub_refused");
    assert!(!error.to_string().contains("secret"));
    // It cannot be tried, so it is kept.
    let account = page
        .call("hub_set_token", json!({ "token": "hf_secret" }))
        .unwrap();
    assert_eq!(account["hasToken"], true);
    assert!(!account.to_string().contains("secret"));
    let page_of_catalog = page
        .call("hub_search", json!({ "query": { "search": "smollm2" } }))
        .unwrap();
    assert_eq!(page_of_catalog["source"]["kind"], "catalog");
    let error = page
        .call("hub_details", json!({ "repository": "../etc" }))
        .unwrap_err();
    assert_eq!(error["code"], "hub_refused");
    let check = json!({ "repository": "a/b", "commit": "main", "file": "x" });
    assert_eq!(
        page.call("hub_check", check).unwrap_err()["code"],
        "hub_refused"
    );
}

#[test]
fn a_message_without_a_model_is_refused_and_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::started(&folder);
    let request = json!({ "chatId": null, "parentId": null, "text": "Hello" });
    let arguments = json!({ "request": request, "onEvent": "__CHANNEL__:1" });
    let error = page.call("chat_send", arguments).unwrap_err();
    assert_eq!(error["code"], "no_model");
    assert_eq!(
        page.call("chats_list", json!({ "query": null })),
        Ok(json!([]))
    );
}

#[test]
fn a_script_is_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(Paths::at(folder.path()));
    let error = page.call("app_open_link", json!({ "url": "javascript:alert(1)" }));
    assert_eq!(error.unwrap_err()["code"], "link_refused");
}

#[test]
fn files_that_are_dropped_on_the_window_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::open(Paths::at(folder.path()));
    let described = &page.window.config().app.windows;
    assert!(described.iter().all(|window| window.drag_drop_enabled));
}
