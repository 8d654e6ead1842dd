//! Chat templates: whatever the source, rendering ends, with a prompt or an error.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use wick_engine::{
    chat_template::ChatTemplate,
    gguf::ValidatedGguf,
    process::protocol::{ChatMessage, Role},
    testkit::{GgufWriter, tiny_model},
    tokenizer::Tokenizer,
};

fn tokenizer() -> &'static Tokenizer {
    static TOKENIZER: OnceLock<Tokenizer> = OnceLock::new();
    TOKENIZER.get_or_init(|| {
        let model = tiny_model("llama").writer().expect("a tiny model is written");
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
    let message = |role, content: &str| ChatMessage {
        role,
        content: content.to_owned(),
    };
    let _ = template.render(&[
        message(Role::System, "Be brief."),
        message(Role::User, "<|im_end|> {{ 1 }}"),
        message(Role::Assistant, "One."),
        message(Role::User, "And two?"),
    ]);
});
