//! Chats: the list, one chat, its messages, its replies.

use tauri::ipc::Channel;
use wick::chat::{Chat, ChatSummary, ReplyEvent, SendReceipt, SendRequest};

use super::{Answer, Shared};

#[tauri::command(async)]
pub fn chats_list(desktop: Shared<'_>, query: Option<String>) -> Answer<Vec<ChatSummary>> {
    Ok(desktop.wick()?.chats(query.as_deref())?)
}

#[tauri::command(async)]
pub fn chat_open(desktop: Shared<'_>, chat_id: i64) -> Answer<Chat> {
    Ok(desktop.wick()?.open_chat(chat_id)?)
}

#[tauri::command(async)]
pub fn chat_send(
    desktop: Shared<'_>,
    request: SendRequest,
    on_event: Channel<ReplyEvent>,
) -> Answer<SendReceipt> {
    Ok(desktop.wick()?.send(request, sink(on_event))?)
}

#[tauri::command(async)]
pub fn chat_regenerate(
    desktop: Shared<'_>,
    message_id: i64,
    on_event: Channel<ReplyEvent>,
) -> Answer<SendReceipt> {
    Ok(desktop.wick()?.regenerate(message_id, sink(on_event))?)
}

#[tauri::command(async)]
pub fn chat_stop(desktop: Shared<'_>, message_id: i64) -> Answer<()> {
    desktop.wick()?.stop(message_id);
    Ok(())
}

#[tauri::command(async)]
pub fn chat_select_leaf(desktop: Shared<'_>, chat_id: i64, message_id: i64) -> Answer<()> {
    Ok(desktop.wick()?.select_leaf(chat_id, message_id)?)
}

#[tauri::command(async)]
pub fn chat_rename(desktop: Shared<'_>, chat_id: i64, title: String) -> Answer<ChatSummary> {
    Ok(desktop.wick()?.rename_chat(chat_id, &title)?)
}

#[tauri::command(async)]
pub fn chat_delete(desktop: Shared<'_>, chat_id: i64) -> Answer<()> {
    Ok(desktop.wick()?.delete_chat(chat_id)?)
}

#[tauri::command(async)]
pub fn chat_restore(desktop: Shared<'_>, chat_id: i64) -> Answer<ChatSummary> {
    Ok(desktop.wick()?.restore_chat(chat_id)?)
}

#[tauri::command(async)]
pub fn chat_save_draft(desktop: Shared<'_>, chat_id: Option<i64>, text: String) -> Answer<()> {
    Ok(desktop.wick()?.save_draft(chat_id, &text)?)
}

#[tauri::command(async)]
pub fn chat_new_draft(desktop: Shared<'_>) -> Answer<String> {
    Ok(desktop.wick()?.new_draft()?)
}

/// Events to the page. A page that was reloaded no longer listens, and the reply goes on all the same.
fn sink(channel: Channel<ReplyEvent>) -> impl Fn(ReplyEvent) + Send + 'static {
    move |event| {
        channel.send(event).ok();
    }
}
