//! Tiny models in files of their own, and conversations with them.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test takes what it needs, and may end at what it did not expect"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use wick_engine::{
    Result,
    decoder::LoadedModel,
    generate::{Progress, Session},
    kv_cache::CacheFormat,
    layers::{Compute, Host},
    process::protocol::{
        ChatMessage, DeviceChoice, GenerateRequest, LoadOptions, ReplyStats, Role,
    },
    sampling::SamplingParams,
    source::ModelSource,
    testkit::{GgufWriter, TinyModel},
};
use wick_kernels::Threads;

/// A model file, as long as this lives.
pub struct ModelFile {
    pub path: PathBuf,
    _directory: Option<TempDir>,
}

impl ModelFile {
    pub fn write(writer: &GgufWriter) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tiny.gguf");
        fs::write(&path, writer.bytes()).unwrap();
        Self {
            path,
            _directory: Some(directory),
        }
    }

    pub fn of(model: &TinyModel) -> Self {
        Self::write(&model.writer().unwrap())
    }

    /// A model of the references, by the name of its folder.
    pub fn reference(name: &str) -> Self {
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        Self {
            path: all.join(name).join("model.gguf"),
            _directory: None,
        }
    }

    pub fn session(&self) -> Session {
        self.session_with(LoadOptions::default())
    }

    pub fn session_with(&self, options: LoadOptions) -> Session {
        let options = LoadOptions {
            device: DeviceChoice::Cpu,
            ..options
        };
        Session::load(&self.path, &options, &mut |_| {}).unwrap()
    }

    pub fn model(&self) -> Arc<LoadedModel> {
        let source = ModelSource::open(&self.path).unwrap();
        let compute = Compute::Host(Host::new(Threads::new(2)));
        LoadedModel::load(&source, 512, CacheFormat::F16, compute, &mut |_| {}).unwrap()
    }
}

pub fn message(role: Role, content: &str) -> ChatMessage {
    ChatMessage::new(role, content)
}

pub fn request(messages: &[ChatMessage], max_tokens: u32) -> GenerateRequest {
    GenerateRequest {
        messages: messages.to_vec(),
        sampling: SamplingParams {
            temperature: 0.0,
            repetition_penalty: 1.0,
            ..Default::default()
        },
        max_tokens: Some(max_tokens),
        ..GenerateRequest::default()
    }
}

pub fn ask(content: &str, max_tokens: u32) -> GenerateRequest {
    request(&[message(Role::User, content)], max_tokens)
}

pub fn generate(session: &mut Session, request: &GenerateRequest) -> Result<(String, ReplyStats)> {
    let mut text = String::new();
    let stats = session.generate(request, &Arc::default(), &mut |progress| {
        if let Progress::Text(more) = progress {
            text.push_str(&more);
        }
    })?;
    Ok((text, stats))
}
