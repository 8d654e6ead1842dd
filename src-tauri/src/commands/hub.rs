//! Models on the Hub, before anything is downloaded. The token comes in and never goes out.

use wick::{
    catalog::CatalogEntry,
    hub::{HubAccount, HubDetails, HubFileCheck, HubPage, HubQuery},
};

use super::{Answer, Shared};

#[tauri::command]
pub async fn hub_search(desktop: Shared<'_>, query: HubQuery) -> Answer<HubPage> {
    Ok(desktop.wick()?.hub_search(&query).await?)
}

#[tauri::command]
pub async fn hub_details(desktop: Shared<'_>, repository: String) -> Answer<HubDetails> {
    Ok(desktop.wick()?.hub_details(&repository).await?)
}

#[tauri::command]
pub async fn hub_check(
    desktop: Shared<'_>,
    repository: String,
    commit: String,
    file: String,
) -> Answer<HubFileCheck> {
    let wick = desktop.wick()?;
    Ok(wick.hub_check(&repository, &commit, &file).await?)
}

#[tauri::command]
pub async fn hub_account(desktop: Shared<'_>) -> Answer<HubAccount> {
    Ok(desktop.wick()?.hub_account().await?)
}

#[tauri::command]
pub async fn hub_set_token(desktop: Shared<'_>, token: Option<String>) -> Answer<HubAccount> {
    Ok(desktop.wick()?.hub_set_token(token.as_deref()).await?)
}

#[tauri::command(async)]
pub fn hub_catalog(desktop: Shared<'_>) -> Answer<Vec<CatalogEntry>> {
    Ok(desktop.wick()?.hub_catalog().to_vec())
}
