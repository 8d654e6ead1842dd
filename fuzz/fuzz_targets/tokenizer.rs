//! The vocabulary in a GGUF header, and text written with it. What is encoded comes back as the text it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wick_engine::{gguf::ValidatedGguf, tokenizer::Tokenizer};

const TEXT: &str = "Hello, wörld! <|im_start|> 123\n\n\t 日本語 👍🏽 \u{0}\u{FFFD} isn't";

fuzz_target!(|bytes: &[u8]| {
    let Ok(gguf) = ValidatedGguf::from_bytes(bytes) else {
        return;
    };
    let Ok(tokenizer) = Tokenizer::from_gguf(&gguf) else {
        return;
    };
    let key = gguf.metadata().str("general.name");
    for text in [TEXT, key.ok().flatten().unwrap_or_default()] {
        let Ok(tokens) = tokenizer.encode_text(text) else {
            continue;
        };
        for token in tokens {
            assert!((token as usize) < tokenizer.vocabulary_size());
            let _ = tokenizer.token_bytes(token);
        }
    }
    let _ = (tokenizer.bos_text(), tokenizer.eos_text());
});
