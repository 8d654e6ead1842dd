//! `wick search`, `wick show`, `wick login` and `wick logout`.

use std::io::{BufRead, IsTerminal};

use serde_json::json;
use wick::{
    Error, Result,
    hub::{HubAccount, HubFile, HubModel, HubQuery, Runs, Source, TokenPlace},
};
use wick_engine::estimate::{MemoryVerdict, SpeedVerdict, Verdict};

use super::library::megabytes;
use crate::arguments::SearchOptions;

/// Longest line that is read as a token.
const LONGEST_LINE: u64 = 4096;

/// Prints models that are like what is asked for.
pub async fn search(options: &SearchOptions, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let mut query = HubQuery {
        search: options.query.join(" "),
        sort: options.sort.into(),
        class: options.class.map(Into::into),
        only_fitting: options.fits,
        licences: options.licence.clone(),
        languages: options.language.clone(),
        architecture: options.architecture.clone(),
        gated: None,
        publisher: options.publisher.clone(),
        next: None,
    };
    let mut models: Vec<HubModel> = Vec::new();
    let source = loop {
        let page = wick.hub_search(&query).await?;
        models.extend(page.models);
        query.next = page.next;
        if query.next.is_none() || models.len() >= options.limit {
            break page.source;
        }
    };
    models.truncate(options.limit);
    if as_json {
        outln!("{}", json!({ "models": models, "source": source }));
        return Ok(());
    }
    say_source(source);
    if models.is_empty() {
        errln!("Nothing was found.");
    }
    for model in &models {
        let parameters = model.parameters.map_or_else(String::new, billions);
        outln!(
            "{:<56} {parameters:>7} {:<10} {:<12} {}",
            model.repository,
            model.architecture.as_deref().unwrap_or(""),
            model.licence.as_deref().unwrap_or(""),
            in_words(&model.runs, model.verdict.as_ref())
        );
    }
    Ok(())
}

/// Prints what a repository has, and what each file would take here.
pub async fn show(repository: &str, as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let details = wick.hub_details(repository).await?;
    if as_json {
        outln!("{}", json!(details));
        return Ok(());
    }
    say_source(details.source);
    let model = &details.model;
    let say = |what: &str, value: &str| {
        if !value.is_empty() {
            outln!("{what:<14}{value}");
        }
    };
    say("model", &model.repository);
    say("page", &details.url);
    say("architecture", model.architecture.as_deref().unwrap_or(""));
    say(
        "parameters",
        &model.parameters.map_or_else(String::new, billions),
    );
    say("licence", model.licence.as_deref().unwrap_or(""));
    say("languages", &model.languages.join(", "));
    say("commit", &details.commit);
    if model.gated {
        say(
            "terms",
            "to be accepted on its page before it can be downloaded",
        );
    }
    for file in &details.files {
        print_file(file);
    }
    if details.files.is_empty() {
        outln!("It has no file that Wick could run.");
    }
    Ok(())
}

fn print_file(file: &HubFile) {
    let name = match file.name.as_str() {
        "" => "(all safetensors)",
        name => name,
    };
    let parts = match file.parts {
        0 | 1 => String::new(),
        parts => format!(" in {parts} parts"),
    };
    let installed = file.installed.as_ref().map_or("", |_| ", in the library");
    outln!("\n{name}  {}{parts}{installed}", megabytes(file.bytes));
    match (&file.runs, &file.estimate) {
        (Runs::No { reason }, _) => outln!("  {reason}"),
        (_, Some(estimate)) => {
            outln!("  {}", super::recommend::memory_of(estimate));
            outln!("  {}", super::recommend::speed_of(estimate));
        }
        (_, None) => {
            outln!("  What it takes is told by its header only: wick pull reads it first.")
        }
    }
}

/// Keeps an access token. It is read from standard input, so that no list of processes shows it.
pub async fn login(as_json: bool) -> Result<()> {
    let wick = super::open()?;
    let token = tokio::task::block_in_place(read_token)?;
    let account = wick.hub_set_token(Some(&token)).await?;
    tell(&account, as_json);
    Ok(())
}

/// Forgets the access token.
pub async fn logout(as_json: bool) -> Result<()> {
    let account = super::open()?.hub_set_token(None).await?;
    tell(&account, as_json);
    Ok(())
}

fn read_token() -> Result<String> {
    let failed = |error: std::io::Error| Error::File {
        path: "standard input".into(),
        reason: error.to_string(),
    };
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return rpassword::prompt_password("Access token (it is not shown): ").map_err(failed);
    }
    let mut line = String::new();
    let mut input = std::io::Read::take(stdin.lock(), LONGEST_LINE);
    input.read_line(&mut line).map_err(failed)?;
    Ok(line)
}

fn tell(account: &HubAccount, as_json: bool) {
    if as_json {
        outln!("{}", json!(account));
        return;
    }
    let endpoint = &account.endpoint;
    let place = match account.kept_in {
        TokenPlace::Keyring => "in the system's keyring",
        TokenPlace::File => "in a file that only you can read",
        TokenPlace::Environment => "in HF_TOKEN",
        TokenPlace::HuggingFace => "where Hugging Face's own programs keep it",
    };
    match (account.has_token, account.kept_in) {
        (true, TokenPlace::Keyring | TokenPlace::File) => {
            outln!("The token for {endpoint} is kept {place}.");
        }
        // What Wick does not keep it cannot forget.
        (true, _) => outln!("Wick keeps no token for {endpoint}; there is one {place}."),
        (false, _) => outln!("Wick has no token for {endpoint}."),
    }
}

fn say_source(source: Source) {
    match source {
        Source::Live => {}
        Source::Cached { .. } => {
            errln!("The Hub cannot be reached: this is what it said the last time.");
        }
        Source::Catalog => errln!("The Hub cannot be reached: this is from Wick's own catalog."),
    }
}

fn in_words(runs: &Runs, verdict: Option<&Verdict>) -> &'static str {
    let Some(verdict) = verdict.filter(|_| !matches!(runs, Runs::No { .. })) else {
        return match runs {
            Runs::No { .. } => "not run by Wick",
            Runs::Yes | Runs::Unknown => "",
        };
    };
    match (verdict.memory, verdict.speed) {
        (MemoryVerdict::TooLarge { .. }, _) => "too large",
        (MemoryVerdict::Tight, _) => "tight",
        (MemoryVerdict::FitsWell, Some(SpeedVerdict::FasterThanReading)) => "fits, fast",
        (MemoryVerdict::FitsWell, Some(SpeedVerdict::Usable)) => "fits, usable",
        (MemoryVerdict::FitsWell, Some(SpeedVerdict::Slow)) => "fits, slow",
        (MemoryVerdict::FitsWell, None) => "fits",
    }
}

fn billions(count: u64) -> String {
    match count {
        0..1_000_000_000 => format!("{:.0}M", count as f64 / 1e6),
        _ => format!("{:.1}B", count as f64 / 1e9),
    }
}
