//! The window around [`wick`]: commands, events, one window per data folder. No logic of its own.

mod background;
#[cfg(test)]
mod command_names;
mod commands;
#[cfg(test)]
mod contract;
mod instance;
mod links;
mod state;
mod taskbar;
#[cfg(test)]
mod tests;
mod window;

use std::{process::ExitCode, time::Duration};

use commands::{app as app_commands, chat, downloads, hardware, hub, models, recommend, settings};
use instance::Claim;
use state::Desktop;
use tauri::{AppHandle, Manager, RunEvent, Runtime};

/// How long closing the window waits for the engine and for downloads. After that its closed standard input ends the
/// engine, and downloads lose a second.
const FAREWELL: Duration = Duration::from_secs(10);

/// Opens the window and returns when it is closed.
pub fn run() -> ExitCode {
    let desktop = Desktop::from_environment();
    let claim = match desktop.paths() {
        Ok(paths) => instance::claim(paths),
        // The page says what is wrong with the data folder.
        Err(_) => Claim::Unguarded,
    };
    if let Claim::Taken = claim {
        return ExitCode::SUCCESS;
    }
    match app(tauri::Builder::default(), desktop) {
        Ok(app) => {
            let _lock = claim.listen(app.handle());
            app.run(|app, event| {
                if let RunEvent::Exit = event {
                    end(app);
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Wick could not open its window: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The app on any runtime, so that tests run the real commands without a display.
fn app<R: Runtime>(builder: tauri::Builder<R>, desktop: Desktop) -> tauri::Result<tauri::App<R>> {
    builder
        .plugin(tauri_plugin_dialog::init())
        .manage(desktop)
        .invoke_handler(tauri::generate_handler![
            app_commands::app_start,
            app_commands::app_set_storage_aside,
            app_commands::app_open_link,
            app_commands::app_open_data_folder,
            chat::chats_list,
            chat::chat_open,
            chat::chat_send,
            chat::chat_regenerate,
            chat::chat_stop,
            chat::chat_select_leaf,
            chat::chat_rename,
            chat::chat_delete,
            chat::chat_restore,
            chat::chat_save_draft,
            chat::chat_new_draft,
            models::models_list,
            models::model_import,
            models::model_import_cancel,
            models::model_select,
            models::model_unload,
            models::model_delete,
            models::model_restore,
            models::model_verify,
            models::model_verify_cancel,
            models::models_trash_empty,
            models::models_folder,
            models::models_folder_open,
            models::models_folder_move,
            models::models_folder_move_cancel,
            models::models_adoptable,
            models::models_adopt,
            models::models_check_newer,
            models::engine_status,
            downloads::downloads_list,
            downloads::download_start,
            downloads::download_pause,
            downloads::download_resume,
            downloads::download_cancel,
            downloads::download_move,
            hardware::hardware_inspect,
            hardware::hardware_calibrate,
            hardware::hardware_cancel_calibration,
            hardware::hardware_measurements,
            recommend::recommend_models,
            hub::hub_search,
            hub::hub_details,
            hub::hub_check,
            hub::hub_account,
            hub::hub_set_token,
            hub::hub_catalog,
            settings::settings_update,
        ])
        .setup(|app| Ok(window::open(app.handle()).map(drop)?))
        .build(tauri::generate_context!())
}

fn end<R: Runtime>(app: &AppHandle<R>) {
    if let Ok(wick) = app.state::<Desktop>().wick() {
        tauri::async_runtime::block_on(async {
            let stop = async { tokio::join!(wick.runtime().unload(), wick.hold_downloads()) };
            tokio::time::timeout(FAREWELL, stop).await.ok();
        });
        // What cannot be deleted now is deleted when Wick is next opened.
        wick.empty_model_trash().ok();
    }
}
