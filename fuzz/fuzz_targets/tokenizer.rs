//! Vocabularies, from the header of a GGUF file or from `tokenizer.json` (the first byte says which), and text written
//! with them.
#![no_main]

use std::{fs, path::PathBuf, sync::OnceLock};

use libfuzzer_sys::fuzz_target;
use wick_engine::{gguf::ValidatedGguf, tokenizer::Tokenizer};

const TEXT: &str = "Hello, wörld! <|im_start|> 123\n\n\t 日本語 👍🏽 \u{0}\u{FFFD} isn't <0x41>▁";

/// Where `tokenizer.json` is written: best on a file system in memory.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("wick-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("there is a place for temporary files");
        folder
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else {
        return;
    };
    let tokenizer = match which % 2 {
        0 => ValidatedGguf::from_bytes(bytes).and_then(|gguf| Tokenizer::from_gguf(&gguf)),
        _ => {
            fs::write(folder().join("tokenizer.json"), bytes).expect("the file can be written");
            Tokenizer::from_hub_folder(folder())
        }
    };
    let Ok(tokenizer) = tokenizer else {
        return;
    };
    for tokens in [tokenizer.encode_text(TEXT), tokenizer.encode_document(TEXT)] {
        for token in tokens.unwrap_or_default() {
            assert!((token as usize) < tokenizer.vocabulary_size());
            let _ = tokenizer.token_bytes(token);
        }
    }
    let _ = (tokenizer.bos_text(), tokenizer.eos_text());
});
