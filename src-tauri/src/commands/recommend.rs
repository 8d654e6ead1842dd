//! What suits this machine: the choice from the catalog, and what each of its models would take.

use wick::recommend::{Advice, Preferences};

use super::{Answer, Shared};

#[tauri::command]
pub async fn recommend_models(desktop: Shared<'_>, preferences: Preferences) -> Answer<Advice> {
    Ok(desktop.wick()?.advise(&preferences).await?)
}
