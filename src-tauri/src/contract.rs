//! What the page and Rust agree on: `ui/src/ipc/bindings.ts` is written from the types here, and the capability
//! grants the commands and no more. `UPDATE_BINDINGS=1 cargo test -p wick-desktop` writes the file anew.

use std::{collections::BTreeSet, fs, path::PathBuf};

use ts_rs::{Config, TS};

use crate::command_names::COMMANDS;

fn in_repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn bindings() -> String {
    use crate::state::StartState;
    use wick::{
        catalog::*, chat::*, download::*, hardware::*, hub::*, library::*, recommend::*, *,
    };
    use wick_engine::{
        calibration::{AttentionRate, Calibration, LayerCost, ProductRate},
        estimate::{
            Dimensions, ExpertDimensions, MemoryBytes, MemoryVerdict, Mixture, Range, SpeedVerdict,
            Verdict,
        },
        process::protocol::*,
        sampling::SamplingParams,
    };

    // No number of Wick's reaches 2^53: bytes, tokens, milliseconds, row ids.
    let config = Config::new().with_large_int("number");
    let mut text = String::from(
        "// The types that cross the border between the page and Rust, written from the Rust types by\n\
         // `UPDATE_BINDINGS=1 cargo test -p wick-desktop bindings`. Do not edit.\n\n",
    );
    macro_rules! declare {
        ($($type:ty),* $(,)?) => {
            $(text += &format!("export {}\n\n", <$type>::decl(&config));)*
        };
    }
    declare![
        Role,
        StopReason,
        ReplyStats,
        MessageStatus,
        Message,
        ChatSummary,
        Chat,
        SendRequest,
        SendReceipt,
        ReplyEvent,
        ModelInfo,
        Availability,
        Origin,
        Peer,
        Storage,
        LibraryModel,
        ImportMode,
        ImportEvent,
        Adoptable,
        Deleted,
        FolderState,
        LibraryFolder,
        VerifyOutcome,
        VerifyEvent,
        MoveEvent,
        DownloadRequest,
        DownloadState,
        Download,
        MemoryUse,
        EngineStatus,
        Theme,
        SamplingParams,
        CacheType,
        Prefer,
        Preferences,
        Settings,
        ErrorCode,
        AppError,
        StorageNotice,
        StartState,
        StarterState,
        Processor,
        MemoryLimit,
        Pressure,
        Memory,
        Disk,
        GpuVendor,
        GpuKind,
        Usability,
        Gpu,
        GpuSearch,
        HardwareProfile,
        ProductRate,
        AttentionRate,
        LayerCost,
        Calibration,
        KeptCalibration,
        HardwareReport,
        CalibrationState,
        Figures,
        Measurement,
        Class,
        Mixture,
        SizeSource,
        FileSize,
        ExpertDimensions,
        Dimensions,
        Thinking,
        CatalogFile,
        CatalogEntry,
        Range,
        MemoryBytes,
        MemoryVerdict,
        SpeedVerdict,
        Verdict,
        Place,
        Estimate,
        Prediction,
        Kind,
        Recommendation,
        Advice,
        HubSort,
        HubQuery,
        Source,
        Runs,
        HubModel,
        HubPage,
        HubFile,
        HubDetails,
        HubFileCheck,
        TokenPlace,
        HubAccount,
        AppEvent,
    ];
    text += "// What is absent stays; null clears what can be empty.\n\
             export type SettingsPatch = Partial<Settings>;\n\n\
             export const COMMANDS = [\n";
    for name in COMMANDS {
        text += &format!("  \"{name}\",\n");
    }
    text += "] as const;\n";
    // Comments of one line, as a person would write them.
    text.replace("/**\n * ", "  /** ")
        .replace("\n */\n", " */\n  ")
        .replace(" \n", "\n")
}

#[test]
fn bindings_are_up_to_date() {
    let path = in_repository("ui/src/ipc/bindings.ts");
    let expected = bindings();
    if std::env::var_os("UPDATE_BINDINGS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert!(
        committed == expected,
        "the Rust types changed: run `UPDATE_BINDINGS=1 cargo test -p wick-desktop bindings`"
    );
}

#[test]
fn the_capability_grants_the_commands_and_no_more() {
    let text = fs::read_to_string(in_repository("src-tauri/capabilities/main.json")).unwrap();
    let capability: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    assert_eq!(capability.get("remote"), None);
    let granted: Vec<String> = serde_json::from_value(capability["permissions"].clone()).unwrap();
    let expected: BTreeSet<String> = ["core:event:allow-listen", "core:event:allow-unlisten"]
        .map(String::from)
        .into_iter()
        .chain(
            COMMANDS
                .iter()
                .map(|name| format!("allow-{}", name.replace('_', "-"))),
        )
        .collect();
    assert_eq!(granted.len(), expected.len(), "a permission is named twice");
    assert_eq!(granted.into_iter().collect::<BTreeSet<_>>(), expected);
}
