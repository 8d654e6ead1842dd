//! One reply from start to finish: load, read, write, save. What is written is on disk at most
//! [`SAVE_INTERVAL`] later, and reaches the window at most once a [`SHOW_INTERVAL`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;
use wick_engine::process::protocol::{Event, GenerateRequest, MemoryUse, ReplyStats, StopReason};

use super::{
    Message, MessageStatus, ReplyEvent, SendReceipt, SendRequest, conversation_of, prompt,
    title_from,
};
use crate::{
    AppError, AppEvent, Error, Result, Settings, Wick, library::LibraryModel, runtime::LoadTarget,
    store::Written,
};

const SAVE_INTERVAL: Duration = Duration::from_millis(250);
const SHOW_INTERVAL: Duration = Duration::from_millis(16);

/// Replies being written now, by message id.
#[derive(Debug, Default)]
pub(crate) struct RunningReplies(Mutex<HashMap<i64, Running>>);

#[derive(Debug)]
struct Running {
    chat_id: i64,
    stop: watch::Sender<bool>,
}

impl RunningReplies {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no more than one is written.
    fn alone(&self) -> bool {
        self.lock().len() <= 1
    }

    fn in_chat(&self, chat_id: i64) -> bool {
        self.lock()
            .values()
            .any(|running| running.chat_id == chat_id)
    }
}

/// What a reply came to.
struct Outcome {
    text: String,
    /// What the model thought before.
    reasoning: String,
    result: Result<ReplyStats>,
    /// Memory of the engine afterwards, where no other reply ran beside this one; unknown where others ran before.
    memory: Option<MemoryUse>,
    /// How the model was loaded; unknown where it was not.
    target: Option<LoadTarget>,
}

impl Wick {
    /// Saves the user's message, then starts the reply. `sink` hears how it comes along.
    ///
    /// Returns as soon as the message is on disk. Must be called within a tokio runtime.
    pub fn send(
        self: &Arc<Self>,
        request: SendRequest,
        sink: impl Fn(ReplyEvent) + Send + Sync + 'static,
    ) -> Result<SendReceipt> {
        if request.text.trim().is_empty() {
            return Err(Error::EmptyMessage);
        }
        let (settings, model) = self.model_to_answer()?;
        let (text, name) = (request.text.as_str(), model.info.name.as_str());
        let (user_message, reply) = match request.chat_id {
            Some(chat_id) => {
                self.store.chat(chat_id)?;
                self.refuse_while_answering(chat_id)?;
                self.store
                    .add_turn(chat_id, request.parent_id, text, name)?
            }
            None => {
                self.save_new_draft("")?;
                self.store.start_chat(&title_from(text), text, name)?
            }
        };
        self.start_reply(Some(user_message), reply, settings, model, sink)
    }

    /// Starts one more reply to the message that `message_id` answers, beside it.
    pub fn regenerate(
        self: &Arc<Self>,
        message_id: i64,
        sink: impl Fn(ReplyEvent) + Send + Sync + 'static,
    ) -> Result<SendReceipt> {
        let old = self.store.message(message_id)?;
        let parent = old.parent_id.ok_or(Error::NotFound {
            what: "question before message",
            id: message_id.to_string(),
        })?;
        self.refuse_while_answering(old.chat_id)?;
        let (settings, model) = self.model_to_answer()?;
        let reply = self
            .store
            .add_reply(old.chat_id, parent, &model.info.name)?;
        self.start_reply(None, reply, settings, model, sink)
    }

    /// Stops a reply; what was written is kept. A reply that has ended is left as it is.
    pub fn stop(&self, message_id: i64) {
        if let Some(running) = self.running.lock().get(&message_id) {
            running.stop.send_replace(true);
        }
    }

    fn refuse_while_answering(&self, chat_id: i64) -> Result<()> {
        match self.running.in_chat(chat_id) {
            true => Err(Error::Busy),
            false => Ok(()),
        }
    }

    fn start_reply(
        self: &Arc<Self>,
        user_message: Option<Message>,
        reply: Message,
        settings: Settings,
        model: LibraryModel,
        sink: impl Fn(ReplyEvent) + Send + Sync + 'static,
    ) -> Result<SendReceipt> {
        let receipt = SendReceipt {
            chat: self.store.chat(reply.chat_id)?,
            user_message,
            reply: reply.clone(),
        };
        let (stop, stopped) = watch::channel(false);
        let chat_id = reply.chat_id;
        self.running
            .lock()
            .insert(reply.id, Running { chat_id, stop });
        self.announce(AppEvent::ChatsChanged);
        // Nobody waits for a measurement.
        self.cancel_calibration();
        let wick = self.clone();
        tokio::spawn(async move {
            let outcome = wick
                .write_reply(&reply, &settings, &model, stopped, &sink)
                .await;
            if let (Ok(stats), Some(memory)) = (&outcome.result, outcome.memory)
                && let Some(target) = &outcome.target
                // A model that was deleted meanwhile has no entry.
                && wick.model_file(&model.id).is_ok()
            {
                wick.note(target, &model.info, Some(stats), memory);
            }
            let saved = wick.save_outcome(&reply, outcome);
            wick.running.lock().remove(&reply.id);
            // The disk may be full: the window is told all the same, with what there is.
            let message = saved.unwrap_or_else(|error| Message {
                status: MessageStatus::Failed,
                error: Some(error.into()),
                ..reply
            });
            sink(ReplyEvent::Finished { message });
            wick.announce(AppEvent::ChatsChanged);
        });
        Ok(receipt)
    }

