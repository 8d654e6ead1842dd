//! `stand-in-hub [--config FILE] [--port PORT]`: prints its addresses as one line of JSON and serves until its
//! standard input ends, so that it never outlives the test that started it.

use std::{env, error::Error, fs, process::ExitCode};

use stand_in_hub::{Script, StandInHub};
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stand-in-hub: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut port = 0;
    let mut script = Script::default();
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--config" => script = serde_json::from_str(&fs::read_to_string(value)?)?,
            "--port" => port = value.parse()?,
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    let hub = StandInHub::start_at(port).await?;
    hub.apply(script);
    println!(
        "{}",
        serde_json::json!({ "endpoint": hub.endpoint(), "cdn": hub.cdn() })
    );
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    Ok(())
}
