use std::sync::Arc;
use wick_engine::{
    chat_template::*, decoder::*, gguf::ValidatedGguf, kv_cache::CacheFormat, layers::Compute,
    process::protocol::*, source::ModelSource, tokenizer::Tokenizer,
};
#[test]
fn probe() {
    let path = std::path::PathBuf::from(std::env::var("WICK_TEST_MODEL").unwrap());
    let gguf = ValidatedGguf::open(&path).unwrap();
    let tok = Tokenizer::from_gguf(&gguf).unwrap();
    let template = ChatTemplate::from_gguf(&gguf, &tok).unwrap();
    let parts = template
        .render(&[ChatMessage {
            role: Role::User,
            content: "What is the capital of France?".into(),
        }])
        .unwrap();
    let ids = tok.encode_prompt(&parts).unwrap();
    println!("{parts:?} {ids:?}");
    let source = ModelSource::open(&path).unwrap();
    for (name, f) in [
        ("f32", CacheFormat::F32),
        ("f16", CacheFormat::F16),
        ("q8", CacheFormat::Q8_0),
    ] {
        let model = LoadedModel::load(
            &source,
            512,
            f,
            Compute::Host(Arc::new(wick_kernels::Threads::new(2))),
            &mut |_| {},
        )
        .unwrap();
        let mut d = Decoder::new(&model);
        let l = d.prefill(&ids).unwrap();
        let mut o: Vec<usize> = (0..l.len()).collect();
        o.sort_by(|a, b| l[*b].total_cmp(&l[*a]));
        println!(
            "{name}: {:?}",
            o[..6]
                .iter()
                .map(|i| (
                    String::from_utf8_lossy(&tok.token_bytes(*i as u32)).into_owned(),
                    l[*i]
                ))
                .collect::<Vec<_>>()
        );
    }
}
