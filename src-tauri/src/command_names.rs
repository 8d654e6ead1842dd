//! Every command of the window. The build script makes a permission of each, so that a command which is not
//! listed here, or not in `capabilities/main.json`, is denied.

/// The names, in the order of the handler in `lib.rs`.
pub const COMMANDS: &[&str] = &[
    "app_start",
    "app_set_storage_aside",
    "app_open_link",
    "app_open_data_folder",
    "chats_list",
    "chat_open",
    "chat_send",
    "chat_regenerate",
    "chat_stop",
    "chat_select_leaf",
    "chat_rename",
    "chat_delete",
    "chat_restore",
    "chat_save_draft",
    "chat_new_draft",
    "models_list",
    "model_import",
    "model_import_cancel",
    "model_select",
    "model_unload",
    "engine_status",
    "hardware_inspect",
    "hardware_calibrate",
    "hardware_cancel_calibration",
    "hardware_measurements",
    "recommend_models",
    "settings_update",
];
