//! Settings, changed field by field.

use wick::{Settings, SettingsPatch};

use super::{Answer, Shared};

#[tauri::command(async)]
pub fn settings_update(desktop: Shared<'_>, patch: SettingsPatch) -> Answer<Settings> {
    Ok(desktop.wick()?.update_settings(patch)?)
}
