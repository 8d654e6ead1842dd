//! What suits this machine: the choice from the catalog, and what each of its models would take.

use wick::recommend::{Prediction, Preferences, Recommendation};

use super::{Answer, Shared};

#[tauri::command]
pub async fn recommend_models(
    desktop: Shared<'_>,
    preferences: Preferences,
) -> Answer<Vec<Recommendation>> {
    Ok(desktop.wick()?.recommend(&preferences).await?)
}

#[tauri::command]
pub async fn recommend_predictions(
    desktop: Shared<'_>,
    preferences: Preferences,
) -> Answer<Vec<Prediction>> {
    Ok(desktop.wick()?.predictions(&preferences).await?)
}
