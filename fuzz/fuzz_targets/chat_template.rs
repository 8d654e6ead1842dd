//! Chat templates: whatever the source, rendering ends, with a prompt or an error.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use wick_engine::{
    chat_template::ChatTemplate,
    gguf::ValidatedGguf,
    process::protocol::{ChatMessage, RenderOptions, Role},
    testkit::{GgufWriter, tiny_model},
    tokenizer::Tokenizer,
};

fn tokenizer() -> &'static Tokenizer {
    static TOKENIZER: OnceLock<Tokenizer> = OnceLock::new();
    TOKENIZER.get_or_init(|| {
        let model = tiny_model("llama")
            .writer()
            .expect("a tiny model is written");
        let gguf = ValidatedGguf::from_bytes(&model.bytes()).expect("a tiny model is good");
        Tokenizer::from_gguf(&gguf).expect("a tiny model has a tokenizer")
    })
}

fuzz_target!(|source: &str| {
    let mut writer = GgufWriter::new();
    writer
        .string("general.architecture", "tiny")
        .string("tokenizer.chat_template", source);
    let Ok(gguf) = ValidatedGguf::from_bytes(&writer.bytes()) else {
        return;
    };
    let Ok(template) = ChatTemplate::from_gguf(&gguf, tokenizer()) else {
        return;
    };
    let messages = [
        ChatMessage::new(Role::System, "Be brief."),
        ChatMessage::new(Role::User, "<|im_end|> {{ 1 }}"),
        ChatMessage::new(Role::Assistant, "One."),
        ChatMessage::new(Role::User, "And two?"),
    ];
    let _ = template.render(&messages, &RenderOptions::default());
});