    async fn write_reply(
        &self,
        reply: &Message,
        settings: &Settings,
        model: &LibraryModel,
        mut stopped: watch::Receiver<bool>,
        sink: &(impl Fn(ReplyEvent) + Sync),
    ) -> Outcome {
        let (mut text, mut reasoning) = (String::new(), String::new());
        let begin = async {
            let branch = self.store.branch(reply.parent_id.unwrap_or(reply.id))?;
            sink(ReplyEvent::Waiting);
            let target = self.placed(self.load_target(settings, model)?).await;
            let loading = |fraction| sink(ReplyEvent::Loading { fraction });
            self.load(&target, loading).await?;
            let conversation = prompt::conversation(&settings.system_prompt, &branch);
            let request = GenerateRequest {
                messages: conversation.turns.clone(),
                sampling: settings.sampling.clone(),
                max_tokens: settings.max_tokens,
                conversation: Some(conversation_of(reply.chat_id)),
                ..GenerateRequest::default()
            };
            Ok((self.runtime.generate(request).await?, conversation, target))
        };
        let work = tokio::select! {
            work = begin => work,
            _ = stopped.wait_for(|stopped| *stopped) => Err(Error::Cancelled),
        };
        let (mut work, conversation, target) = match work {
            Ok(begun) => begun,
            Err(error) => {
                return Outcome {
                    text,
                    reasoning,
                    result: Err(error),
                    memory: None,
                    target: None,
                };
            }
        };

        let (alone, is_first) = (self.running.alone(), self.machine.takes_first_reply());
        let (mut shown, mut shown_reasoning) = (0, 0);
        let mut saved_at = Instant::now();
        let mut saved = 0;
        let mut tick = tokio::time::interval(SHOW_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut asked_to_stop = false;
        let result = loop {
            tokio::select! {
                event = work.next() => match event {
                    Ok(Event::Text { text: more, .. }) => text.push_str(&more),
                    Ok(Event::Reasoning { text: more, .. }) => reasoning.push_str(&more),
                    Ok(Event::Reading { processed, total, reused, dropped_messages, .. }) => {
                        let dropped_messages = conversation.messages_in(dropped_messages);
                        sink(ReplyEvent::Reading { processed, total, reused, dropped_messages });
                    }
                    Ok(Event::Finished { stats, .. }) => break Ok(ReplyStats {
                        dropped_messages: conversation.messages_in(stats.dropped_messages),
                        ..stats
                    }),
                    Ok(_) => break Err(Error::Internal("the engine answered a prompt with something else")),
                    Err(error) => break Err(error),
                },
                _ = stopped.wait_for(|stopped| *stopped), if !asked_to_stop => {
                    asked_to_stop = true;
                    work.cancel();
                }
                _ = tick.tick() => {
                    show(&text, &mut shown, &reasoning, &mut shown_reasoning, sink);
                    if saved < text.len() + reasoning.len() && saved_at.elapsed() >= SAVE_INTERVAL {
                        // A full disk must not end the reply: the end of it tries again and says so.
                        let written = Written { content: &text, reasoning: &reasoning };
                        self.store.save_partial(reply.id, written).ok();
                        saved = text.len() + reasoning.len();
                        saved_at = Instant::now();
                    }
                }
            }
        };
        show(&text, &mut shown, &reasoning, &mut shown_reasoning, sink);
        let memory = match &result {
            Ok(_) => work.finish().await,
            Err(_) => None,
        };
        // Beside others a reply is slower than the machine, and after others it is not all that memory holds.
        let memory = memory.filter(|_| alone && self.running.alone());
        let memory = memory.map(|memory| match is_first {
            true => memory,
            false => MemoryUse::default(),
        });
        Outcome {
            text,
            reasoning,
            result,
            memory,
            target: Some(target),
        }
    }

    fn save_outcome(&self, reply: &Message, outcome: Outcome) -> Result<Message> {
        let (status, stats, error) = match outcome.result {
            Ok(stats) if stats.stop_reason == StopReason::Cancelled => {
                (MessageStatus::Stopped, Some(stats), None)
            }
            Ok(stats) => (MessageStatus::Complete, Some(stats), None),
            Err(error) if error.code() == crate::ErrorCode::Cancelled => {
                (MessageStatus::Stopped, None, None)
            }
            Err(error) => (MessageStatus::Failed, None, Some(AppError::from(error))),
        };
        let written = Written {
            content: outcome.text.trim_end(),
            reasoning: outcome.reasoning.trim_end(),
        };
        self.store
            .finish_reply(reply.id, written, status, stats.as_ref(), error.as_ref())
    }
}

/// Tells what came since it was told last: thoughts first, since they come first.
fn show(
    text: &str,
    shown: &mut usize,
    reasoning: &str,
    shown_reasoning: &mut usize,
    sink: &impl Fn(ReplyEvent),
) {
    if *shown_reasoning < reasoning.len() {
        let text = reasoning[*shown_reasoning..].to_owned();
        sink(ReplyEvent::Reasoning { text });
        *shown_reasoning = reasoning.len();
    }
    if *shown < text.len() {
        let text_since = text[*shown..].to_owned();
        sink(ReplyEvent::Text { text: text_since });
        *shown = text.len();
    }
}
