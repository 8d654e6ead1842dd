//! An engine process that answers by a script: what the tests of the application talk to.

fn main() -> std::io::Result<()> {
    if std::env::args().nth(1).as_deref() == Some(wick::hardware::PROBE_ARGUMENT) {
        println!(r#"{{"gpus":[],"asked":["script"]}}"#);
        return Ok(());
    }
    wick_engine::process::scripted::run_scripted_engine()
}
